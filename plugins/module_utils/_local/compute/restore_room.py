# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether there is room for the copies that restores make beside what they replace.

A copy is made while the server runs, so that one that does not fit leaves it as it is; this tells
before how much is missing. Others may use up meanwhile what is free now.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Dict, NamedTuple, Tuple

from ..._cloud import CloudError
from ..._model.server_type import CONTAINER
from ..record.host import Host
from ..storage.backup_chain import Chain, rows_of_chain
from ..storage.pools import IMAGE, pool_of, tag_of
from .backup_disks import BackupDisks
from .snapshot_rows import snapshot_rows

if TYPE_CHECKING:
    from ..storage.row_types import ListedBackup, ListedVolume
    from .row_types import CompleteServer, ListedSnapshot

_MIB = 2**20
# What is copied has data in such units, at least (extended L2 entries of 1 MiB clusters).
_MEASURED = ('--output=json', '-O', 'qcow2', '-o', 'cluster_size=32k')
_METADATA = 4 * _MIB  # of a disk with 1 MiB clusters: header, refcounts, L1 and L2 tables
_REFLINKS = ('btrfs', 'xfs')


class Copy(NamedTuple):
    """A copy: the folder that it is made in, and its size in bytes."""

    folder: str
    size: int


def shortage(copies: Iterable[Copy], least: str = '') -> str:
    """Why there is no room for copies; empty: there is. ``least``: if they may need more."""
    by_device: Dict[int, Tuple[str, int]] = {}
    for copy in copies:
        device = os.stat(copy.folder).st_dev
        folder, size = by_device.get(device, (copy.folder, 0))
        by_device[device] = folder, size + copy.size
    for folder, size in by_device.values():
        system = os.statvfs(folder)
        free = system.f_bavail * system.f_frsize
        if size > free:
            return (
                f'{least}{-(-size // _MIB)} MiB are copied into the file system of {folder}, where '
                f'{free // _MIB} MiB are free; free or add disk space'
            )
    return ''


class RestoreRoom:
    """The room for copies on this host."""

    def __init__(self, host: Host) -> None:
        """Look at the file systems of ``host``."""
        self.host = host

    def of_backup(
        self, row: ListedBackup, server: CompleteServer, volumes: Sequence[ListedVolume]
    ) -> str:
        """Why there is no room to restore a backup; empty: there is, or its run tells."""
        try:
            if row['has_files']:
                return shortage([Copy(self._server(server['uuid']), row['size'] or 0)], 'at least ')
            disks = BackupDisks(self.host, volumes).disks(row, server)
            copies = [
                Copy(os.path.dirname(os.path.realpath(disk.path)), self._measured(row, name))
                for name, disk in disks.items()
            ]
            return shortage(copies)
        except (CloudError, OSError):  # a copy or a disk cannot be read
            return ''

    def of_image(self, row: ListedBackup) -> str:
        """Why there is no room for an image of a backup; empty: there is, or its run tells."""
        folder = os.path.dirname(pool_of(self.host).path(IMAGE, ''))
        if not os.path.isdir(folder):
            folder = self.host.settings.state
        if row['has_files']:
            return shortage([Copy(folder, row['size'] or 0)], 'at least ')
        try:
            return shortage([Copy(folder, self._measured(row, ''))])
        except CloudError:
            return ''

    def of_snapshot(self, name: str) -> str:
        """Why there is no room to restore a snapshot of a server; empty: there is.

        Only files of containers are copied: disks have their snapshots in them.
        """
        rows = snapshot_rows(self.host.record, [name], None)
        copied = [self._of_files(row) for row in rows if row['type'] == CONTAINER]
        return next(filter(None, copied), '')

    def _of_files(self, row: ListedSnapshot) -> str:
        folder = self._server(row['machine'])
        files = os.path.join(folder, 'snapshots', tag_of(row['uuid']))
        run = self.host.work.run
        if not os.path.isdir(files):
            return ''
        limit = 'SELECT root_size FROM server WHERE uuid = ?'
        if not self.host.record.value(limit, row['machine']):  # the copy is in this file system
            kind = run('stat', '--file-system', '--format=%T', folder).strip()
            if kind in _REFLINKS:
                return ''
        used = run('du', '--summarize', '--one-file-system', '--block-size=1', files)
        return shortage([Copy(folder, int(used.split()[0]))])

    def _server(self, identity: str) -> str:
        return self.host.settings.path('servers', identity)

    def _measured(self, row: ListedBackup, name: str) -> int:
        """The bytes of a disk when it is copied from a backup. ``name``: empty: the root disk."""
        chain = Chain(self.host.settings, rows_of_chain(self.host.record, row), 'store')
        source = chain.source(name or chain.folder.name)
        output = self.host.work.run('qemu-img', 'measure', *_MEASURED, source)
        return int(json.loads(output)['required']) + _METADATA
