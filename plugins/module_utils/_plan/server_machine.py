# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machine of a server gets, by the type of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from .._model.change import Draft
from .._model.server_type import CONTAINER, OF_CONTAINERS

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.server import Server
    from .server_observations import ObservedServers


def settle_machine(
    server: Server,
    requested: Mapping[str, Any],
    options: Dict[str, Any],
    flavor: Flavor | None,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """Set what the machine of a server has among the options; refuse what it cannot have.

    ``server``: as it is, or with the type and hardware that a new one starts from. ``requested``:
    the options of the task. ``flavor``: another one that it gets. Its vCPUs and networks are among
    the options already.
    """
    if server.type == CONTAINER:
        from .server_container import check_growth, settle_container

        settle_container(server.name, requested, options, flavor, draft)
        check_growth(server, options, observed, draft)
        return
    if not OF_CONTAINERS.isdisjoint(options):
        from .server_container import check_not_of_container

        check_not_of_container(server.name, options, draft)
    if server.hardware is None:
        return
    elif 'hardware' not in options and not server.hardware.sockets:
        options['hardware'] = server.hardware
    else:
        from .server_hardware import settle_hardware

        vcpus = options.get('vcpus', server.vcpus)
        vcpus = options.get('max_vcpus', server.max_vcpus) or vcpus
        settle_hardware(server.name, options, server.hardware, vcpus, observed, draft)
