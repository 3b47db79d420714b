# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What guests use of their root disks: imported if a task wants those filled."""

from __future__ import annotations

from dataclasses import replace

from .._cloud import Cloud
from .._model.root_volume import root_name
from .._model.server_request import ServerRequest
from .._plan.server_observations import ObservedServers
from .._plan.volume_growth import has_guest
from .options import by_name


def with_root_volumes(
    cloud: Cloud, requested: ServerRequest, observed: ObservedServers
) -> ObservedServers:
    """With the root volumes of the requested servers that have a guest to ask."""
    servers = [observed.servers.get(name) for name in requested.members()]
    names = [root_name(server.name) for server in servers if server and has_guest(server)]
    if not names:
        return observed
    volumes = by_name('volume', cloud.volumes.list(names))
    disks = {name: cloud.volumes.guest_disk(name) for name in volumes}
    return replace(observed, root_volumes=volumes, guest_disks=disks)
