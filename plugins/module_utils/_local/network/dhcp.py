# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses and names for dnsmasq: two files per network, a projection of the ports."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable
from typing import TYPE_CHECKING, List, Tuple

from ..._model.status import TaskState
from ..host.devices import bridge_name
from ..host.files import read_file, write_atomically
from ..record.database import RECOVER, Damaged, Query
from ..record.host import Host
from .leases import release_leases, stale_leases

if TYPE_CHECKING:
    from ..record.tables import NetworkRow
    from .row_types import DnsmasqPort

FOLDER = '/var/lib/libvirt/dnsmasq'  # where libvirt's AppArmor profile lets dnsmasq read
_LINE = re.compile(r'([0-9a-f:]{17},[0-9.]+,|[0-9.]+ )[A-Za-z0-9._-]+')
_EXISTING: Query[NetworkRow] = Query(
    f"SELECT * FROM main.network WHERE task_state IS NOT '{TaskState.DELETING}'"
)
_STEADY: Query[NetworkRow] = Query(
    'SELECT * FROM main.network WHERE task_state IS NULL ORDER BY id'
)
_PORTS: Query[DnsmasqPort] = (
    Query("""SELECT p.address, p.mac, p.server_id, coalesce(s.name, b.name) AS name FROM main.port p
  LEFT JOIN main.server s ON s.id = p.server_id LEFT JOIN main.balancer b ON b.id = p.balancer_id
  WHERE p.network_id = ? AND coalesce(s.id, b.id) IS NOT NULL ORDER BY p.id""")
)


class Dhcp:
    """The files of dnsmasq, a projection of the ports of networks."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host

    def faults(self, since: str | None) -> List[str]:
        """Return the networks whose files differ."""
        if since is not None:
            return []
        faults = []
        for row in self.host.record.rows(_STEADY):
            if tuple(map(read_file, files(row['id']))) != _texts(self.host, row['id']):
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
        write(self.host, [row['id'] for row in self.host.record.rows(_EXISTING)])
        for row in self.host.record.rows(_STEADY):
            release_leases(self.host, FOLDER, row['id'], row['gateway'])


def files(network: int) -> Tuple[str, str]:
    """The paths of a network's files: DHCP reservations, and names."""
    prefix = os.path.join(FOLDER, bridge_name(network))
    return f'{prefix}.hanok-dhcp', f'{prefix}.hanok-names'


def write(host: Host, networks: Iterable[int]) -> None:
    """Write the files of these networks where they differ, and have dnsmasq reload them."""
    for network in sorted(set(networks)):
        with host.locks.projection('dhcp'):
            texts = _texts(host, network)
            changed = [_write_changed(path, text) for path, text in zip(files(network), texts)]
            if any(changed):
                _signal(network)


def _texts(host: Host, network: int) -> Tuple[str, str]:
    reservations = names = ''
    for row in host.record.rows(_PORTS, network):
        if row['server_id']:
            reservations += _checked(host, f'{row["mac"]},{row["address"]},{row["name"]}')
        names += _checked(host, f'{row["address"]} {row["name"]}')
    return reservations, names


def _checked(host: Host, line: str) -> str:
    """Return a line for dnsmasq, which separates words by commas and spaces. Raises Damaged."""
    if not _LINE.fullmatch(line):
        raise Damaged(
            f'the record {host.record.path} contains data that hanok.cloud does not write: '
            f'{line!r} is not a valid line for dnsmasq; {RECOVER}'
        )
    return line + '\n'


def remove(network: int) -> None:
    """Remove the files of a deleted network."""
    for path in files(network):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _write_changed(path: str, text: str) -> bool:
    """Write a file if its text differs; return whether it did.

    dnsmasq runs as its own user, so the file is world-readable: names and addresses are not secret.
    """
    if read_file(path) == text:
        return False
    write_atomically(path, text, 0o644)
    os.chmod(path, 0o644)
    return True


def _signal(network: int) -> None:
    try:
        with open(f'/run/libvirt/network/{bridge_name(network)}.pid', encoding='ascii') as file:
            os.kill(int(file.read()), signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass  # it is not running yet, and reads the files when it starts


def options(network: int, gateway: str) -> List[str]:
    """The settings of dnsmasq (dnsmasq(8)): it leases reserved addresses only.

    Client ids are ignored and MAC addresses decide, because clones share a client id. The host's
    /etc/hosts is not served.
    """
    reservations, names = files(network)
    return [
        f'dhcp-range={gateway},static',
        'dhcp-ignore=tag:!known',
        'dhcp-ignore-clid',
        'dhcp-authoritative',
        'dhcp-lease-max=65536',
        f'dhcp-hostsfile={reservations}',
        f'addn-hosts={names}',
        'no-hosts',
        'quiet-dhcp',
    ]


def has_options(network: int, gateway: str) -> bool:
    """Whether dnsmasq of a network was started with these settings; libvirt writes its file."""
    text = read_file(os.path.join(FOLDER, f'{bridge_name(network)}.conf'))
    return text is not None and set(options(network, gateway)) <= set(text.splitlines())
