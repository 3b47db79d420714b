# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes need of a cloud, compared with its limits."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.hanok.cloud.plugins.module_utils._local.limits import memory_limits
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.needs import (
    Limit,
    Need,
    needs_of,
    shortages,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume

WEB = Server('web', vcpus=2, memory=512, networks=(Nic('default'), Nic('default', port='front')))


def amounts(*changes: Change) -> dict[str, int]:
    """The amounts that changes need."""
    return {resource: need.amount for resource, need in needs_of(changes).items()}


def test_servers() -> None:
    """Named ports exist already; a stopped server uses no memory of a host."""
    created = Change('server', 'web', Verb.CREATE, None, WEB)
    stopped = Change('server', 'web', Verb.CREATE, None, WEB.powered('stopped'))
    assert needs_of([created, stopped]) == {
        'servers': Need('server', 2, 2),
        'vcpus': Need('server', 2, 4),
        'memory': Need('server', 2, 1024),
        'running_memory': Need('server', 1, 512),
        'ports': Need('server', 2, 2),
    }


def test_start_needs_memory_of_a_host_alone() -> None:
    """Its quota is used since it was created."""
    start = Change('server', 'web', Verb.START, WEB.powered('stopped'), WEB)
    assert amounts(start) == {'running_memory': 512}


def test_growth() -> None:
    """Only what is larger afterwards is needed."""
    larger = replace(WEB, vcpus=4)
    assert amounts(Change('server', 'web', Verb.UPDATE, WEB, larger)) == {'vcpus': 2}
    assert amounts(Change('server', 'web', Verb.UPDATE, larger, WEB)) == {}
    grown = Change('volume', 'data', Verb.UPDATE, Volume('data', 2), Volume('data', 5))
    assert amounts(grown) == {'volume_size': 3}


def test_deletion_makes_room() -> None:
    """What replaces something needs only the difference."""
    deleted = Change('volume', 'data', Verb.DELETE, Volume('data', 2), None)
    created = Change('volume', 'data', Verb.CREATE, None, Volume('data', 5))
    assert amounts(deleted) == {}
    assert amounts(deleted, created) == {'volume_size': 3}


def test_creation_that_was_interrupted_is_not_needed_again() -> None:
    """The cloud has counted it."""
    created = Change('server', 'web', Verb.CREATE, None, WEB, why=COMPLETES_INTERRUPTED_RUN)
    assert amounts(created) == {}


def test_shortages() -> None:
    """Limits that are advice become notes."""
    needs = {'vcpus': Need('server', 3, 12), 'servers': Need('server', 3, 3)}
    limits = [
        Limit('vcpus', 20, 15),
        Limit('servers', 3, 0),
        Limit('vcpus', 10, None, 'the host', 'wait', is_advice=True),
    ]
    problems, notes = shortages(needs, limits)
    assert [(str(one), one.option, one.code) for one in problems] == [
        (
            'server: 3 servers need 12 vCPUs; the project has 20, 15 in use; ask the operator for '
            'a larger quota',
            'flavor',
            'refused',
        )
    ]
    assert notes == ['server: 3 servers need 12 vCPUs; the host has 10; wait']


def test_memory_of_a_host() -> None:
    """More than all of it is refused, more than is available is a note."""
    meminfo = 'MemTotal: 8388608 kB\nMemFree: 0 kB\nMemAvailable: 1048576 kB\nSwapTotal: 2097152 kB'
    limits = memory_limits(meminfo)

    def found(amount: int) -> tuple[int, int]:
        problems, notes = shortages({'running_memory': Need('server', 1, amount)}, limits)
        return len(problems), len(notes)

    assert found(1024) == (0, 0)
    assert found(1025) == (0, 1)
    assert found(10240) == (0, 1)
    assert found(10241) == (1, 1)
