# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The import of files as images.

The files are untrusted. Each is first copied into a private folder, then identified, checked and
converted there by qemu-img, which gets the format as an option, runs as an unprivileged user
without network, and is limited in memory, output size and time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from subprocess import TimeoutExpired
from typing import IO, Any, BinaryIO, Dict, List

from ..._cloud import CloudError, Invalid, programs
from ..._cloud.images import disk_format
from ..._cloud.images.disk_format import DiskFormat
from ..._cloud.images.limits import Limits
from ..._cloud.images.source_files import open_file
from ..._model.checks import GIB, MAX_VOLUME_SIZE
from ..host.guest_files import remove_tree
from ..host.progress import Copy
from ..record.host import Host
from .import_progress import told_by

_MEMORY = 2 * GIB  # address space of qemu-img: 64 threads of 8 MiB, and some 100 MiB
_OVERHEAD = 256 << 20  # of qcow2, in addition to the data
_CLONE = 0x40049409  # FICLONE, ioctl_ficlone(2)
# Neither systemd nor Debian allocates these UIDs (systemd.io/UIDS-GIDS, "65520...65533"), so that
# one without an account has no files and no processes.
_UNALLOCATED_UIDS = range(65533, 65520, -1)
_REFERENCES = 'backing-filename', 'full-backing-filename', 'data-file'
_SINGLE_FILE = 'monolithicSparse', 'streamOptimized'  # subformats of VMDK that are one file


