# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of a flavor on the disks and interfaces of its machines (machine_limits.py).

As Nova does, each disk and each interface gets them. A disk of a volume also has those of its type;
the stricter ones win. libvirt reads 0 as no limit.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, NamedTuple, Tuple

if TYPE_CHECKING:
    from .row_types import ListedServer

Values = Dict[str, int]  # by the names of libvirt
Limits = Mapping[str, int]  # by the names in flavors
DISKS = {
    'disk_read_mib': 'read_bytes_sec',
    'disk_write_mib': 'write_bytes_sec',
    'disk_iops': 'total_iops_sec',
}
INTERFACES = {'network_in_mbit': 'inbound', 'network_out_mbit': 'outbound'}


class LimitedDisk(NamedTuple):
    """A disk of a machine, and its limits."""

    target: str
    serial: str
    values: Values


def limits_of(row: ListedServer) -> Limits:
    """Return the limits of the flavor of a server."""
    found: Dict[str, int] = json.loads(row['limits'] or '{}')
    return found


def limit_faults(
    row: ListedServer, definition: ET.Element, of_volumes: Mapping[str, Limits | None]
) -> List[str]:
    """Return how the limits of a machine differ from those of its flavor and its volumes.

    ``of_volumes``: by serial; None: they are being changed. Nothing is known of those of a flavor
    that was lost with the record, and while it is updated.
    """
    if row['flavor_task_state'] or not _is_known(row):
        return []
    limits = limits_of(row)
    faults: List[str] = []
    for disk in disks_of(definition):
        of_volume = of_volumes.get(disk.serial, {})
        if of_volume is not None:
            recorded = values_of(DISKS, strictest(limits, of_volume))
            faults += _differences(f'disk {disk.target}', disk.values, recorded)
    of_interfaces = values_of(INTERFACES, limits)
    for mac, found in interfaces_of(definition):
        faults += _differences(f'interface {mac}', found, of_interfaces)
    return faults


def strictest(limits: Limits, others: Limits) -> Limits:
    """Return the smaller one of each limit."""
    found = {**limits}
    for option, value in others.items():
        found[option] = min(value, found.get(option, value))
    return found


def _is_known(row: ListedServer) -> bool:
    if row['limits'] is not None or row['flavor'] is None:
        return True
    from ..catalogue.flavor_catalogue import CATALOGUE

    return row['flavor'] in CATALOGUE


def _differences(device: str, found: Values, recorded: Values) -> Iterator[str]:
    for name, value in recorded.items():
        if found[name] != value:
            has = f'{name} {found[name] or "unlimited"}'
            yield f'its {device} has {has} in libvirt, recorded {value or "unlimited"}'


def values_of(names: Mapping[str, str], limits: Limits) -> Values:
    """The values of libvirt for limits; 0 for those that there are none of."""
    from ..._model.flavor_limits import LIMITS

    return {name: limits.get(option, 0) * LIMITS[option].factor for option, name in names.items()}


def disks_of(definition: ET.Element) -> Iterator[LimitedDisk]:
    """The disks of a machine."""
    for disk in definition.iterfind("devices/disk[@device='disk']"):
        target = disk.find('target')
        if target is not None:
            found = {name: int(disk.findtext(f'iotune/{name}', '0')) for name in DISKS.values()}
            serial = disk.findtext('serial', '')
            yield LimitedDisk(target.get('dev', ''), serial, found)


def interfaces_of(definition: ET.Element) -> Iterator[Tuple[str, Values]]:
    """The MAC of each interface, and its limits."""
    for interface in definition.iterfind('devices/interface'):
        mac = interface.find('mac')
        if mac is not None:
            found = {name: _average(interface, name) for name in INTERFACES.values()}
            yield mac.get('address', ''), found


def _average(interface: ET.Element, name: str) -> int:
    element = interface.find(f'bandwidth/{name}')
    return 0 if element is None else int(element.get('average', '0'))
