# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of servers by their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._model.server_type import CONTAINER, VM
from ..record.host import Host
from .server_containers import ServerContainers
from .server_machines import ServerMachines
from .virtual_machines import VirtualMachines

if TYPE_CHECKING:
    from .row_types import CompleteServer


class MachinesOfServers:
    """The machines of all servers."""

    def __init__(self, host: Host) -> None:
        """Manage machines of this host."""
        self._by_type = {VM: VirtualMachines(host), CONTAINER: ServerContainers(host)}

    def of(self, row: CompleteServer) -> ServerMachines:
        """The machines of the type of a server."""
        return self._by_type[row['type']]
