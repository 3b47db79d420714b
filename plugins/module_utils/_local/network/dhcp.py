# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses and names for dnsmasq: two files per network, a projection of the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from ..._model.status import TaskState
from ..host.files import read_file
from ..record.database import Query
from ..record.host import Host
from .bridges import steady_networks
from .dhcp_texts import FOLDER, files, texts
from .leases import stale_leases

if TYPE_CHECKING:
    from ..record.projection import Look
    from ..record.rows import NetworkRow

_EXISTING: Query[NetworkRow] = Query(
    f"SELECT * FROM main.network WHERE task_state IS NOT '{TaskState.DELETING}'"
)


class Dhcp:
    """The files of dnsmasq, a projection of the ports of networks."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host

    def faults(self, look: Look) -> List[str]:
        """Return the networks whose files differ."""
        if look.since is not None:
            return []
        faults = []
        for row in look.networks:
            if tuple(map(read_file, files(row['id']))) != texts(self.host, row['id']):
                faults.append(
                    f'the addresses and names of the DHCP server of network {row["name"]} do not '
                    'match the record'
                )
            faults += [
                f'the DHCP server of network {row["name"]} has leased {lease.address} to '
                f'{lease.mac}, which no longer has it'
                for lease in stale_leases(self.host, FOLDER, row['id'])
            ]
        return faults

    def write(self, lock: int) -> None:
        """Write those that differ, and release leases of addresses that have another MAC by now.

        The files come first: with them, the former holder of a lease cannot lease it again.
        """
        from . import dhcp_files
        from .lease_releases import release_leases

        dhcp_files.write(self.host, [row['id'] for row in self.host.record.rows(_EXISTING)])
        for row in steady_networks(self.host.record):
            release_leases(self.host, FOLDER, row['id'], row['gateway'])
