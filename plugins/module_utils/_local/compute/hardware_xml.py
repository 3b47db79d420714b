# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of machines of libvirt, rendered as XML, and what the host can do."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Dict, Tuple

from ..._model.hardware import Hardware
from .machine_hardware import boot_devices

_MODES = ('host-model', 'host-passthrough', 'maximum')
# As libosinfo has it for Windows 10: its clock shows local time, and catches up lost ticks.
_WINDOWS_TIMERS = (
    "<timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>"
    "<timer name='hpet' present='no'/>"
)
_HYPERV_TIMER = "<timer name='hypervclock' present='yes'/>"
_HYPERV = (
    "<hyperv><relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/>"
    '</hyperv>'
)


def default_cpu(kvm: bool) -> str:
    """The CPU mode where no model is specified: one that the kind of machine supports."""
    return 'host-passthrough' if kvm else 'maximum'


def cpu_xml(hardware: Hardware, kvm: bool) -> str:
    """The CPU, with the topology if that is specified."""
    model = hardware.cpu_model or default_cpu(kvm)
    if model == 'default':
        model = default_cpu(kvm)
    content = ''
    start = f"<cpu mode='{model}'"
    if model not in _MODES:
        start = "<cpu mode='custom' match='exact'"
        content = f"<model fallback='forbid'>{model}</model>"
    if hardware.sockets:
        sockets, cores, threads = hardware.sockets, hardware.cores, hardware.threads
        content += f"<topology sockets='{sockets}' dies='1' cores='{cores}' threads='{threads}'/>"
    return f'{start}>{content}</cpu>' if content else f'{start}/>'


def boot_xml(hardware: Hardware) -> str:
    """What the machine boots from, in this order."""
    return ''.join(f"<boot dev='{device}'/>" for device in boot_devices(hardware))


def clock_xml(hardware: Hardware, kvm: bool) -> str:
    """The clock, in local time for Windows."""
    if hardware.os_type != 'windows':
        return "<clock offset='utc'/>"
    timers = _WINDOWS_TIMERS + (_HYPERV_TIMER if kvm else '')
    return f"<clock offset='localtime'>{timers}</clock>"


def features_xml(hardware: Hardware, kvm: bool) -> str:
    """What Windows expects of a hypervisor; QEMU has it on KVM only."""
    return _HYPERV if kvm and hardware.os_type == 'windows' else ''


def choices(connection: Any, kvm: bool) -> Dict[str, Tuple[str, ...]]:
    """What machines of this host can have, by option."""
    kind = 'kvm' if kvm else 'qemu'
    text = connection.getDomainCapabilities(None, 'x86_64', 'pc', kind)
    host = ET.fromstring(text)  # noqa: S314 (libvirt's own)
    models = [
        model.text or ''
        for model in host.findall("cpu/mode[@name='custom']/model")
        if model.get('usable') == 'yes'
    ]
    modes = [
        mode.get('name', '')
        for mode in host.findall('cpu/mode')
        if mode.get('supported') == 'yes' and mode.get('name') in _MODES
    ]
    return {
        'cpu_model': ('default', *sorted(modes), *sorted(models)),
        'video': _values(host, 'devices/video', 'modelType'),
        'disk_bus': _values(host, 'devices/disk', 'bus'),
    }


def _values(host: ET.Element, device: str, name: str) -> Tuple[str, ...]:
    values = host.findall(f"{device}/enum[@name='{name}']/value")
    return tuple(value.text or '' for value in values)
