# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of servers whose root disk is that of their flavor, as OpenStack has them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import Flavor
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server import plan
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    ObservedServers,
)

SERVER = Server('web', flavor='small', vcpus=1, memory=512, volume_size=4, disk_of_flavor=True)
SIZES = {'tiny': 1, 'small': 4, 'large': 20}
FLAVORS = {name: Flavor(name, vcpus=1, memory=512, disk=disk) for name, disk in SIZES.items()}


def planned(server: Server = SERVER, **options: Any) -> Plan[Server]:
    """The plan for one server."""
    request = ServerRequest('web', 'present', options, allow_restart=True)
    return plan(request, ObservedServers({'web': server}, flavors=FLAVORS))


@pytest.mark.parametrize(
    ('options', 'refusal'),
    [
        ({'volume_size': 5}, 'cannot have 5 GB; use a flavor with such a disk'),
        ({'volume_size': 3}, 'a disk cannot shrink'),
        ({'flavor': 'tiny'}, 'flavor tiny has a disk of 1 GB, and the disk of small with 4 GB'),
        ({'flavor': 'large', 'volume_size': 30}, 'with 20 GB, and cannot have 30 GB'),
        ({'flavor': 'large', 'volume_size': 10}, 'with 20 GB, and cannot have 10 GB'),
    ],
)
def test_refused(options: dict[str, Any], refusal: str) -> None:
    """It has no other size than its flavor, before anything is touched."""
    (problem,) = planned(**options).refused
    assert refusal in problem


@pytest.mark.parametrize('options', [{}, {'volume_size': 20}])
def test_grows_with_the_flavor(options: dict[str, Any]) -> None:
    """A larger flavor has a larger disk."""
    found = planned(flavor='large', **options)
    assert not found.refused
    assert found.result[0].volume_size == 20


def test_reason_of_an_error() -> None:
    """What the cloud says about a server in the status ERROR is told."""
    server = Server('web', status=Status.ERROR, faults=('No valid host was found',))
    (problem,) = planned(server, description='new').refused
    assert problem.startswith('server web is ERROR; possible: hard reboot, delete; ')
    assert problem.endswith('the cloud says: No valid host was found')
