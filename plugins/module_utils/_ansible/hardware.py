# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option ``hardware`` of servers."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .._model.hardware import Hardware

HARDWARE: Dict[str, Any] = {
    'type': 'dict',
    'options': {
        'os_type': {'type': 'str', 'choices': ['linux', 'windows', 'other']},
        **{option: {'type': 'int'} for option in ('sockets', 'cores', 'threads')},
        'cpu_model': {'type': 'str'},
        'disk_bus': {'type': 'str', 'choices': ['virtio', 'scsi', 'sata']},
        'nic_model': {'type': 'str', 'choices': ['virtio', 'e1000e', 'rtl8139']},
        'video': {'type': 'str', 'choices': ['vga', 'virtio', 'qxl', 'none']},
        'boot_order': {
            'type': 'list',
            'elements': 'str',
            'choices': ['disk', 'cdrom', 'network'],
        },
        'firmware': {'type': 'str', 'choices': ['bios', 'efi']},
        **{option: {'type': 'bool'} for option in ('secure_boot', 'tpm')},
        'cdroms': {'type': 'list', 'elements': 'str'},
    },
}


def hardware_of(given: Mapping[str, Any]) -> Hardware:
    """What is specified of the hardware."""
    lists = {option: tuple(value) for option, value in given.items() if isinstance(value, list)}
    return Hardware(**{**given, **lists})
