# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes need of a cloud, compared with its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import Flavor
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb
from ansible_collections.hanok.cloud.plugins.module_utils._model.needs import (
    Limit,
    Need,
    Supply,
    needs_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.port import Port
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import (
    SecurityGroup,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server, Size
from ansible_collections.hanok.cloud.plugins.module_utils._model.shortages import shortages
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume

WEB = Server('web', vcpus=2, memory=512, networks=(Nic('default'), Nic('default', port='front')))


def amounts(*changes: Change) -> dict[str, int]:
    """The amounts that changes need."""
    return {resource: need.amount for resource, need in needs_of(changes).items()}


def test_servers() -> None:
    """Named ports exist already; the guest of a stopped server uses no memory."""
    created = Change('server', 'web', Verb.CREATE, None, WEB)
    stopped = Change('server', 'web', Verb.CREATE, None, WEB.powered('stopped'))
    assert needs_of([created, stopped]) == {
        'servers': Need('server', 2, 2),
        'vcpus': Need('server', 2, 4),
        'memory': Need('server', 2, 1024),
        'running_memory': Need('server', 1, 512),
        'ports': Need('server', 2, 2),
        'addresses:default': Need('server', 2, 2),
        'host_vcpus': Need('server', 2, 4),
        'host_memory': Need('server', 2, 1024),
    }


def test_start_needs_what_the_guest_uses() -> None:
    """The server has held its memory since it was created, as with a quota."""
    start = Change('server', 'web', Verb.START, WEB.powered('stopped'), WEB)
    assert amounts(start) == {'running_memory': 512}


def test_growth() -> None:
    """Only what is larger afterwards is needed."""
    larger = replace(WEB, vcpus=4)
    assert amounts(Change('server', 'web', Verb.UPDATE, WEB, larger)) == {
        'vcpus': 2,
        'host_vcpus': 2,
    }
    assert amounts(Change('server', 'web', Verb.UPDATE, larger, WEB)) == {}
    grown = Change('volume', 'data', Verb.UPDATE, Volume('data', 2), Volume('data', 5))
    assert amounts(grown) == {'volume_size': 3, 'host_disk': 3}


def test_deletion_makes_room() -> None:
    """What replaces something needs only the difference."""
    deleted = Change('volume', 'data', Verb.DELETE, Volume('data', 2), None)
    created = Change('volume', 'data', Verb.CREATE, None, Volume('data', 5))
    assert amounts(deleted) == {}
    assert amounts(deleted, created) == {'volume_size': 3, 'host_disk': 3}


def test_creation_that_was_interrupted_is_not_needed_again() -> None:
    """The cloud has counted it."""
    created = Change('server', 'web', Verb.CREATE, None, WEB, why=COMPLETES_INTERRUPTED_RUN)
    assert amounts(created) == {}


def test_shelved_server_holds_nothing() -> None:
    """What a host has is needed again when it is unshelved; a quota counted it all the time."""
    shelved = replace(WEB, status=Status.SHELVED_OFFLOADED, power='stopped')
    unshelve = Change('server', 'web', Verb.UNSHELVE, shelved, WEB)
    assert amounts(unshelve) == {'host_vcpus': 2, 'host_memory': 512, 'running_memory': 512}
    assert amounts(Change('server', 'web', Verb.SHELVE, WEB, shelved)) == {}


@pytest.mark.parametrize('power', ['stopped', 'paused'])
def test_server_at_rest_holds_all(power: str) -> None:
    """It can be started at any time."""
    created = Change('server', 'web', Verb.CREATE, None, WEB.powered(power))
    assert amounts(created)['host_memory'] == 512


def test_resize_can_be_reverted_at_any_time() -> None:
    """Until it is confirmed, the larger of both sizes is held."""
    larger = replace(WEB, vcpus=4, memory=256, resized_from=Size('old', 2, 512, 1))
    resize = Change('server', 'web', Verb.RESIZE, WEB, larger)
    assert amounts(resize) == {'vcpus': 2, 'host_vcpus': 2}
    for verb, after in ((Verb.REVERT_RESIZE, WEB), (Verb.CONFIRM_RESIZE, larger)):
        ended = Change('server', 'web', verb, larger, replace(after, resized_from=None))
        assert amounts(ended).keys() & {'host_vcpus', 'host_memory'} == set()


def test_load_balancer_holds_the_memory_of_its_container() -> None:
    """It is its limit in libvirt."""
    created = Change('lb', 'front', Verb.CREATE, None, Lb('front', 'default', ()))
    assert amounts(created) == {'lbs': 1, 'host_memory': 256, 'addresses:default': 1}


def test_what_comes_with_others() -> None:
    """A floating IP that is created with a server or a balancer, and the rules of a group."""
    server = Change('server', 'web', Verb.UPDATE, WEB, replace(WEB, floating_ip=AFTER_APPLY))
    balancer = Lb('front', 'default', (), floating_ip=AFTER_APPLY)
    created = Change('lb', 'front', Verb.CREATE, None, balancer)
    attached = Change('server', 'web', Verb.UPDATE, WEB, replace(WEB, floating_ip='198.18.0.9'))
    assert amounts(server) == {'floating_ips': 1}
    assert amounts(created)['floating_ips'] == 1
    assert amounts(attached) == {}
    rules = (Rule('ingress', 'tcp', 22, 22), Rule('ingress', 'tcp', 80, 80))
    group = Change('security_group', 'g', Verb.CREATE, None, SecurityGroup('g', rules=rules))
    assert amounts(group) == {'security_groups': 1, 'security_group_rules': 2}


def test_addresses_of_a_network() -> None:
    """One that is given up is free for the next; the option is that of the kind."""
    port = Port('front', 'lab')
    created = Change('port', 'front', Verb.CREATE, None, port)
    deleted = Change('server', 'web', Verb.DELETE, WEB, None)
    assert amounts(created) == {'ports': 1, 'addresses:lab': 1}
    assert amounts(deleted, replace(created, after=Port('front', 'default'))) == {}
    limit = Limit('addresses:lab', 5, 5, 'network lab (10.9.0.0/29)', 'use another')
    problems, _notes = shortages({'addresses:lab': Need('port', 1, 1)}, [limit], list)
    assert [(str(one), one.option) for one in problems] == [
        (
            'port: 1 port needs 1 address; network lab (10.9.0.0/29) has 5, 5 in use; use another',
            'network',
        )
    ]


def test_shortages() -> None:
    """Limits that are advice become notes."""
    needs = {'vcpus': Need('server', 3, 12, 'g1.large'), 'servers': Need('server', 3, 3)}
    limits = [
        Limit('vcpus', 20, 15),
        Limit('servers', 3, 0),
        Limit('vcpus', 10, 0, 'the host', 'wait', is_advice=True),
    ]
    problems, notes = shortages(needs, limits, list)
    assert [(str(one), one.option, one.code) for one in problems] == [
        (
            'server: 3 servers need 12 vCPUs; the project has 20, 15 in use; ask the operator for '
            'a larger quota',
            'flavor',
            'refused',
        )
    ]
    assert notes == ['server: 3 servers need 12 vCPUs; the host has 10, 0 in use; wait']


FLAVORS = [Flavor('tiny', memory=128, disk=1), Flavor('small', memory=2048, disk=20)]
FLAVORS += [Flavor('large', vcpus=4, memory=8192, disk=80)]
ROOM = Limit('host_disk', 100, 0, supply=Supply(100))


def told(need: Need, used: int = 4096, **holders: int) -> str:
    """The problem of a need of memory, without its way out."""
    limit = Limit(
        'host_memory',
        7168,
        used,
        way_out='shelve some',
        supply=Supply(8192, 1024),
        holders=holders,
    )
    problems, _notes = shortages(
        {'host_memory': need, 'host_disk': need}, [limit, ROOM], FLAVORS.copy
    )
    (text,) = [str(problem) for problem in problems if 'memory' in problem]
    return text.removesuffix('; shelve some')


def test_what_is_free_and_what_fits() -> None:
    """Of several servers some may fit, or as many of a smaller flavor, or one."""
    large = Need('server', 1, 8192, 'large')
    assert told(large, server=2) == (
        'server: flavor large needs 8192 MiB of memory; 3072 MiB of 7168 MiB are free (2 servers '
        'hold 4096 MiB); small fits'
    )
    assert told(large, 4352, server=1, lb=1).endswith(
        '2816 MiB of 7168 MiB are free (1 server and 1 load balancer hold 4352 MiB); small fits'
    )
    assert told(Need('server', 3, 24576, 'large'), 0).endswith(
        'server: 3 servers of flavor large need 24576 MiB of memory; 7168 MiB of 7168 MiB are '
        'free; 3 of small fit'
    )
    assert told(Need('server', 20, 40960, 'small'), 0).endswith('are free; 3 of small fit')
    assert told(Need('server', 200, 25600, 'tiny'), 7000, server=1).endswith(
        '168 MiB of 7168 MiB are free (1 server holds 7000 MiB); 1 of tiny fits'
    )
    assert told(Need('server', 20, 163840, 'large'), 5000).endswith('are free; small fits')
    assert told(large, 7100).endswith('68 MiB of 7168 MiB are free; no flavor fits')


def test_host_that_is_over_its_limit_has_nothing_free() -> None:
    """Of a server that exists and of a load balancer no flavor is told."""
    assert told(Need('server', 1, 512), 9000).endswith(
        'server: 1 server needs 512 MiB of memory; 0 MiB of 7168 MiB are free'
    )
    assert told(Need('lb', 1, 256), 7168).startswith('lb: 1 load balancer needs 256 MiB of memory')


def test_flavors_that_differ() -> None:
    """No flavor is told for servers that do not share one."""
    web, db = replace(WEB, flavor='a'), replace(WEB, flavor='b')
    changes = [Change('server', one.flavor or '', Verb.CREATE, None, one) for one in (web, db)]
    assert needs_of(changes[:1])['host_memory'].flavor == 'a'
    assert needs_of(changes)['host_memory'].flavor is None
