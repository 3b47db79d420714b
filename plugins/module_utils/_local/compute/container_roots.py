# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root file systems of containers: folders that are unpacked from an image.

The archives are untrusted, and so is what is in a folder once its container has run: all of it is
written by programs in the user namespace of the container, whose root is nobody on the host.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import ENOSPC

from ..._cloud import CloudError, Refused
from ..._model.container import growth_refusal
from ..host import file_systems
from ..host.capabilities import grows_mounted
from ..host.control_group import is_version_2
from ..host.guest_files import read_inside
from ..host.owners import let_in
from ..host.root_disks import create_root, disk_of, has_root, remove_root, rename_root
from ..host.user_namespace import user_namespace
from ..record.host import Host

SEED = 'var/lib/cloud/seed/nocloud'  # docs.cloud-init.io: datasources, NoCloud
_INIT = '/sbin/init'
_OLD_ROOT = '.oldroot'  # libvirt makes it at a start, as root of the container, if it is not there
_MOST_USER_DATA = 2**20  # bytes
_FULL = os.strerror(ENOSPC)
# Devices are made by libvirt; nobody but root of the host may make any.
_UNPACK = ('tar', '--extract', '--numeric-owner', '--preserve-permissions', '--exclude=./dev/*')


def create(
    host: Host,
    root: str,
    size: int,
    image: str,
    first_id: int,
    files: Mapping[str, str],
    password: str,
    locks: Sequence[int],
    *words: str,
    source: str,
) -> None:
    """Unpack an image, and write files into it, if that was not done; whole, or not at all.

    ``size``: its limit in GB; 0: it has none. ``first_id``: of its users on the host. ``files``:
    texts by their paths, for its root only. ``password``: the hash for its root, if that gets one.
    ``words``: options of tar for the image. ``source``: what errors call that.
    """
    if has_root(root, size):
        return
    part = part_of(root)
    remove_root(part)
    create_root(part, size, first_id)
    try:
        with user_namespace(first_id, host.timeout) as namespace:
            with open(image, 'rb') as archive:
                namespace.run(*_UNPACK, *words, folder=part, source=archive, locks=locks)
            with _archive_of(files) as archive:
                namespace.run(*_UNPACK, folder=part, source=archive, locks=locks)
    except CloudError as error:
        remove_root(part)
        if _FULL in str(error):
            raise _does_not_fit(source, os.path.getsize(image), size, root) from None
        raise
    with suppress(FileExistsError):
        os.mkdir(os.path.join(part, _OLD_ROOT), 0o700)
        os.chown(os.path.join(part, _OLD_ROOT), first_id, first_id, follow_symlinks=False)
    if password:
        from .container_passwords import set_password

        set_password(part, password)
    if any(path.startswith(SEED) for path in files):  # an application does not start the init
        _check_init(part)
    rename_root(part, root)


def _does_not_fit(source: str, taken: int, size: int, root: str) -> CloudError:
    """The error for an image whose files do not fit. ``taken``: bytes of its archive."""
    files = f'the files of {source} ({-(-taken // 2**20)} MiB)'
    if not size:
        return CloudError(
            f'{files} do not fit in {os.path.dirname(root)}; free or add disk space there'
        )
    return CloudError(
        f'volume_size: {files} are too large, or too many, for {size} GB; use a larger one',
        'volume_size',
    )


def has_size(root: str, size: int) -> bool:
    """Whether a limited root file system has so many GB."""
    return file_systems.has_size(disk_of(root), size)


def check_growth(name: str, running: bool) -> None:
    """Refuse to extend what is in use, if this process may not do that."""
    if running and not grows_mounted():
        raise Refused(f'volume_size: {growth_refusal(name)}', 'volume_size')


def create_folder(folder: str, first_id: int) -> None:
    """Create the folder of a container, if there is none, for root of the host and its own."""
    os.makedirs(os.path.dirname(folder), 0o711, exist_ok=True)
    os.makedirs(folder, 0o700, exist_ok=True)
    let_in(folder, first_id)


def part_of(root: str) -> str:
    """What is being unpacked."""
    return root + '.part'


def _archive_of(files: Mapping[str, str]) -> io.BufferedRandom:
    """An archive of files, in a file without a name."""
    found = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    with tarfile.open(fileobj=found, mode='w') as archive:
        for path, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o600 if path.startswith(SEED) else 0o644
            archive.addfile(member, io.BytesIO(data))
    found.seek(0)
    return found


def _check_init(root: str) -> None:
    """Refuse systemd where it cannot run without root: it needs cgroup v2 to have cgroups."""
    if is_systemd(root) and not is_version_2():
        raise Refused(
            'image: it starts systemd, which needs cgroup v2 on this host as an unprivileged '
            'container; boot the host with systemd.unified_cgroup_hierarchy=1, or use an image '
            'with another init',
            'image',
        )


def is_systemd(root: str) -> bool:
    """Whether the init of a container is systemd."""
    return 'systemd' in _link_of_init(root)


def is_busybox(root: str) -> bool:
    """Whether the init of a container is that of BusyBox."""
    return 'busybox' in _link_of_init(root)


def _link_of_init(root: str) -> str:
    for folder in ('sbin', 'usr/sbin'):
        with suppress(OSError):
            return os.readlink(os.path.join(root, folder, 'init'))
    return ''


def user_data(root: str) -> str:
    """The user data that a container was created with, if it is still there."""
    found = read_inside(root, f'/{SEED}/user-data', _MOST_USER_DATA) or b''
    return found.decode(errors='replace')
