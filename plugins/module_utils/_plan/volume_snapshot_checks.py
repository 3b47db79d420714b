# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the state of a volume allows what changes its snapshots: imported if that is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._model.change import Draft
from .._model.kinds import Verb
from .._model.volume import DISK_MISSING
from .server_state import check_server

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume
    from .._model.volume_snapshot import VolumeSnapshot
    from .volume_snapshot import ObservedVolumeSnapshots


def check_volume(
    volume: Volume | None, observed: ObservedVolumeSnapshots, draft: Draft
) -> Server | None:
    """Refuse a volume whose disk is not as it should be; return its server."""
    if volume is None:
        return None
    if volume.file_system:
        draft.refuse(
            'volume',
            f'volume {volume.name} is for containers (file_system: {volume.file_system}), and has '
            'no snapshots; attach it to a container, and copy its files',
        )
    if volume.readers:
        draft.refuse(
            'volume',
            f'volume {volume.name} is attached read-only to {", ".join(volume.readers)}, and '
            'snapshots are written into its disk; detach it first (volume: state: detached)',
        )
    if volume.unavailable:
        draft.refuse('volume', f'volume {volume.name}: {volume.unavailable}')
    if volume.disk_missing:
        draft.refuse(
            'volume',
            f'volume {volume.name}: {DISK_MISSING}; delete the volume (state: absent) and '
            're-create it',
        )
    if volume.unfinished:
        draft.refuse(
            'volume',
            f'volume {volume.name} is unfinished ({volume.unfinished}); run its task again first',
        )
    server: Server | None = draft.settled('server', observed.servers.get(volume.server or ''))
    if server:
        check_server(server, Verb.SNAPSHOT, draft)
    return server


def check_unused(volume: Volume | None, observed: ObservedVolumeSnapshots, draft: Draft) -> None:
    """Refuse to change the disk of a guest that runs."""
    server = check_volume(volume, observed, draft)
    if server and volume and server.power != 'stopped':
        draft.refuse(
            'state',
            f'volume {volume.name} is attached to {server.name}, which is running; stop that first '
            '(server: state: stopped), or detach the volume',
        )


def check_latest(
    current: VolumeSnapshot, volume: Volume, observed: ObservedVolumeSnapshots, draft: Draft
) -> None:
    """Refuse what Cinder does not take back."""
    *_others, latest = observed.snapshots
    reasons = [
        *([f'{volume.name} is attached to {volume.server}'] if volume.server else ()),
        *([f'{latest} is later'] if latest != current.name else ()),
        *(
            [f'{volume.name} has {volume.size} GB, and had {current.size}']
            if volume.size != current.size
            else ()
        ),
    ]
    if reasons:
        draft.refuse(
            'state',
            f'volume_snapshot {current.name}: {"; ".join(reasons)}; '
            'this cloud restores only the latest snapshot of a detached volume of the same size; '
            'create a volume from it (volume: snapshot)',
        )
