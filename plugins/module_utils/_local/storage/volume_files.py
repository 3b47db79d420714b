# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes for containers: file systems in files, each mounted while a container has it.

It is mounted on the folder beside its file. The container has a folder in it, which is not there
while it is not mounted: nothing starts then, and nothing is written in the wrong place.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ..._cloud import CloudError, Refused
from ..._model.container import growth_refusal
from ..host.capabilities import grows_mounted
from ..host.file_systems import SUFFIX, grow, has_size, mount, renew, unmount
from ..host.owners import let_in, shift_owners
from .pools import Disk

_FILES, _MODE = 'files', 0o755


def files_of(disk: Disk) -> str:
    """The folder of a volume that its container has."""
    return os.path.join(_folder(disk), _FILES)


def _folder(disk: Disk) -> str:
    return disk.path[: -len(SUFFIX)]


def attach(disk: Disk, first: int) -> None:
    """Mount a volume, whose files belong to a container. ``first``: of its users on the host."""
    if not os.path.exists(disk.path):
        raise CloudError(f'the disk of a volume, {os.path.realpath(disk.path)}, cannot be found')
    folder, files = _folder(disk), files_of(disk)
    mount(disk.path, folder)
    let_in(folder, first)
    if not os.path.isdir(files):
        os.mkdir(files)
        os.chmod(files, _MODE)
    shift_owners(files, first)


def renew_files(disk: Disk) -> None:
    """Mount a volume anew, if that is needed; its container is off."""
    renew(disk.path, _folder(disk))


def detach(disk: Disk) -> None:
    """Unmount a volume, if it is mounted."""
    unmount(_folder(disk))
    with suppress(FileNotFoundError):
        os.rmdir(_folder(disk))


def check_growth(name: str, disk: Disk, server: str | None, running: bool) -> None:
    """Refuse to extend what is in use, if this process may not do that."""
    if running and not grows_mounted() and not has_size(disk.path, disk.size):
        raise Refused(f'size: volume {name}: {growth_refusal(server or "")}', 'size')


def extend(disk: Disk, attached: bool, running: bool) -> None:
    """Let a volume have its recorded size, and be mounted as before. ``running``: its container."""
    grow(disk.path, _folder(disk), disk.size, running)
    if attached and not running:
        mount(disk.path, _folder(disk))
    elif not attached:
        detach(disk)