class Import:
    """The import of one image, in a folder of its own."""

    def __init__(self, host: Host, target: str, locks: Sequence[int]) -> None:
        """``target``: the file of the image. ``locks``: descriptors that programs inherit."""
        self.host = host
        self.target = target
        self.locks = locks
        self.folder = folder_of(target)
        self.source = os.path.join(self.folder, 'source')
        self.limits = Limits(self.folder, host.timeout, is_at=Copy(locks).is_at)
        self.digests: Dict[str, str] = {}

    def __enter__(self) -> Import:
        """Create the folder, without leftovers of an interrupted run."""
        remove(self.target)
        os.makedirs(os.path.dirname(self.folder), 0o711, exist_ok=True)
        os.mkdir(self.folder, 0o700)
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the folder."""
        remove(self.target)

    def copy(self, path: str) -> os.stat_result:
        """Copy a file of this host, unaffected by later changes to it; return its stat."""
        what = f'path: {path}'
        with open_file(path) as original:
            found = os.fstat(original.fileno())
            self.limits.check_size(found.st_size, what)
            with self.create(self.source) as copy:
                is_clone = _try_clone(original, copy)
                if not is_clone:
                    self.digests = self.limits.transfer(original.read, copy.write, what)
        if is_clone:  # the original may have changed since: the digests must be those of the clone
            with open(self.source, 'rb') as clone:
                self.digests = self.limits.digests(clone, what)
        return found

    def download(self, url: str, shown: str) -> None:
        """Download a URL. ``shown``: the part of it that may be shown."""
        with self.create(self.source) as copy:
            self.digests = self.limits.download(url, shown, copy)

    def convert(self, name: str) -> int:
        """Convert the copy to the image; return the size of its disk in bytes."""
        with open(self.source, 'rb') as file:
            found = disk_format.identify(file, name)
        self._hand_over()
        size = self._virtual_size(found, name)
        with told_by(self.limits.is_at) as output:
            arguments = ('convert', '-p', '--image-opts', '-O', 'qcow2', _options(found), 'disk')
            self._qemu_img(size, *arguments, output=output)
        self._accept(os.path.join(self.folder, 'disk'))
        return size

    def keep(self, name: str) -> int:
        """Make the copy the image, as it is: an ISO image; return its size in bytes."""
        with open(self.source, 'rb') as file:
            disk_format.identify_iso(file, name)
        os.rename(self.source, self.target)
        return os.path.getsize(self.target)

    def _virtual_size(self, found: DiskFormat, name: str) -> int:
        """The size by qemu-img info. Raises CloudError for references to other files."""
        output = self._qemu_img(0, 'info', '--output=json', '--image-opts', _options(found))
        info: Dict[str, Any] = json.loads(output)
        details = info.get('format-specific', {}).get('data', {})
        extents = details.get('extents', [])
        references = [key for key in _REFERENCES if info.get(key) or details.get(key)]
        is_single = details.get('create-type') in _SINGLE_FILE and len(extents) == 1
        if references or (found.name == 'vmdk' and not is_single):
            raise Invalid(
                f'{name} refers to other files; flatten it first: qemu-img convert -O qcow2'
            )
        size = int(info['virtual-size'])
        if not 0 < size <= MAX_VOLUME_SIZE * GIB:
            raise Invalid(
                f'{name} holds a disk of {size} bytes; use one of at most {MAX_VOLUME_SIZE} GB'
            )
        return size

    def _qemu_img(self, size: int, *arguments: str, output: IO[bytes] | None = None) -> str:
        """Run qemu-img. ``size``: of the disk to write, in bytes. ``output``: its standard one."""
        return self.run(size + _OVERHEAD, 'qemu-img', *arguments, output=output)

    def run(
        self,
        most: int,
        *program: str,
        source: IO[bytes] | None = None,
        output: IO[bytes] | None = None,
    ) -> str:
        """Run a program, confined to the folder; return its output. ``most``: bytes of a file.

        ``source``, ``output``: its standard input and output.
        """
        most = min(most, self.limits.available())
        limits = ['prlimit', f'--as={_MEMORY}', f'--fsize={most}', '--core=0']
        command = ['env', 'MALLOC_ARENA_MAX=1', 'unshare', '--net', '--ipc']
        command += [*_setpriv(), *limits, *program]
        what = f'{program[0]} {program[1]}'
        try:
            ran = programs.run(
                command,
                source=source,
                output=output,
                folder=self.folder,
                locks=self.locks,
                umask=0o077,
                timeout=max(1.0, self.limits.left),
            )
        except TimeoutExpired:
            raise self.limits.timed_out(what) from None
        if ran.returncode:
            problem = (ran.stderr or ran.stdout or '').strip()[:500] or 'it was killed'
            raise CloudError(f'{what}: {problem}; no image was created')
        return ran.stdout or ''

    def _hand_over(self) -> None:
        """Make the user of qemu-img the owner of the folder and the copy."""
        uid = _unused_uid()
        for path in (self.source, self.folder):
            os.chown(path, uid, uid)

    def _accept(self, output: str) -> None:
        """Take over the output of qemu-img if it is a regular file, not a link, and plain qcow2."""
        os.chown(self.folder, 0, 0)
        descriptor = os.open(output, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise CloudError('qemu-img did not write a regular file; no image was created')
            os.fchown(descriptor, 0, 0)
            os.fchmod(descriptor, 0o600)
            # qemu-img has read an untrusted file, which may have exploited it to write this one.
            with open(descriptor, 'rb', closefd=False) as file:
                if disk_format.identify(file, 'the output of qemu-img').name != 'qcow2':
                    raise CloudError('qemu-img did not write qcow2; no image was created')
        finally:
            os.close(descriptor)
        os.rename(output, self.target)

    @contextlib.contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        """Create a file in the folder, for root only."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
            yield file


def folder_of(target: str) -> str:
    """The folder in which an image is created."""
    return target + '.import'


def remove(target: str) -> None:
    """Remove the folder of an import, if it exists."""
    remove_tree(folder_of(target))


def _options(found: DiskFormat) -> str:
    return f'driver={found.name},file.driver=file,file.filename=source'


def _try_clone(source: BinaryIO, target: BinaryIO) -> bool:
    """Clone a file, so that both share their blocks; False where the file system cannot."""
    try:
        fcntl.ioctl(target.fileno(), _CLONE, source.fileno())
    except OSError:
        return False
    return True


def _setpriv() -> List[str]:
    uid = str(_unused_uid())
    ids = ['--reuid', uid, '--regid', uid, '--clear-groups']
    return ['setpriv', *ids, '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']


def _unused_uid() -> int:
    """A UID without an account."""
    for uid in _UNALLOCATED_UIDS:
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise CloudError(
        'this host has accounts for all UIDs from 65521 to 65533; '
        'qemu-img needs one without an account'
    )
