# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of OCI images: each becomes the archive of a root file system, and its application.

They are untrusted: the programs that read them, and unpack their layers with their real owners, run
in a user namespace of users that have nothing else on this host, without network, within limits of
memory, size and time. What they wrote is read by nobody but them, but for three small documents.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from typing import Any, Dict, List, Tuple

from ..._cloud import CloudError, Invalid, TimedOut
from ..._model.application import Application, Config, config_of
from ..._model.checks import GIB
from ..._model.guest import parse_json
from ..host.guest_files import read_inside
from ..host.user_namespace import IMPORTS, UserNamespace, user_namespace
from . import oci_roots
from .image_import import Import
from .root_archives import MOST, PACK, decompressed

_MEMORY = 2 * GIB  # address space of each program
_MOST_DOCUMENT = 2**20  # bytes of a manifest, and of a configuration
_MOST_LISTING = 2**26  # bytes: about a million files
_MOST_LAYERS = 256  # Docker makes at most 127
_DIGEST = re.compile('sha256:([0-9a-f]{64})')
_ENVIRONMENT = ('env', '-i', f'PATH={os.defpath}', 'HOME=.', 'LC_ALL=C')
_CONFINED = (*_ENVIRONMENT, 'prlimit', f'--as={_MEMORY}')
_LIST = ('tar', '--list', '--verbose', '--numeric-owner', '--force-local')
_COPY = ('copy', '--quiet', '--insecure-policy')
_UNPACK = ('umoci', 'raw', 'unpack', '--image', 'layout:image', 'root')
_EXCLUDED = ('dev/*', 'proc/*', 'sys/*')  # what the kernel and libvirt provide
# What is at the top of an archive tells who wrote it. Newer versions of docker save write both.
_KINDS = {'manifest.json': 'docker-archive', 'index.json': 'oci-archive'}
_ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64'}
_WAY_OUT = 'write one with skopeo copy (oci-archive:FILE) or docker save'


def unpack_oci(process: Import, name: str) -> Tuple[int, Application | None]:
    """Make the copy the image; return its size in bytes, and what it runs (None: its init).

    ``name``: of the file, in errors.
    """
    with user_namespace(IMPORTS, process.host.timeout) as namespace:
        archive = _Archive(process, namespace, name)
        config = archive.unpacked()
        try:
            application = oci_roots.application_of(archive.root, config)
        except ValueError as error:
            raise Invalid(f'{name}: {error}; no image was created') from None
        archive.pack()
    return os.path.getsize(process.target), application


