# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one door by which a file becomes an image.

What somebody else made is data of an enemy: it is first copied into a folder of ours, then
identified, checked and converted there by qemu-img, which is told the format, runs as a user that
has no right elsewhere and no network, and is bounded in memory, size and time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Callable, Dict

from .._cloud import CloudError
from .._model.checks import GIB, MAX_VOLUME_SIZE
from . import disk_format
from .disk_format import DiskFormat
from .host import Host

_CHUNK = 1 << 20
_MEMORY = 2 * GIB  # of addresses, that qemu-img may use: 64 threads of 8 MiB, and some 100 MiB
_SPARE = GIB // 2  # what is left free on the disk of images
_OVERHEAD = 256 << 20  # of qcow2, beside the data
_CLONE = 0x40049409  # FICLONE, ioctl_ficlone(2)
# Where systemd and Debian give out no user (systemd.io/UIDS-GIDS, "65520...65533"): it has no file
# and no process.
_NOBODY_ELSE = range(65533, 65520, -1)
_ELSEWHERE = 'backing-filename', 'full-backing-filename', 'data-file'
_ONE_FILE = 'monolithicSparse', 'streamOptimized'  # kinds of VMDK that are one file


class Import:
    """The making of one image, in a folder of its own; ``until``: when it must have ended (time.monotonic)."""

    def __init__(self, host: Host, target: str, locks: Sequence[int]) -> None:
        """``target``: the file of the image. ``locks``: descriptors that programs inherit."""
        self.host, self.target, self.locks = host, target, locks
        self.folder = folder_of(target)
        self.source = os.path.join(self.folder, 'source')
        self.until = time.monotonic() + host.timeout
        self.digests: Dict[str, str] = {}

    def __enter__(self) -> Import:
        """Begin anew: what an interrupted run left is removed."""
        remove(self.target)
        os.makedirs(os.path.dirname(self.folder), 0o711, exist_ok=True)
        os.mkdir(self.folder, 0o700)
        return self

    def __exit__(self, *_error: Any) -> None:
        """Leave nothing."""
        remove(self.target)

    def copy(self, path: str) -> os.stat_result:
        """Take a file of this host in, as it is now: what happens to it later does not matter. What it was like when it was opened."""
        with _opened(path) as there:
            found = os.fstat(there.fileno())
            self._check_room(found.st_size, f'path: {path}')
            with self._new(self.source) as here:
                is_clone = _is_cloned(there, here)
                if not is_clone:
                    self.take(there.read, here.write, f'path: {path}')
        if is_clone:  # the file may be altered since: what is counted is what is used
            with open(self.source, 'rb') as clone:
                self.take(clone.read, lambda _chunk: None, f'path: {path}')
        return found

    def download(self, url: str, shown: str) -> None:
        """Take in what a URL delivers; ``shown``: what of the URL may be told."""
        from . import downloads

        with self._new(self.source) as here:
            left = self.until - time.monotonic()
            with downloads.opened(url, f'url: {shown}', left) as response:
                self._check_room(int(response.headers.get('Content-Length') or 0), f'url: {shown}')
                self.take(response.read1, here.write, f'url: {shown}')

    def take(self, read: Callable[[int], bytes], write: Callable[[bytes], Any], what: str) -> None:
        """Move all of it, within the bounds of size and time, and count its digests."""
        sums = {kind: hashlib.new(kind) for kind in ('sha256', 'sha512')}
        size, room = 0, self._room()
        while chunk := read(_CHUNK):
            size += len(chunk)
            if size > room:
                raise CloudError(
                    f'{what} is larger than the room for it ({room} bytes); no image was created'
                )
            if time.monotonic() > self.until:
                raise self.late(f'for {what}')
            write(chunk)
            for one in sums.values():
                one.update(chunk)
        self.digests = {kind: one.hexdigest() for kind, one in sums.items()}

    def convert(self, called: str) -> int:
        """Make the image of what was taken in; the bytes of the disk in it."""
        with open(self.source, 'rb') as file:
            found = disk_format.identify(file, called)
        self._give_away()
        size = self._size(found, called)
        self._confined(
            size, 'convert', '-q', '--image-opts', '-O', 'qcow2', _options(found), 'disk'
        )
        self._accept(os.path.join(self.folder, 'disk'))
        return size

    def _size(self, found: DiskFormat, called: str) -> int:
        """What qemu-img says of it, opened in that format only. Raises CloudError for what refers elsewhere after all."""
        said = self._confined(0, 'info', '--output=json', '--image-opts', _options(found))
        info: Dict[str, Any] = json.loads(said)
        inner = info.get('format-specific', {}).get('data', {})
        extents = inner.get('extents', [])
        refers = [key for key in _ELSEWHERE if info.get(key) or inner.get(key)]
        is_split = found.name == 'vmdk' and (
            inner.get('create-type') not in _ONE_FILE or len(extents) != 1
        )
        if refers or is_split:
            raise CloudError(
                f'{called} refers to other files; flatten it first: qemu-img convert -O qcow2'
            )
        size = int(info['virtual-size'])
        if not 0 < size <= MAX_VOLUME_SIZE * GIB:
            raise CloudError(
                f'{called} holds a disk of {size} bytes; give one of at most {MAX_VOLUME_SIZE} GB'
            )
        return size

    def _confined(self, size: int, *words: str) -> str:
        """Run qemu-img in the folder, with the right to nothing else. ``size``: of the disk that it may write."""
        user = str(_user())
        drop = [
            'setpriv',
            '--reuid',
            user,
            '--regid',
            user,
            '--clear-groups',
            '--no-new-privs',
            '--bounding-set=-all',
            '--inh-caps=-all',
        ]
        bounds = [
            'prlimit',
            f'--as={_MEMORY}',
            f'--fsize={min(size + _OVERHEAD, self._room())}',
            '--core=0',
        ]
        try:
            ran = subprocess.run(
                [
                    'env',
                    'MALLOC_ARENA_MAX=1',
                    'unshare',
                    '--net',
                    '--ipc',
                    *drop,
                    *bounds,
                    'qemu-img',
                    *words,
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors='replace',
                check=False,
                pass_fds=self.locks,
                umask=0o077,
                timeout=max(1.0, self.until - time.monotonic()),
            )
        except subprocess.TimeoutExpired:
            raise self.late(f'for qemu-img {words[0]}') from None
        if ran.returncode:
            raise CloudError(
                f'qemu-img {words[0]}: {(ran.stderr or ran.stdout).strip()[:500] or "it was killed"}; no image was created'
            )
        return ran.stdout

    def _give_away(self) -> None:
        for path in (self.source, self.folder):
            os.chown(path, _user(), _user())

    def _accept(self, made: str) -> None:
        """What came out is ours again, and no link to something else."""
        os.chown(self.folder, 0, 0)
        descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            kind = os.fstat(descriptor)
            if not stat.S_ISREG(kind.st_mode) or kind.st_nlink != 1:
                raise CloudError('qemu-img left something else than a file; no image was created')
            os.fchown(descriptor, 0, 0)
            os.fchmod(descriptor, 0o600)
            # What wrote it has read a file of somebody else: it may have been made to write this
            # one.
            with open(descriptor, 'rb', closefd=False) as file:
                if disk_format.identify(file, 'what qemu-img made').name != 'qcow2':
                    raise CloudError('qemu-img made no qcow2; no image was created')
        finally:
            os.close(descriptor)
        os.rename(made, self.target)

    def _room(self) -> int:
        """Bytes that may be written."""
        free = os.statvfs(self.folder)
        return max(0, min(MAX_VOLUME_SIZE * GIB, free.f_bavail * free.f_frsize - _SPARE))

    def _check_room(self, size: int, what: str) -> None:
        room = self._room()
        if size > room:
            raise CloudError(
                f'{what} has {size} bytes, and there is room for {room}; no image was created'
            )

    def late(self, waited: str) -> CloudError:
        """The error of what took too long."""
        return CloudError(
            f'timed out after {self.host.timeout} s (wait_timeout) waiting {waited}; no image was created'
        )

    @contextlib.contextmanager
    def _new(self, path: str) -> Iterator[BinaryIO]:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
            yield file


def folder_of(target: str) -> str:
    """Where an image is made."""
    return target + '.import'


def remove(target: str) -> None:
    """Remove what an interrupted making of an image left."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder_of(target))


def check_file(path: str) -> None:
    """Look at the first bytes of a file, before anything is done. Raises CloudError for what cannot become an image."""
    with _opened(path) as file:
        disk_format.identify(file, path)


def _opened(path: str) -> BinaryIO:
    """Open a file; of a pipe that somebody laid there nothing is awaited."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), 'rb')
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise CloudError(f'path: {path} is not a file')
    return file


def _options(found: DiskFormat) -> str:
    return f'driver={found.name},file.driver=file,file.filename=source'


def _is_cloned(source: BinaryIO, target: BinaryIO) -> bool:
    """Whether the file system shares the blocks of both, so that nothing has to be copied."""
    try:
        fcntl.ioctl(target.fileno(), _CLONE, source.fileno())
    except OSError:
        return False
    return True


def _user() -> int:
    """A user that nobody else is."""
    for number in _NOBODY_ELSE:
        try:
            pwd.getpwuid(number)
        except KeyError:
            return number
    raise CloudError(
        'this host has accounts for all of the users 65521 to 65533; qemu-img needs one that nobody has'
    )


def check_digests(wanted: str, digests: Dict[str, str]) -> None:
    """Raises CloudError when a checksum such as sha256:... is not that of these digests."""
    kind, _colon, digest = wanted.partition(':')
    if digests.get(kind) != digest:
        raise CloudError(
            f'checksum mismatch: got {kind}:{digests.get(kind)}, expected {wanted}; no image was created'
        )
