# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups of containers, which are archives of their files.

Nothing takes snapshots of files: a container is frozen, or off, until all of them are copied. A
restore replaces its root file system by one that was unpacked beside it. What is in the files is
untrusted: they are read and written by the users of the container.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ..._model.change import Change
from ..._model.effect import LIVE
from ..host.aborts import Abortable
from ..host.guest_files import remove_tree
from ..host.user_namespace import first_id, first_id_of, user_namespace
from ..record.host import Host
from ..storage.backup_files import BackupFolder, Copied
from ..storage.root_archives import PACK, PROVIDED
from . import container_roots
from .backup_stops import stop, suspended
from .root_exchange import new_root, old_root, remove_root, replace_root, settle_root
from .server_containers import ServerContainers

if TYPE_CHECKING:
    from ..storage.backup_chain import Chain
    from ..storage.row_types import ListedBackup
    from .row_types import CompleteServer

_ZSTD = '--zstd'


class BackupRoots:
    """Makes and restores archives of root file systems."""

    def __init__(self, host: Host, abortable: Abortable | None = None) -> None:
        """Copy the files of containers. ``abortable``: what ends the making of a backup."""
        self.abortable = abortable or Abortable()
        self.host = host
        self.machines = ServerContainers(host)

    def create(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        folder: BackupFolder,
        manifest: Mapping[str, Any],
    ) -> Mapping[str, Copied]:
        """Copy the files of a server, which does not change them meanwhile."""
        locks = self._locks(row, server)
        with self._at_rest(change, server):
            copy = {folder.name: lambda path: self._pack(server, path, locks)}
            return folder.write(manifest, copy, self.abortable.check)

    @contextlib.contextmanager
    def _at_rest(self, change: Change, server: CompleteServer) -> Iterator[None]:
        if change.effect != LIVE:
            stop(self.machines, change, server)
            try:
                yield
            finally:
                self.machines.define_and_start(server)
        elif server['power'] == 'started':
            with suspended(self.machines, server):
                yield
        else:
            yield

    def _pack(self, server: CompleteServer, path: str, locks: Sequence[int]) -> None:
        root = self.machines.root(server)
        excluded = (f'--exclude=./{name}' for name in PROVIDED)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        users = user_namespace(first_id_of(root), self.host.timeout)
        with open(descriptor, 'wb') as output, users as namespace:
            namespace.run(
                *PACK,
                _ZSTD,
                *excluded,
                '.',
                folder=root,
                output=output,
                locks=locks,
                check=self.abortable.check,
            )

    def restore(
        self,
        change: Change,
        row: ListedBackup,
        server: CompleteServer,
        chain: Chain,
        touch: Callable[[], None],
    ) -> None:
        """Replace the files of a server. ``touch``: called before the server is."""
        root = self.machines.root(server)
        new = new_root(root)
        remove_root(new)
        try:
            self._unpack(row, server, chain.folder.copy, new)
            touch()
            if change.effect != LIVE:
                stop(self.machines, change, server)
            replace_root(root, new)
        finally:
            remove_root(new)
        remove_tree(old_root(root))
        if change.effect != LIVE:
            self.machines.define_and_start(server)

    def _unpack(self, row: ListedBackup, server: CompleteServer, archive: str, new: str) -> None:
        """Unpack an archive, with what cloud-init knows about the server today."""
        root = self.machines.root(server)
        user_data = container_roots.user_data(root if os.path.exists(root) else old_root(root))
        files = self.machines.files(server, user_data)
        password = self.machines.keep_password(server)
        container_roots.create(
            self.host,
            new,
            server['root_size'],
            archive,
            first_id(server['id']),
            files,
            password,
            self._locks(row, server),
            _ZSTD,
            source=f'backup {row["name"]}',
        )

    def clean(self, row: ListedBackup, server: CompleteServer) -> None:
        """Remove what an interrupted run has left at a server."""
        root = self.machines.root(server)
        settle_root(root)
        remove_root(new_root(root))
        remove_tree(old_root(root))

    def _locks(self, row: ListedBackup, server: CompleteServer) -> Sequence[int]:
        held = self.host.work.held_lock
        return [*held('backup', row['name']), *held('server', server['name'])]
