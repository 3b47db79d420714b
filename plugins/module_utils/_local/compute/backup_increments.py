# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Incremental backups of virtual machines that run: what changed since another one, the base.

A backup that can be a base has a checkpoint (backup_checkpoints.py) in the machine. QEMU writes
what changed since that of the base into files beside the root disk, and at the same instant keeps
track for the next one. These are compressed into the store, and removed. QEMU goes on with it when
this process is killed: the next run ends that.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Dict

from ..._cloud import CloudError
from ..host.aborts import Abortable
from ..host.hypervisor import tolerate
from ..host.progress import Copy
from ..record.host import Host
from ..record.work import wait_until
from ..storage.backup_files import BackupFolder, Copied
from ..storage.backup_rows import rows_of
from ..storage.pool_writer import writer_of
from ..storage.pools import Disk, pool_of, tag_of
from .backup_checkpoints import Checkpoints
from .frozen_guests import frozen
from .virtual_machines import active_machine

if TYPE_CHECKING:
    from ..storage.row_types import ListedBackup

_STOPPED = 'the server does not run'
_COMPLETED = 1  # VIR_DOMAIN_JOB_STATS_COMPLETED
_COMPRESSED = ('-c', '-f', 'qcow2', '-O', 'qcow2', '-o', 'compression_type=zstd')


