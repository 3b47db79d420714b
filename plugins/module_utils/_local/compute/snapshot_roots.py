# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Snapshots of containers: whole copies of their files, beside them.

Each depends on nothing else, so they are deleted in any order, and a restore leaves them as they
are. Where the file system of the host has reflinks (btrfs, XFS), a copy takes no room until either
side changes; elsewhere it takes what the files do. Layers of overlayfs would take less there, but
they are mounts, which something had to make before libvirt starts the containers with the host, and
a layer in the middle can neither be deleted nor written to.

A container stands still while it is copied. What is in the files is untrusted: its own users read
and write them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..._cloud import CloudError
from ..host.guest_files import remove_tree
from ..host.owners import let_in
from ..host.root_disks import create_root, rename_root
from ..host.root_disks import remove_root as remove_one
from ..host.user_namespace import first_id_of, user_namespace
from ..record.host import Host
from . import container_names
from .backup_stops import suspended
from .container_roots import part_of
from .root_exchange import new_root, old_root, remove_root, replace_root, settle_root
from .server_containers import ServerContainers

if TYPE_CHECKING:
    from .restoring import Restoring
    from .row_types import CompleteServer
    from .snapshot_machines import Place

_COPY = ('cp', '--archive', '--reflink=auto', '--one-file-system')


class SnapshotRoots:
    """Makes, restores and deletes copies of root file systems; all changes are idempotent."""

    def __init__(self, host: Host) -> None:
        """Copy the files of containers of this host."""
        self.host = host
        self.machines = ServerContainers(host)

    def create(self, place: Place, server: CompleteServer) -> None:
        """Create the snapshot; what an interrupted run has left of it is taken if it is whole."""
        target = self._path(place)
        if os.path.exists(target):
            return
        os.makedirs(os.path.dirname(target), 0o711, exist_ok=True)
        with self._at_rest(server):
            part = self._copy(place, self.machines.root(server), target, 0)
        self._complete(part, target)

    @contextlib.contextmanager
    def _at_rest(self, server: CompleteServer) -> Iterator[None]:
        """Let the container stand still, unless it does or is off."""
        machine = self.host.hypervisor.machines('lxc').get(server['uuid'])
        if machine and machine.power == 'started':
            with suspended(self.machines, server):
                yield
        else:
            yield

    def delete(self, place: Place) -> None:
        """Delete the snapshot, and the folder of the last one."""
        remove_root(self._path(place))
        with contextlib.suppress(OSError):  # there are others, or there is none
            os.rmdir(os.path.dirname(self._path(place)))

    def restore(self, place: Place, server: CompleteServer, restoring: Restoring) -> None:
        """Power the container off, exchange its files for a copy of the snapshot, and start it."""
        settle_root(self.machines.root(server))
        restoring.was_whole = True
        source, root = self._path(place), self.machines.root(server)
        if not os.path.isdir(source):
            raise CloudError(f'{source} is missing, with all data in it; delete the snapshot')
        new = new_root(root)
        remove_root(new)
        try:
            copy = self._copy(place, source, new, server['root_size'])
            self._complete(copy, new)
            container_names.renew(server, new, first_id_of(new))
            server = restoring.begin()
            self.machines.power_off(server)
            replace_root(root, new)
            restoring.is_done = True
        finally:
            remove_root(new)
        remove_tree(old_root(root))
        self.machines.define_and_start(server)

    def _copy(self, place: Place, source: str, target: str, size: int) -> str:
        """Copy a root file system; return the copy, which gets its name when it is complete.

        ``size``: the limit of the copy in GB; 0: it has none.
        """
        part = part_of(target)
        remove_one(part)
        owner = first_id_of(source)
        create_root(part, size, owner, 0o700)
        folder = self._folder(place)
        let_in(folder, owner)  # it may be of other users than the container has by now
        paths = [f'{os.path.relpath(source, folder)}/.', os.path.relpath(part, folder)]
        try:
            with user_namespace(owner, self.host.timeout) as namespace:
                namespace.run(*_COPY, *paths, folder=folder, locks=self._locks(place))
        except CloudError as error:
            remove_one(part)
            first = str(error).partition('\n')[0]
            raise CloudError(
                f'the files of {place.name} cannot be copied: {first}; free space in {folder}, if '
                'there is none, and run the task again'
            ) from None
        return part

    def _complete(self, part: str, target: str) -> None:
        """Give a copy its name when all of it is on the disk."""
        self.host.work.run('sync', '--file-system', part)
        rename_root(part, target)

    def _folder(self, place: Place) -> str:
        return self.host.settings.path('servers', place.machine)

    def _path(self, place: Place) -> str:
        return os.path.join(self._folder(place), 'snapshots', place.tag)

    def _locks(self, place: Place) -> Sequence[int]:
        return [number for lock in place.locks for number in self.host.work.held_lock(*lock)]
