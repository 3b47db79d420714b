# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disk of a machine without a guest: its boot sector does what ACPI asks of a guest.

Without KVM the boot of a guest takes eight seconds of a core, that of this one a tenth of a second.
It powers off when the power button is pressed, and releases each device that is to be detached. It
has no agent and no network.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SIZE = 96 * 2**20
# Real mode, for a machine i440fx or q35: the ports of ACPI and of its hotplug of PCI devices.
_BOOT_SECTOR = bytes.fromhex(
    'ba0206 b80001 ef'  # enable the power button: out 0x602, 0x100
    'ba0006 ed f6c401 7532'  # wait: was it pressed? in 0x600; to the end
    'bb00ae'  # the hotplug of i440fx: 0xae00
    '66b91f000000'  # chipset: for each bus from 31
    '6689c8 8d5710 66ef'  # bus: select it
    '8d5704 66ed 6685c0 7405'  # is anything to be released there?
    '8d5708 66ef'  # release it
    '6649 79e5'  # the next bus
    '81f3c0a2 81fbc00c 74d5'  # that of q35, 0xcc0: chipset
    'fb f4 ebc5'  # halt until the next tick of the timer; wait
    'ba0406 b80020 ef'  # end: power off: out 0x604, 0x2000
    'fa f4'
)


def is_up(domain: str) -> bool:
    """Whether a machine has booted: before, a press of its power button has no effect."""
    words = ('virsh', 'qemu-monitor-command', domain, '--hmp', 'i /xh 0x602')
    asked = subprocess.run(words, capture_output=True, text=True, check=True)
    return '0x0100' in asked.stdout


def image(folder: Path) -> str:
    """Create the image in a folder; its path."""
    raw, path = folder / 'idle.raw', folder / 'idle.qcow2'
    raw.write_bytes(_BOOT_SECTOR.ljust(510, b'\0') + b'\x55\xaa')
    os.truncate(raw, SIZE)
    subprocess.run(['qemu-img', 'convert', '-O', 'qcow2', raw, path], check=True)
    raw.unlink()
    return str(path)
