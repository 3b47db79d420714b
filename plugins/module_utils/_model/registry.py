# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in registries, docker://REGISTRY/NAME[:TAG][@DIGEST] (containers-transports(5)).

The grammar is that of github.com/distribution/reference; the registry must be named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, List

from .problem import Problem, invalid
from .server_type import OCI

if TYPE_CHECKING:
    from .image import ImageRequest

_COMPONENT = '[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*'
_REFERENCE = re.compile(
    '(?P<repository>docker://'
    '(?:localhost|(?=[^/]*[.:])[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?::[0-9]{1,5})?'
    f'(?:/{_COMPONENT})+)'
    '(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?'
    '(?:@(?P<digest>sha256:[0-9a-f]{64}))?'
)
_DIGEST = re.compile('sha256:[0-9a-f]{64}')
_MOST = 400  # characters


def registry_problems(url: str, request: ImageRequest) -> List[Problem]:
    """What is invalid in the request for an image from a registry."""
    problems = _url_problems(url)
    if request.hide_url:
        problems.append(
            invalid('hide_url', 'the address of an image in a registry is no secret; omit it')
        )
    if request.state == 'present' and request.options.get('disk_format') != OCI:
        problems.append(
            invalid('disk_format', f'an image from a registry is an OCI image; set {OCI}')
        )
    return problems + _checksum_problems(url, request.options.get('checksum'))


def _url_problems(url: str) -> List[Problem]:
    if _REFERENCE.fullmatch(url) and len(url) <= _MOST:
        return []
    if '@' in url.split('/')[2]:
        text = 'it contains a user name or password; log in as root with skopeo login, and omit it'
    else:
        shown = url.partition('?')[0][:_MOST]
        text = (
            f'{shown!r} is no image in a registry; name the registry, too, as in '
            'docker://docker.io/library/nginx:1.27'
        )
    return [invalid('url', text)]


def _checksum_problems(url: str, checksum: str | None) -> List[Problem]:
    if checksum is None:
        return []
    if not is_digest(checksum):
        text = (
            'of an image from a registry, it is the digest of its manifest, or of its index, as '
            'the registry has it: sha256: and 64 digits'
        )
        return [invalid('checksum', text)]
    found = _REFERENCE.fullmatch(url)
    if found and found['digest'] not in (None, checksum):
        return [invalid('checksum', f'url has the digest {found["digest"]}; omit one')]
    return []


def reference_of(url: str, checksum: str | None) -> str:
    """What is fetched: by the digest if there is one, else by the tag."""
    found = _REFERENCE.fullmatch(url)
    digest = checksum or (found['digest'] if found else None)
    return with_digest(url, digest) if digest else url


def with_digest(url: str, digest: str) -> str:
    """The image with a digest in the repository of another; no tag goes with it."""
    found = _REFERENCE.fullmatch(url)
    return f'{found["repository"]}@{digest}' if found else url


def is_digest(text: str) -> bool:
    """Whether this is the digest of a manifest, or of an index."""
    return bool(_DIGEST.fullmatch(text))
