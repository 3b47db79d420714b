# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moving the disk of a volume to where its type says, also while a machine has it open.

The link to the disk (volume_places.py) is switched when the copy is complete. QEMU copies a disk in
use (mirror); when it goes over to the copy, libvirt writes that into the definition of the machine,
which tells it after an interruption.
"""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html import escape
from typing import Any

from ..._cloud import CloudError, TimedOut
from ..host.progress import Copy
from ..record.work import wait_until
from .pool_writer import OPTIONS, PoolWriter, link
from .pools import Disk
from .volume_places import folders

_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_REUSE_EXT = 2  # VIR_DOMAIN_BLOCK_COPY_REUSE_EXT: into a file with options of ours
_TRANSIENT_JOB = 4  # VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB: of a defined machine
_PIVOT = 2  # VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT


def is_due(disk: Disk) -> bool:
    """Whether the disk of a volume is not where its type says."""
    return bool(disk.folder) and os.path.realpath(disk.path) != os.path.realpath(disk.file)


def move(pool: PoolWriter, disk: Disk, locks: Sequence[int]) -> None:
    """Move a disk that no machine has open. ``disk``: of the type that it gets."""
    source = disk._replace(path=os.path.realpath(disk.path), folder='')
    target = Disk(disk.file, disk.serial)
    pool.flatten(source, target, locks)
    formats = ('-f', source.format, '-F', target.format)
    pool.host.work.run('qemu-img', 'compare', '-q', *formats, source.path, target.path, locks=locks)
    link(disk)


def mirror(pool: PoolWriter, disk: Disk, machine: Any, device: str, locks: Sequence[int]) -> None:
    """Move a disk that a running machine has open, as the nominal device."""
    if not machine.blockJobInfo(device):
        _begin(pool, disk, machine, device, locks)
    work, copy = pool.host.work, Copy(locks)
    if not wait_until(lambda: _is_ready(machine, device, copy), work.time_left()):
        raise TimedOut(
            f'timed out after {pool.host.timeout} s (wait_timeout) waiting for QEMU to copy its '
            'disk; the copy goes on, and the next run of the task completes it',
            'wait_timeout',
        )
    machine.blockJobAbort(device, _PIVOT)
    if not wait_until(lambda: not machine.blockJobInfo(device), work.time_left()):
        raise CloudError('QEMU does not go over to the copy of its disk; run the task again')
    link(disk)


def _begin(pool: PoolWriter, disk: Disk, machine: Any, device: str, locks: Sequence[int]) -> None:
    """Let QEMU copy a disk, and then write to both; what an earlier copy has left is removed."""
    os.makedirs(disk.folder, 0o711, exist_ok=True)  # of the operator: it exists
    with contextlib.suppress(FileNotFoundError):
        os.unlink(disk.file)
    size = str(machine.blockInfo(device)[0])
    create = ('qemu-img', 'create', '-q', '-f', disk.format, '-o', OPTIONS)
    pool.host.work.run(*create, disk.file, size, locks=locks)
    target = (
        f"<disk type='file'><driver type='{disk.format}'/>"
        f"<source file='{escape(disk.file)}'/></disk>"
    )
    machine.blockCopy(device, target, {}, _REUSE_EXT | _TRANSIENT_JOB)


def _is_ready(machine: Any, device: str, copy: Copy) -> bool:
    """Whether all is copied, and each write goes to both.

    libvirt says so in the definition, and not before it lets the machine go over to the copy; the
    numbers of the job are those of QEMU, which knows it earlier.
    """
    job = machine.blockJobInfo(device)
    if not job:
        raise CloudError(
            'QEMU failed to copy its disk, which stays where it was; see the log of the machine in '
            '/var/log/libvirt/qemu, and whether there is space'
        )
    if job['end']:
        copy.is_at(100 * job['cur'] / job['end'])
    definition = ET.fromstring(machine.XMLDesc())  # noqa: S314
    mirror = definition.find(f"devices/disk/target[@dev='{device}']/../mirror")
    return mirror is not None and mirror.get('ready') == 'yes'


def settle(disk: Disk, machine: Any) -> bool:
    """Switch the link to the copy that a machine had gone over to when a run was interrupted.

    Return whether it had, and its definition therefore names the copy.
    """
    definition = ET.fromstring(machine.XMLDesc(_INACTIVE))  # noqa: S314
    for device in definition.iterfind('devices/disk'):
        source = device.find('source')
        if source is None or device.findtext('serial') != disk.serial:
            continue
        path = source.get('file', '')
        if path == disk.path or os.path.basename(path) != os.path.basename(disk.path):
            return False
        if os.path.exists(path) and os.path.realpath(path) != os.path.realpath(disk.path):
            link(disk._replace(folder=os.path.dirname(path)))
        return True
    return False


def sweep(pool: PoolWriter, disk: Disk) -> None:
    """Remove the files of a disk that a move has left where it was, or begun and not completed."""
    name = os.path.basename(disk.path)
    there = os.path.realpath(disk.path)
    for folder in folders(pool.host.settings):
        path = os.path.join(folder, name)
        for leftover in (f'{path}.part', path):
            if os.path.realpath(leftover) != there:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(leftover)
