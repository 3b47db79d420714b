# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of root file systems, for containers: their import, and those of containers.

Each becomes one plain tar archive. It is untrusted: programs that read it are confined as those
that read disks are, and it is unpacked by nobody of the host (compute/container_roots.py).
"""

from __future__ import annotations

import os

from ..._cloud import Invalid
from ..._cloud.images.root_archive import identify_root
from ..._model.checks import GIB
from ..host.user_namespace import first_id_of, user_namespace
from .image_import import Import

# What a container starts, each in either place.
_PROGRAMS = {'/sbin/init': ('sbin/init', 'usr/sbin/init'), '/bin/sh': ('bin/sh', 'usr/bin/sh')}
_LONGEST = 32  # characters of a line with one of them
MOST = 64 * GIB  # bytes of an archive
_MOST_NAMES = 2**28  # bytes of the list of its files
# Decompressed by no more than this memory, whatever the archive asks for.
_DECOMPRESS = {
    'gzip': ('gzip', '--decompress', '--stdout'),
    'xz': ('xz', '--decompress', '--stdout', '--memlimit-decompress=512MiB'),
    'zstd': ('zstd', '--decompress', '--stdout', '--quiet', '--memory=512MiB'),
}
# What of a container is no part of a backup: what its kernel and libvirt provide, what it has while
# it runs, and the first-boot content, which may have secrets; and of an image:
PROVIDED = ('dev/*', 'proc/*', 'sys/*', 'run/*', 'var/lib/cloud/seed')
_EXCLUDED = (*PROVIDED, 'tmp/*')
PACK = ('tar', '--create', '--numeric-owner', '--one-file-system', '--sparse', '--anchored')


def pack(process: Import, root: str, name: str, is_application: bool) -> int:
    """Make the files of a container that does not run the image; return its size in bytes.

    ``root``: its folder, which is read by its own users. ``name``: of the source, in errors.
    ``is_application``: what it starts is no init.
    """
    excluded = (f'--exclude=./{path}' for path in _EXCLUDED)
    most = min(MOST, process.limits.available())
    users = user_namespace(first_id_of(root), process.host.timeout)
    with users as namespace, process.create(process.source) as output:
        command = [*PACK, *excluded, '.']
        namespace.run(*command, folder=root, output=output, most=most, locks=process.locks)
    if not is_application:
        return unpack(process, name)
    os.rename(process.source, process.target)
    return os.path.getsize(process.target)


def unpack_backup(process: Import, path: str, name: str, is_application: bool) -> int:
    """Make the archive in a backup of a container the image; return its size in bytes."""
    process.copy(path)
    if not is_application:
        return unpack(process, name)
    os.rename(decompressed(process, name), process.target)
    return os.path.getsize(process.target)


def unpack(process: Import, name: str) -> int:
    """Make the copy the image, decompressed; return its size in bytes.

    ``name``: of the file, in errors.
    """
    archive = decompressed(process, name)
    _check_programs(process, archive, name)
    os.rename(archive, process.target)
    return os.path.getsize(process.target)


def decompressed(process: Import, name: str) -> str:
    """Decompress the copy; return the file of the archive. ``name``: of the file, in errors."""
    with open(process.source, 'rb') as file:
        program = identify_root(file, name)
    archive = os.path.join(process.folder, 'archive')
    if program:
        with open(process.source, 'rb') as source, process.create(archive) as output:
            process.run(MOST, *_DECOMPRESS[program], source=source, output=output)
        with open(archive, 'rb') as file:
            if identify_root(file, name):
                raise Invalid(f'{name} is compressed twice; decompress it first')
    else:
        os.rename(process.source, archive)
    return archive


def _check_programs(process: Import, archive: str, name: str) -> None:
    """Raise Invalid unless the archive has what a container starts."""
    names = os.path.join(process.folder, 'names')
    with open(archive, 'rb') as source, process.create(names) as output:
        process.run(_MOST_NAMES, 'tar', '--list', source=source, output=output)
    with open(names, encoding='utf-8', errors='replace') as listed:
        there = {line.rstrip('\n').removeprefix('./') for line in listed if len(line) < _LONGEST}
    for program, places in _PROGRAMS.items():
        if there.isdisjoint(places):
            raise Invalid(
                f'{name} has no {program}, which a container starts; use the archive of a whole '
                'root file system, packed from its top (tar -C ROOT -c .)'
            )