class BackupIncrements:
    """What a machine has changed since its backups."""

    def __init__(
        self,
        host: Host,
        server: str,
        locks: Sequence[int] = (),
        abortable: Abortable | None = None,
    ) -> None:
        """``server``: UUID. ``locks``: what programs inherit that write.

        ``abortable``: what ends the making of a backup.
        """
        self.abortable = abortable or Abortable()
        self.host = host
        self.work = host.work
        self.pool = writer_of(host)
        self.folder = host.settings.path('servers', server)
        self.locks = locks
        self.domain = active_machine(host, server)

    def clean(self, row: ListedBackup, staying: Collection[str] | None = None) -> None:
        """Remove what there is of a backup in a machine that runs, and beside its disk.

        ``staying``: the checkpoints of other backups that stay; None: all.
        """
        if self.domain:
            self._end_job(tag_of(row['uuid']) if staying is None else '')
            checkpoints = Checkpoints(self.domain)
            ours = checkpoints.ours()
            own = {tag_of(row['uuid'])} & ours
            checkpoints.delete(own if staying is None else ours - {*staying})
        self._remove_parts(row)

    @contextlib.contextmanager
    def tracked(self, row: ListedBackup, disks: Sequence[Disk]) -> Iterator[None]:
        """Let a whole backup be a base: what is written from now on is told later."""
        if self.domain is None:
            raise CloudError(_STOPPED)
        with contextlib.ExitStack() as undo:
            undo.callback(self.clean, row)
            Checkpoints(self.domain).create(tag_of(row['uuid']), [disk.path for disk in disks])
            yield
            undo.pop_all()

    def create(
        self,
        row: ListedBackup,
        named: Mapping[str, Disk],
        folder: BackupFolder,
        manifest: Mapping[str, Any],
    ) -> Mapping[str, Copied]:
        """Copy what changed since the base. ``named``: the disks by the names of their copies."""
        if self.domain is None:
            raise CloudError(_STOPPED)
        base = row['base'] or ''
        parts = {name: self._part(row, name) for name in named}
        with contextlib.ExitStack() as undo:
            undo.callback(self.clean, row)
            self._push(row, tag_of(base), {parts[name]: disk for name, disk in named.items()})
            writers = {
                name: partial(self._compress, part, f'../{base}/{name}')
                for name, part in parts.items()
            }
            copied = folder.write(manifest, writers, self.abortable.check)
            undo.pop_all()
        self._remove_parts(row)
        return copied

    # -- what QEMU writes --------------------------------------------------------------------------

    def _push(self, row: ListedBackup, base: str, parts: Mapping[str, Disk]) -> None:
        """Let QEMU write what changed. ``parts``: the disks by the files for it."""
        checkpoints = Checkpoints(self.domain)
        paths = [disk.path for disk in parts.values()]
        targets = dict(zip(checkpoints.targets(paths), parts))
        disks = ''.join(
            f"<disk name='{escape(target)}' type='file' backup='yes'>"
            f"<driver type='qcow2'/><target file='{escape(part)}'/></disk>"
            for target, part in targets.items()
        )
        job = (
            f"<domainbackup mode='push'><incremental>{base}</incremental>"
            f'<disks>{disks}</disks></domainbackup>'
        )
        with frozen(self.domain):
            self.domain.backupBegin(job, checkpoints.xml(tag_of(row['uuid']), paths))
        copy = Copy(self.locks)
        wait_until(lambda: self._has_ended(copy), float('inf'))
        found = self.domain.jobStats(_COMPLETED)
        if not found.get('success'):
            raise CloudError(
                f'QEMU did not write what changed: {found.get("errmsg", "it was ended")}; run the '
                'task again'
            )

    def _has_ended(self, copy: Copy) -> bool:
        self.abortable.check()
        found = self.domain.jobStats()
        if found.get('disk_total'):
            copy.is_at(100 * found.get('disk_processed', 0) / found['disk_total'])
        return not found['type']

    def _end_job(self, tag: str) -> None:
        """End what QEMU goes on with for a run that was killed, and nothing of other programs.

        ``tag``: of the backup; empty: of any.
        """
        files = []
        with tolerate('NO_DOMAIN_BACKUP'):
            job = ET.fromstring(self.domain.backupGetXMLDesc())  # noqa: S314 (libvirt's own)
            files = [target.get('file', '') for target in job.iterfind('disks/disk/target')]
        if not any(file.startswith(f'{self.folder}/{tag}') for file in files):
            return
        with tolerate('OPERATION_INVALID'):  # it has ended
            self.domain.abortJob()
        if not wait_until(lambda: not self.domain.jobStats()['type'], self.work.time_left()):
            raise CloudError('QEMU does not end a backup that was interrupted; run the task again')

    # -- files -------------------------------------------------------------------------------------

    def _part(self, row: ListedBackup, name: str) -> str:
        return os.path.join(self.folder, f'{tag_of(row["uuid"])}-{name}.part')

    def _remove_parts(self, row: ListedBackup) -> None:
        for part in glob.glob(glob.escape(self._part(row, '')[: -len('.part')]) + '*'):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)

    def _compress(self, part: str, base: str, path: str) -> None:
        """Write a copy that stands on that of the base, of which nothing is read here.

        So that parts that are all zeros now are in it, too, an empty disk stands in for the base.
        """
        empty, size = f'{part}.base', self.pool.size(Disk(part, ''))
        run = partial(self.work.run, 'qemu-img', locks=self.locks)
        run('create', '-q', '-f', 'qcow2', empty, str(size))
        run('rebase', '-u', '-f', 'qcow2', '-b', empty, '-F', 'qcow2', part)
        options = (*_COMPRESSED, '-B', empty, '-F', 'qcow2', part, path)
        self.work.copy_disk(*options, locks=self.locks, check=self.abortable.check)
        run('rebase', '-u', '-f', 'qcow2', '-b', base, '-F', 'qcow2', path)


def base_problems(host: Host, server: str) -> Dict[str, str]:
    """Why the next backup of a server cannot be based on each that is complete; empty: it can."""
    pool = pool_of(host)
    problems: Dict[str, str] = {}
    for row in rows_of(host.record, None):
        if row['server_name'] != server or row['size'] is None or row['has_files']:
            continue
        domain = active_machine(host, row['server_uuid'])
        volumes = json.loads(row['volumes'] or '[]')
        disks = [pool.root(row['server_uuid']), *(pool.volume(one['id']) for one in volumes)]
        paths = [disk.path for disk in disks]
        checkpoints = Checkpoints(domain) if domain else None
        tag = tag_of(row['uuid'])
        problems[row['name']] = checkpoints.problem(tag, paths) if checkpoints else _STOPPED
    return problems
