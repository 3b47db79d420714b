# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OCI images of archives and registries: each becomes the archive of a root, and an application.

They are untrusted: the programs that read them, and unpack their layers with their real owners, run
in a user namespace of users that have nothing else on this host, without network unless they fetch
from a registry, within limits of memory, size and time. What they wrote is read by nobody but them,
but for three small documents.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from typing import Any, Callable, Dict, List, Tuple

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
MOST_DOCUMENT = 2**20  # bytes of a manifest, and of a configuration
_MOST_LISTING = 2**26  # bytes: about a million files
MOST_LAYERS = 256  # Docker makes at most 127
_LAYOUT = 'oci:layout:image'
_MESSAGE = re.compile(r' level=fatal msg="((?:[^"\\]|\\.)*)')
_DENIED = 'unauthorized', 'authentication required', 'access to the resource is denied'
_DIGEST = re.compile('sha256:([0-9a-f]{64})')
_ENVIRONMENT = {'PATH': os.defpath, 'HOME': '.', 'LC_ALL': 'C'}
_CONFINED = ('prlimit', f'--as={_MEMORY}')
_LIST = ('tar', '--list', '--verbose', '--numeric-owner', '--force-local')
_UNPACK = ('umoci', 'raw', 'unpack', '--image', 'layout:image', 'root')
_EXCLUDED = ('dev/*', 'proc/*', 'sys/*')  # what the kernel and libvirt provide
# What is at the top of an archive tells who wrote it. Newer versions of docker save write both.
_KINDS = {'manifest.json': 'docker-archive', 'index.json': 'oci-archive'}
_ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64'}
_WAY_OUT = 'write one with skopeo copy (oci-archive:FILE) or docker save'
NONE = 'no image was created'


def unpack_oci(
    process: Import, name: str, fetch: Callable[[OciFolder], None]
) -> Tuple[int, Application | None]:
    """Make an OCI image the image; return its size in bytes, and what it runs (None: its init).

    ``name``: what errors call it. ``fetch``: writes it to the folder.
    """
    with user_namespace(IMPORTS, process.host.timeout) as namespace:
        folder = OciFolder(process, namespace, name)
        fetch(folder)
        config = folder.unpacked()
        try:
            application = oci_roots.application_of(folder.root, config)
        except ValueError as error:
            raise Invalid(f'{name}: {error}; {NONE}') from None
        folder.pack()
    return os.path.getsize(process.target), application


def from_archive(folder: OciFolder) -> None:
    """Write the image of the archive that was copied to the folder."""
    source = os.path.join(folder.folder, 'source')
    os.rename(decompressed(folder.process, folder.name), source)
    os.chown(source, IMPORTS, IMPORTS)
    size, kinds = folder.listed('source')
    folder.check(size)
    if not kinds:
        raise Invalid(f'{folder.name} is no archive of an OCI image; {_WAY_OUT}')
    folder.way_out = _WAY_OUT
    folder.copy('--insecure-policy', f'{kinds[0]}:source')


