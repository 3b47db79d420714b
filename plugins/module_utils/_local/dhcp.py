# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses and names for dnsmasq: two files per network, a projection of the ports, and one signal when they differ."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable
from typing import List, Tuple

from .devices import bridge_name
from .host import Host
from .record import RECOVER, Damaged, read_file, write_atomically

FOLDER = '/var/lib/libvirt/dnsmasq'  # where libvirt's AppArmor profile lets dnsmasq read
_LINE = re.compile(
    r'([0-9a-f:]{17},[0-9.]+,|[0-9.]+ )[A-Za-z0-9._-]+'
)  # what names and addresses are made of
_PORTS = """SELECT p.address, p.mac, p.server_id, coalesce(s.name, b.name) AS name FROM port p LEFT JOIN server s ON s.id = p.server_id
  LEFT JOIN balancer b ON b.id = p.balancer_id WHERE p.network_id = ? AND coalesce(s.id, b.id) IS NOT NULL ORDER BY p.id"""


def files(network: int) -> Tuple[str, str]:
    """The files of a network: DHCP reservations, and names."""
    return tuple(
        os.path.join(FOLDER, f'{bridge_name(network)}.hanok-{kind}') for kind in ('dhcp', 'names')
    )  # type: ignore[return-value]


def write(host: Host, networks: Iterable[int]) -> None:
    """Write the files of these networks where they differ, and have dnsmasq read them."""
    for network in sorted(set(networks)):
        with host.locks.projection('dhcp'):
            rows = host.record.rows(_PORTS, network)
            texts = (
                ''.join(
                    _sound(host, f'{row["mac"]},{row["address"]},{row["name"]}')
                    for row in rows
                    if row['server_id']
                ),
                ''.join(_sound(host, f'{row["address"]} {row["name"]}') for row in rows),
            )
            if [_replaced(path, text) for path, text in zip(files(network), texts)] != [
                False,
                False,
            ]:
                _signal(network)


def _sound(host: Host, line: str) -> str:
    """A line for dnsmasq, which reads its words by commas and spaces."""
    if not _LINE.fullmatch(line):
        raise Damaged(
            f'the record {host.record.path} holds what hanok.cloud does not write: {line!r} is no line for dnsmasq; {RECOVER}'
        )
    return line + '\n'


def remove(network: int) -> None:
    """Remove the files of a network that is no more."""
    for path in files(network):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _replaced(path: str, text: str) -> bool:
    """Write a file if its text differs; whether it did. dnsmasq runs as a user of its own, so it is world-readable: names and addresses are no secrets."""
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
        pass  # it does not run yet: it reads the files when it starts


def options(network: int, gateway: str) -> List[str]:
    """The settings of dnsmasq (dnsmasq(8)): it gives out reserved addresses only, whatever a client says.

    A clone's client id does not count, its MAC does. The host's own /etc/hosts is none of the
    servers' business.
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
    """Whether the dnsmasq of a network was started with these settings; libvirt writes them into its file."""
    text = read_file(os.path.join(FOLDER, f'{bridge_name(network)}.conf'))
    return text is not None and set(options(network, gateway)) <= set(text.splitlines())
