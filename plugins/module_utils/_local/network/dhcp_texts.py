# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dnsmasq is configured with: its settings, and the addresses and names of each network."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, List, Tuple

from ..host.devices import bridge_name
from ..host.files import read_file
from ..record.database import RECOVER, Damaged, Query
from ..record.host import Host

if TYPE_CHECKING:
    from .row_types import DnsmasqPort

FOLDER = '/var/lib/libvirt/dnsmasq'  # where libvirt's AppArmor profile lets dnsmasq read
_LINE = re.compile(r'([0-9a-f:]{17},[0-9.]+,|[0-9.]+ )[A-Za-z0-9._-]+')
_PORTS: Query[DnsmasqPort] = Query("""SELECT p.address, p.mac, p.server_id,
  coalesce(s.name, b.name) AS name FROM main.port p
  LEFT JOIN main.server s ON s.id = p.server_id LEFT JOIN main.balancer b ON b.id = p.balancer_id
  WHERE p.network_id = ? AND coalesce(s.id, b.id) IS NOT NULL ORDER BY p.id""")


def files(network: int) -> Tuple[str, str]:
    """The paths of a network's files: DHCP reservations, and names."""
    prefix = os.path.join(FOLDER, bridge_name(network))
    return f'{prefix}.hanok-dhcp', f'{prefix}.hanok-names'


def texts(host: Host, network: int) -> Tuple[str, str]:
    """The texts of a network's files."""
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
