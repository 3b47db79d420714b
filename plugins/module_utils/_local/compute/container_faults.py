# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between recorded servers and their containers, which were edited by hand."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, List, Tuple

from ..._model.server import DISK_MISSING
from ..host.hypervisor import Machine
from ..record.host import Host
from .container_domain import quota_of
from .faults import NOT_DEFINED, definition_of, interface_faults
from .machine_hardware import attribute

if TYPE_CHECKING:
    from .row_types import ObservedServer


def container_faults(
    host: Host, row: ObservedServer, machine: Machine | None, root: str
) -> Tuple[str, ...]:
    """The differences of a server's container from its record. ``root``: its root folder."""
    disk = f'{root}.raw' if row['root_size'] else root
    faults = [] if os.path.exists(disk) else [DISK_MISSING]
    definition = definition_of(machine, 'lxc')
    if definition is None:
        return (*faults, NOT_DEFINED)
    return (
        *faults,
        *_size_faults(row, definition),
        *_file_faults(host, row, root, definition),
        *interface_faults(row, definition),
    )


def _size_faults(row: ObservedServer, definition: ET.Element) -> List[str]:
    memory = int(definition.findtext('memtune/hard_limit', '0')) // 1024
    quota = int(definition.findtext('cputune/quota', '0'))
    swap = int(definition.findtext('memtune/swap_hard_limit', '0')) // 1024 - memory
    faults = []
    if memory != row['memory']:
        faults.append(f'its memory is {memory} MiB in libvirt, recorded {row["memory"]} MiB')
    elif swap != row['swap']:
        faults.append(f'its swap is {swap} MiB in libvirt, recorded {row["swap"]} MiB')
    if quota != quota_of(row['vcpus']):
        faults.append(f'it has a CPU quota of {quota} in libvirt, recorded {row["vcpus"]} vCPUs')
    return faults


def _file_faults(host: Host, row: ObservedServer, root: str, definition: ET.Element) -> List[str]:
    """What is mounted; what a task is attaching or detaching may be."""
    mounts = [
        (attribute(mount, 'source', 'dir'), attribute(mount, 'target', 'dir'))
        for mount in definition.iterfind('devices/filesystem')
    ]
    if mounts[:1] != [(root, '/')]:
        return [f'its machine has other files than {root}']
    if len(mounts) == 1 and not row['volumes']:
        return []
    from .container_volumes import mounts_of

    known = mounts_of(host, row['volumes'])
    needed = mounts_of(host, (one for one in row['volumes'] if one['task_state'] is None))
    if {*needed} <= {*mounts[1:]} <= {*known}:
        return []
    found = ', '.join(target for _source, target in mounts[1:]) or 'none'
    return [f'its machine has other volumes than recorded: {found}']
