# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OCI images from registries, fetched by skopeo as the users of imports.

Registries that have no TLS, or mirrors, are in registries.conf(5) of the host; whose signatures an
image needs, in policy.json(5); the credentials are those of root (containers-auth.json(5)).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any, Dict, List, Tuple

from ..._cloud import Invalid
from ..._model.guest import parse_json
from ..._model.registry import is_digest, reference_of, with_digest
from .import_progress import seen_in
from .oci_images import MOST_DOCUMENT, MOST_LAYERS, NONE, OciFolder, is_of_this_host

_POLICIES = ('/etc/containers/policy.json', '/usr/share/containers/policy.json')
_CREDENTIALS = (
    '/run/containers/0/auth.json',
    '/run/user/0/containers/auth.json',
    '~/.config/containers/auth.json',
    '~/.docker/config.json',
)
_MOST_CREDENTIALS = 2**20  # bytes
_PROXIES = ('http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')


def from_registry(folder: OciFolder, url: str, checksum: str | None) -> None:
    """Fetch an image to the folder."""
    with _credentials() as (options, locks):
        registry = _Registry(folder, options, locks)
        registry.fetch(reference_of(url, checksum))


class _Registry:
    """A registry, as skopeo reaches it."""

    def __init__(self, folder: OciFolder, options: Tuple[str, ...], locks: Tuple[int, ...]) -> None:
        """``options``: of skopeo. ``locks``: descriptors that it inherits."""
        self.folder = folder
        self.options = options
        self.online: Dict[str, Any] = {
            'failed': 'cannot be fetched',
            'environment': {name: os.environ[name] for name in _PROXIES if name in os.environ},
            'is_online': True,
            'locks': locks,
        }

    def fetch(self, reference: str) -> None:
        """Fetch an image; of an index, the one for this host."""
        digest, document = self._manifest(reference)
        kind, _colon, digits = digest.partition(':')
        self.folder.process.digests = {kind: digits}
        if isinstance(document.get('manifests'), list):
            digest = self._of_this_host(document['manifests'])
            _digest, document = self._manifest(with_digest(reference, digest))
        size = self._size(document)
        self.folder.check(size)
        policy = () if any(map(os.path.exists, _POLICIES)) else ('--insecure-policy',)
        # Its manifest and configuration are written, too.
        folder = self.folder
        with seen_in(folder.folder, size, folder.process.limits.is_at):
            folder.copy(
                *policy,
                '--remove-signatures',  # they are not kept; what the policy wants is read anyway
                *self.options,
                with_digest(reference, digest),
                most=size + 2 * MOST_DOCUMENT,
                **self.online,
            )

    def _manifest(self, reference: str) -> Tuple[str, Dict[str, Any]]:
        """A manifest, or an index, and its digest."""
        path = os.path.join(self.folder.process.folder, 'manifest')
        command = ('skopeo', 'inspect', '--raw', *self.options, reference)
        with self.folder.process.create(path) as output:
            self.folder.run(*command, output=output, most=MOST_DOCUMENT, **self.online)
        with open(path, 'rb') as file:
            content = file.read()
        os.unlink(path)
        found = parse_json(content.decode(errors='replace'))
        digest = hashlib.sha256(content).hexdigest()
        return f'sha256:{digest}', found if isinstance(found, dict) else {}

    def _of_this_host(self, manifests: List[Any]) -> str:
        """The digest of the image for the platform of this host in an index."""
        for found in manifests:
            platform = found.get('platform') if isinstance(found, dict) else None
            if isinstance(platform, dict) and is_of_this_host(platform):
                digest = str(found.get('digest'))
                if is_digest(digest):
                    return digest
        raise Invalid(f'{self.folder.name} has no image for the platform of this host; {NONE}')

    def _size(self, document: Dict[str, Any]) -> int:
        """The bytes of the layers, as the manifest has them."""
        layers = document.get('layers')
        listed = layers if isinstance(layers, list) else []
        found = [layer.get('size') for layer in listed if isinstance(layer, dict)]
        sizes = [size for size in found if isinstance(size, int) and size >= 0]
        if not 0 < len(listed) == len(sizes) <= MOST_LAYERS:
            raise Invalid(
                f'{self.folder.name} has no layers, more than {MOST_LAYERS}, or one whose size its '
                f'registry does not say; {NONE}'
            )
        return sum(sizes)


@contextlib.contextmanager
def _credentials() -> Iterator[Tuple[Tuple[str, ...], Tuple[int, ...]]]:
    """The option of skopeo with the credentials of root, and what it inherits for that.

    They are in no file that the users of imports have, but in memory.
    """
    text = json.dumps({'auths': _known()}).encode()
    descriptor = os.memfd_create('credentials')
    try:
        os.write(descriptor, text)
        yield ('--authfile', f'/proc/self/fd/{descriptor}'), (descriptor,)
    finally:
        os.close(descriptor)


def _known() -> Dict[str, Any]:
    """The credentials by registry, from the file that the task names, or from all others."""
    chosen = os.environ.get('REGISTRY_AUTH_FILE')
    runtime = os.environ.get('XDG_RUNTIME_DIR')
    places = [f'{runtime}/containers/auth.json'] if runtime else []
    found: Dict[str, Any] = {}
    for place in [chosen] if chosen else [*places, *map(os.path.expanduser, _CREDENTIALS)]:
        found = {**_read(place), **found}
    return found


def _read(path: str) -> Dict[str, Any]:
    try:
        with open(path, 'rb') as file:
            document = parse_json(file.read(_MOST_CREDENTIALS).decode(errors='replace'))
    except FileNotFoundError:
        return {}
    auths = document.get('auths', {}) if isinstance(document, dict) else None
    if not isinstance(auths, dict):
        raise Invalid(f'{path} has no credentials of registries; write it with skopeo login', 'url')
    return auths