class _Archive:
    """An archive in a folder that belongs to the users of imports."""

    def __init__(self, process: Import, namespace: UserNamespace, name: str) -> None:
        self.process, self.namespace, self.name = process, namespace, name
        self.folder = os.path.join(process.folder, 'oci')
        self.root = os.path.join(self.folder, 'root')
        os.chmod(process.folder, 0o711)  # noqa: S103 (those users reach their own folder in it)
        os.mkdir(self.folder, 0o700)
        os.rename(decompressed(process, name), os.path.join(self.folder, 'source'))
        for path in (self.folder, os.path.join(self.folder, 'source')):
            os.chown(path, IMPORTS, IMPORTS)

    def unpacked(self) -> Config:
        """Unpack its layers; return the configuration of the image."""
        size, kinds = self._listed('source')
        self._check(size)
        if not kinds:
            raise Invalid(f'{self.name} is no archive of an OCI image; {_WAY_OUT}')
        temporary = ('--tmpdir', self.folder)  # requires an absolute path
        self._run('skopeo', *temporary, *_COPY, f'{kinds[0]}:source', 'oci:layout:image')
        document, layers = self._documents()
        try:
            config = config_of(document)
        except ValueError as error:
            raise Invalid(f'{self.name}: {error}; no image was created') from None
        self._check(sum(self._listed(layer)[0] for layer in layers))
        self._run(*_UNPACK)
        return config

    def pack(self) -> None:
        """Make its root file system the image."""
        packed = os.path.join(self.process.folder, 'packed')
        excluded = (f'--exclude=./{path}' for path in _EXCLUDED)
        with self.process.create(packed) as output:
            self._run(*PACK, *excluded, '.', folder=self.root, output=output)
        os.rename(packed, self.process.target)

    def _run(self, *command: str, **options: Any) -> None:
        """Run a program in the folder."""
        process, limits = self.process, self.process.limits
        if limits.left < 0:
            raise limits.timed_out(command[0])
        most = min(MOST, options.pop('most', MOST), limits.available())
        options = {'folder': self.folder, 'most': most, 'locks': process.locks, **options}
        try:
            self.namespace.run(*_CONFINED, *command, **options)
        except TimedOut:
            raise limits.timed_out(command[0]) from None
        except CloudError as error:
            problem = str(error).partition(': ')[2].strip()
            raise Invalid(
                f'{self.name} is no valid archive of an OCI image ({command[0]}: {problem}); '
                f'{_WAY_OUT}'
            ) from None

    def _listed(self, path: str) -> Tuple[int, List[str]]:
        """The bytes of all files in an archive, and what the archive may be of.

        A layer may be compressed, and have the same file many times.
        """
        listing = os.path.join(self.process.folder, 'listing')
        with self.process.create(listing) as output:
            self._run(*_LIST, f'--file={path}', output=output, most=_MOST_LISTING)
        with open(listing, encoding='utf-8', errors='replace') as lines:
            size, names = 0, set()
            for name, bytes_of_file in _entries(lines):
                size += bytes_of_file
                names.update({name} & {*_KINDS})
        os.unlink(listing)
        return size, [kind for name, kind in _KINDS.items() if name in names]

    def _check(self, size: int) -> None:
        self.process.limits.check_size(size, f'{self.name}, unpacked,')

    def _documents(self) -> Tuple[Dict[str, Any], List[str]]:
        """The configuration of the image, and the paths of its layers from the folder."""
        index = self._document('layout/index.json')
        manifest = self._document(_blob(_first(index.get('manifests'))))
        document = self._document(_blob(manifest.get('config')))
        layers = manifest.get('layers')
        if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
            raise Invalid(f'{self.name} has no layers, or more than {_MOST_LAYERS}')
        _check_platform(document, self.name)
        return document, [_blob(layer) for layer in layers]

    def _document(self, path: str) -> Dict[str, Any]:
        text = read_inside(self.folder, path, _MOST_DOCUMENT + 1)
        if text is None or len(text) > _MOST_DOCUMENT:
            raise Invalid(
                f'{self.name}: its {os.path.dirname(path)} has no document of at most '
                f'{_MOST_DOCUMENT} bytes; no image was created'
            )
        found = parse_json(text.decode(errors='replace'))
        return found if isinstance(found, dict) else {}


def _entries(lines: Iterator[str]) -> Iterator[Tuple[str, int]]:
    """The names and sizes in a listing of tar; a device has numbers there."""
    for line in lines:
        fields = line.rstrip('\n').split(None, 5)
        if len(fields) == 6:
            yield fields[5], int(fields[2]) if fields[2].isdecimal() else 0


def _first(items: object) -> object:
    return items[0] if isinstance(items, list) and items else None


def _blob(descriptor: object) -> str:
    """The path of what a descriptor refers to (OCI image specification, "descriptor.md")."""
    digest = descriptor.get('digest') if isinstance(descriptor, dict) else None
    match = _DIGEST.fullmatch(str(digest))
    if not match:
        raise Invalid(f'{str(digest)[:80]!r} is not a SHA-256 digest; {_WAY_OUT}')
    return f'layout/blobs/sha256/{match.group(1)}'


def _check_platform(document: Mapping[str, Any], name: str) -> None:
    here = _ARCHITECTURES.get(platform.machine(), platform.machine())
    wanted = str(document.get('os')), str(document.get('architecture'))
    if wanted != ('linux', here):
        raise Invalid(
            f'{name} is for {"/".join(wanted)[:80]}, and this host is linux/{here}; use the image '
            'of that platform'
        )