class OciFolder:
    """A folder with one image that belongs to the users of imports.

    ``way_out``: what errors say of an image that is not valid.
    """

    way_out = NONE

    def __init__(self, process: Import, namespace: UserNamespace, name: str) -> None:
        """``name``: what errors call the image."""
        self.process, self.namespace, self.name = process, namespace, name
        self.folder = os.path.join(process.folder, 'oci')
        self.root = os.path.join(self.folder, 'root')
        os.chmod(process.folder, 0o711)  # noqa: S103 (those users reach their own folder in it)
        os.mkdir(self.folder, 0o700)
        os.chown(self.folder, IMPORTS, IMPORTS)

    def copy(self, *source: str, **options: Any) -> None:
        """Copy an image to the folder. ``source``: options and source of skopeo copy."""
        temporary = ('--tmpdir', self.folder)  # requires an absolute path
        self.run('skopeo', *temporary, 'copy', '--quiet', *source, _LAYOUT, **options)

    def unpacked(self) -> Config:
        """Unpack its layers; return the configuration of the image."""
        document, layers = self._documents()
        try:
            config = config_of(document)
        except ValueError as error:
            raise Invalid(f'{self.name}: {error}; {NONE}') from None
        self.check(sum(self.listed(layer)[0] for layer in layers))
        self.run(*_UNPACK)
        return config

    def pack(self) -> None:
        """Make its root file system the image."""
        packed = os.path.join(self.process.folder, 'packed')
        excluded = (f'--exclude=./{path}' for path in _EXCLUDED)
        with self.process.create(packed) as output:
            self.run(*PACK, *excluded, '.', folder=self.root, output=output)
        os.rename(packed, self.process.target)

    def run(self, *command: str, failed: str = 'is no valid OCI image', **options: Any) -> None:
        """Run a program in the folder. ``failed``: what its failure says of the image."""
        process, limits = self.process, self.process.limits
        if limits.left < 0:
            raise limits.timed_out(command[0])
        most = min(MOST, options.pop('most', MOST), limits.available())
        environment = {**_ENVIRONMENT, **options.pop('environment', {})}
        locks = (*process.locks, *options.pop('locks', ()))
        options = {'most': most, 'locks': locks, 'environment': environment, **options}
        options.setdefault('folder', self.folder)
        try:
            self.namespace.run(*_CONFINED, *command, **options)
        except TimedOut:
            raise limits.timed_out(command[0]) from None
        except CloudError as error:
            problem = _problem(str(error).partition(': ')[2])
            way_out = self.way_out
            if any(word in problem for word in _DENIED):
                way_out += '; sign in as root: skopeo login'
            raise Invalid(f'{self.name} {failed} ({command[0]}: {problem}); {way_out}') from None

    def listed(self, path: str) -> Tuple[int, List[str]]:
        """The bytes of all files in an archive, and what the archive may be of.

        A layer may be compressed, and have the same file many times.
        """
        listing = os.path.join(self.process.folder, 'listing')
        with self.process.create(listing) as output:
            self.run(*_LIST, f'--file={path}', output=output, most=_MOST_LISTING)
        with open(listing, encoding='utf-8', errors='replace') as lines:
            size, names = 0, set()
            for name, bytes_of_file in _entries(lines):
                size += bytes_of_file
                names.update({name} & {*_KINDS})
        os.unlink(listing)
        return size, [kind for name, kind in _KINDS.items() if name in names]

    def check(self, size: int) -> None:
        """Raise CloudError if so many bytes are too many."""
        self.process.limits.check_size(size, f'{self.name}, unpacked,')

    def _documents(self) -> Tuple[Dict[str, Any], List[str]]:
        """The configuration of the image, and the paths of its layers from the folder."""
        index = self._document('layout/index.json')
        manifest = self._document(_blob(_first(index.get('manifests'))))
        document = self._document(_blob(manifest.get('config')))
        layers = manifest.get('layers')
        if not isinstance(layers, list) or len(layers) > MOST_LAYERS:
            raise Invalid(f'{self.name} has no layers, or more than {MOST_LAYERS}')
        _check_platform(document, self.name)
        return document, [_blob(layer) for layer in layers]

    def _document(self, path: str) -> Dict[str, Any]:
        text = read_inside(self.folder, path, MOST_DOCUMENT + 1)
        if text is None or len(text) > MOST_DOCUMENT:
            raise Invalid(
                f'{self.name}: its {os.path.dirname(path)} has no document of at most '
                f'{MOST_DOCUMENT} bytes; {NONE}'
            )
        found = parse_json(text.decode(errors='replace'))
        return found if isinstance(found, dict) else {}


def _problem(text: str) -> str:
    """What a program printed; of a line of the log of skopeo, its message."""
    found = _MESSAGE.search(text)
    return found[1].replace('\\"', '"') if found else text.strip()


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
        raise Invalid(f'{str(digest)[:80]!r} is not a SHA-256 digest; {NONE}')
    return f'layout/blobs/sha256/{match.group(1)}'


def is_of_this_host(found: Mapping[str, Any]) -> bool:
    """Whether a platform is that of this host."""
    return found.get('os') == 'linux' and found.get('architecture') == _architecture()


def _architecture() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _check_platform(document: Mapping[str, Any], name: str) -> None:
    if not is_of_this_host(document):
        here = _architecture()
        wanted = str(document.get('os')), str(document.get('architecture'))
        raise Invalid(
            f'{name} is for {"/".join(wanted)[:80]}, and this host is linux/{here}; use the image '
            'of that platform'
        )
