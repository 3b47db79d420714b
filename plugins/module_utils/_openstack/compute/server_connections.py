# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections of servers with networks, and their security groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Set, Tuple

from ..._model.change import AFTER_APPLY
from ..._model.server import Nic
from ..api.api import Raw, Raws
from ..api.marks import PREFIX, Marks
from .server_marks import OWN_GROUPS, numbered, own_groups_of

if TYPE_CHECKING:
    from .server_translation import Around


class Interface(NamedTuple):
    """An interface that Nova has made: its network, and its fixed IPv4 address."""

    network: str
    address: str
    mac: str


def nics_of(raw: Raw, marks: Marks, around: Around) -> Tuple[Nic, ...]:
    """Return the connections in the order of their creation; by marks before Nova made them."""
    interfaces = interfaces_of(raw, marks)
    if not interfaces:
        return _planned_nics(marks)
    found: List[Nic] = []
    ports: Dict[str, Raw] = {}
    for port in ports_of(raw, around):
        mac = port['mac_address']
        ports[mac] = port
    own_groups = own_groups_of(marks)
    for index, interface in enumerate(interfaces):
        port = ports.get(interface.mac, {})
        name = port.get('name') or None
        groups = None
        if port and (name or index in own_groups):
            groups = group_names([port], around)
        nic = Nic(*interface, name, groups)
        found.append(nic)
    return tuple(found)


def ports_of(raw: Raw, around: Around) -> Raws:
    """Return the ports of a server."""
    return around.ports.get(raw['id'], ())


def interfaces_of(raw: Raw, marks: Marks) -> Sequence[Interface]:
    """Return the interfaces that Nova has made, in the order of the connections."""
    names = numbered(marks, 'network')
    return _in_order(list(_interfaces(raw)), names)


def _interfaces(raw: Raw) -> Iterator[Interface]:
    """Yield each interface, with the first of its fixed IPv4 addresses."""
    macs = set()
    for network, addresses in raw['addresses'].items():
        for one in addresses:
            mac = one['OS-EXT-IPS-MAC:mac_addr']
            is_fixed = one['OS-EXT-IPS:type'] == 'fixed'
            if is_fixed and one['version'] == 4 and mac not in macs:
                macs.add(mac)
                yield Interface(network, one['addr'], mac)


def _in_order(interfaces: Sequence[Interface], names: Sequence[str]) -> Sequence[Interface]:
    """Interfaces in the order of the names of their networks; Nova has them by network."""
    connected = [interface.network for interface in interfaces]
    if sorted(names) != sorted(connected):
        return interfaces
    left: Dict[str, List[Interface]] = {}
    for interface in interfaces:
        left.setdefault(interface.network, []).append(interface)
    return [left[name].pop(0) for name in names]


def _planned_nics(marks: Marks) -> Tuple[Nic, ...]:
    own = marks.own
    found: List[Nic] = []
    for index, network in enumerate(numbered(marks, 'network')):
        nic = Nic(
            network,
            own.get(f'fixed_ip{index}') or AFTER_APPLY,
            own.get(f'mac{index}') or AFTER_APPLY,
            own.get(f'port{index}'),
        )
        found.append(nic)
    return tuple(found)


def groups_of(
    raw: Raw,
    marks: Marks,
    nics: Sequence[Nic],
    around: Around,
) -> Tuple[str, ...]:
    """Return the groups of a server: of its connections without groups of their own."""
    shared = {nic.mac for nic in nics if nic.security_groups is None}
    if nics and not shared:
        return ()
    if len(shared) < len(nics):
        ports = ports_of(raw, around)
        without_own = [port for port in ports if port['mac_address'] in shared]
        return group_names(without_own, around)
    groups = raw.get('security_groups', ())
    names = {group['name'] for group in groups}
    if not names:
        names = set(numbered(marks, 'group'))
    return tuple(sorted(names))


def group_names(ports: Raws, around: Around) -> Tuple[str, ...]:
    """Return the names of the groups of ports."""
    names: Set[str] = set()
    for port in ports:
        for group in port['security_groups']:
            name = around.groups.get(group, group)
            names.add(name)
    return tuple(sorted(names))


def needs_group_names(raw: Raw, ports: Raws) -> bool:
    """Return whether some connections of a server have groups of their own.

    Nova tells only the names of the groups of all of them.
    """
    if raw['metadata'].get(PREFIX + OWN_GROUPS):
        return True
    return any(port['name'] for port in ports)
