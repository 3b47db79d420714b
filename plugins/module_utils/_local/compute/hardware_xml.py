# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hardware of machines of libvirt, rendered as XML, and what the host can do."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from html import escape  # xml.sax would bring in urllib and ssl
from typing import Any, Dict, Tuple

from ..._model.hardware import Hardware
from .machine_hardware import boot_devices, machine_type

_MODES = ('host-model', 'host-passthrough', 'maximum')
# As libosinfo has it for Windows 10: its clock shows local time, and catches up lost ticks.
_WINDOWS_TIMERS = (
    "<timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>"
    "<timer name='hpet' present='no'/>"
)
# For 8 NICs and 15 hot-plugged volumes; the rest is for what is there from the start.
_PORTS = "<controller type='pci' model='pcie-root'/>" + 28 * (
    "<controller type='pci' model='pcie-root-port'/>"
)
_TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
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


def os_xml(hardware: Hardware, folder: str) -> str:
    """The firmware, and what it boots from, in this order. ``folder``: for what EFI keeps."""
    boot = ''.join(f"<boot dev='{device}'/>" for device in boot_devices(hardware))
    kind = f"<type arch='x86_64' machine='{machine_type(hardware)}'>hvm</type>"
    if hardware.firmware != 'efi':
        return f'<os>{kind}{boot}</os>'
    enabled = 'yes' if hardware.secure_boot else 'no'
    features = ''.join(
        f"<feature enabled='{enabled}' name='{name}'/>" for name in ('enrolled-keys', 'secure-boot')
    )
    # What EFI keeps is made with the keys, or without; the name is not that of the server, which
    # may change.
    kept = escape(os.path.join(folder, 'nvram-secure.fd' if hardware.secure_boot else 'nvram.fd'))
    return (
        f"<os firmware='efi'>{kind}<firmware>{features}</firmware><nvram>{kept}</nvram>{boot}</os>"
    )


def devices_xml(hardware: Hardware) -> str:
    """What the firmware needs: a TPM; free ports, where a machine has one for each PCI device."""
    ports = _PORTS if machine_type(hardware) == 'q35' else ''
    return ports + (_TPM if hardware.tpm else '')


def clock_xml(hardware: Hardware, kvm: bool) -> str:
    """The clock, in local time for Windows."""
    if hardware.os_type != 'windows':
        return "<clock offset='utc'/>"
    timers = _WINDOWS_TIMERS + (_HYPERV_TIMER if kvm else '')
    return f"<clock offset='localtime'>{timers}</clock>"


def features_xml(hardware: Hardware, kvm: bool) -> str:
    """What Windows expects of a hypervisor, which QEMU has on KVM only; what guards secure boot."""
    hyperv = _HYPERV if kvm and hardware.os_type == 'windows' else ''
    return hyperv + ("<smm state='on'/>" if hardware.secure_boot else '')


def choices(connection: Any, kvm: bool) -> Dict[str, Tuple[str, ...]]:
    """What machines of this host can have, by option."""
    kind = 'kvm' if kvm else 'qemu'
    host = _capabilities(connection, 'pc', kind)
    guarded = _capabilities(connection, 'q35', kind)
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
        'firmware': tuple(sorted({'bios', *_values(host, 'os', 'firmware')})),
        'secure_boot': _with_true('yes' in _values(guarded, 'os/loader', 'secure')),
        'tpm': _with_true('emulator' in _values(host, 'devices/tpm', 'backendModel')),
    }


def _capabilities(connection: Any, machine: str, kind: str) -> ET.Element:
    text = connection.getDomainCapabilities(None, 'x86_64', machine, kind)
    return ET.fromstring(text)  # noqa: S314 (libvirt's own)


def _with_true(is_possible: bool) -> Tuple[str, ...]:
    return ('false', 'true') if is_possible else ('false',)


def _values(host: ET.Element, device: str, name: str) -> Tuple[str, ...]:
    values = host.findall(f"{device}/enum[@name='{name}']/value")
    return tuple(value.text or '' for value in values)
