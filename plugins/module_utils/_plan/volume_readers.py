# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of volumes that servers have read-only: imported when one is attached so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Sequence

from .._model.change import Draft
from .._model.kinds import Verb
from .._model.server_type import CONTAINER
from .._model.volume import Volume

if TYPE_CHECKING:
    from .._model.server import Server
    from .volume import ObservedVolumes


def attach(
    joining: Sequence[str], current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    """Attach the volume to servers that may not write to it, beside others of these."""
    if current.file_system:
        draft.refuse(
            'read_only',
            f'read_only: volume {current.name} is for containers (file_system: '
            f'{current.file_system}), which one has at a time, and writes to it; omit it',
        )
    for name in joining:
        if name in observed.servers:
            _check_reader(observed.servers[name], draft)
    readers = tuple(sorted({*current.readers, *joining}))
    return draft.add('volume', Verb.ATTACH, current, replace(current, readers=readers))


def _check_reader(server: Server, draft: Draft) -> None:
    """Refuse a server whose machine has no disks that are read-only."""
    if server.type == CONTAINER:
        draft.refuse(
            'read_only',
            f'read_only: server {server.name} is a container, which has only volumes that it '
            'writes to; use virtual machines, or omit it',
        )
    elif server.hardware and server.hardware.bus == 'sata':
        draft.refuse(
            'read_only',
            f'read_only: server {server.name} has its disks on a bus (disk_bus: sata) that has '
            'none that are read-only; use disk_bus: virtio or scsi',
        )
