# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Network interfaces of machines; those of running ones are plugged and unplugged."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ..._model.hardware import hardware_from
from ..host.devices import bridge_name, bridge_tap_name, tap_name
from ..host.hypervisor import tolerate
from ..record.work import Work, wait_until
from .domain import Interface, interface_xml

if TYPE_CHECKING:
    from .row_types import CompleteServer

_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE; what libvirt keeps of the machine has been defined before


def interfaces_of(row: CompleteServer) -> Tuple[Interface, ...]:
    """The interfaces of a machine as recorded."""
    hardware = hardware_from(row['hardware'])
    model = hardware.effective(row['vcpus']).nic_model or ''
    boots = 'network' in (hardware.boot_order or ())
    networks = (
        Interface(tap_name(port['id']), port['mac'], bridge_name(port['network_id']), model, boots)
        for port in row['ports']
    )
    bridges = (
        Interface(
            bridge_tap_name(port['id']), port['mac'], port['bridge'], model, vlan=port['vlan']
        )
        for port in row['bridge_ports']
    )
    return (*networks, *bridges)


def plug(work: Work, machine: Any, wanted: Sequence[Interface]) -> bool:
    """Give a running machine these interfaces; false if its guest does not release the others.

    Those go first: a MAC may move to another network.
    """
    devices = [nic.device for nic in wanted]
    for device, interface in _plugged(machine).items():
        if device not in devices:
            with tolerate('OPERATION_FAILED', 'INTERNAL_ERROR'):  # an earlier run has asked for it
                machine.detachDeviceFlags(interface, _LIVE)

    def are_released() -> bool:
        return set(_plugged(machine)) <= set(devices)

    if not wait_until(are_released, work.time_left()):
        return False
    there = _plugged(machine)
    for nic in wanted:
        if nic.device not in there:
            link = 'down' if nic.vlan else 'up'
            machine.attachDeviceFlags(interface_xml(nic, link), _LIVE)
        if nic.vlan:
            from ..network.vlans import put

            # Nothing is sent before it is in its VLAN, also if this run is killed.
            put(work, nic.device, nic.vlan)
            machine.updateDeviceFlags(interface_xml(nic), _LIVE)
    return True


def _plugged(machine: Any) -> Dict[str, str]:
    """The interfaces of a running machine as XML, by their tap devices."""
    definition = ET.fromstring(machine.XMLDesc())  # noqa: S314 (libvirt's own)
    found: Dict[str, str] = {}
    for interface in definition.iterfind('devices/interface'):
        target = interface.find('target')
        if target is not None:
            found[target.get('dev', '')] = ET.tostring(interface, 'unicode')
    return found
