# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between recorded servers and their containers, which were edited by hand."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, List, Tuple

from ..._model.server import DISK_MISSING
from ..host.hypervisor import Machine
from .container_domain import quota_of
from .faults import NOT_DEFINED, definition_of, interface_faults
from .machine_hardware import attribute

if TYPE_CHECKING:
    from .row_types import ObservedServer


def container_faults(row: ObservedServer, machine: Machine | None, root: str) -> Tuple[str, ...]:
    """The differences of a server's container from its record. ``root``: its root folder."""
    disk = f'{root}.raw' if row['root_size'] else root
    faults = [] if os.path.exists(disk) else [DISK_MISSING]
    definition = definition_of(machine, 'lxc')
    if definition is None:
        return (*faults, NOT_DEFINED)
    return (
        *faults,
        *_size_faults(row, definition),
        *_root_faults(root, definition),
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


def _root_faults(root: str, definition: ET.Element) -> List[str]:
    mounts = [
        attribute(mount, 'source', 'dir') for mount in definition.iterfind('devices/filesystem')
    ]
    return [] if mounts == [root] else [f'its machine has other files than {root}']
