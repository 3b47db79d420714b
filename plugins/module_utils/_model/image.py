# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, FIXED, LIVE, Effect, Table, fixed, live, plain_fields
from .checks import GIB
from .request import Request

CHECKSUM = re.compile(r'(sha256|sha512):([0-9a-f]+|https?://[!-~]+)\Z')
DIGITS = {'sha256': 64, 'sha512': 128}
SOURCES = ('path', 'url', 'server')


@dataclass(frozen=True)
class Image:
    """A disk that servers are made from. ``source``: where it came from: path:..., url:... (without what comes after a question mark) or server:....

    ``digests``: of what it was made of, by kind (sha256, sha512). ``disk_missing``: its file is not there
    any more. ``size``: bytes of the disk in it. ``min_disk``: GB (2^30 bytes) that a root volume
    needs at least.
    """

    name: str
    source: str = ''
    checksum: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int | str = AFTER_APPLY
    min_disk: int | str = AFTER_APPLY
    used_by: Tuple[str, ...] = ()
    task_state: str | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    disk_missing: bool = False
    digests: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def status(self) -> str:
        """The status: available, error, or what is being done with it."""
        return self.task_state or ('error' if self.disk_missing else 'available')

    def public(self) -> Dict[str, Any]:
        """The image as a result shows it."""
        return {**plain_fields(self, 'disk_missing', 'digests'), 'status': self.status}

    def has_checksum(self, checksum: str) -> bool:
        """Whether it was made of what has this checksum, whatever was said then."""
        kind, _colon, digest = checksum.partition(':')
        return self.checksum == checksum or self.digests.get(kind) == digest


def min_disk_gb(size: int) -> int:
    """The GB that hold so many bytes."""
    return -(-size // GIB)


@dataclass(frozen=True)
class ImageRequest(Request):
    """What a user asked for; ``options`` has one ``source``. ``url``: the whole of it, of which the source has what may be recorded."""

    url: str | None = field(default=None, repr=False)
    hide_url: bool = False

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = super().problems()
        kind, _colon, where = self.options.get('source', '').partition(':')
        checksum = self.options.get('checksum')
        problems += _checksum_problems(checksum, kind)
        if self.hide_url and kind != 'url':
            problems.append('hide_url: it is for a url; give one, or leave it out')
        if kind == 'url':
            problems += _url_problems(self.url or where)
            if checksum is None and self.state == 'present':
                problems.append(
                    'checksum: give the checksum of what the url has to deliver, such as sha256:...'
                )
        return problems


def _checksum_problems(checksum: str | None, kind: str) -> List[str]:
    if checksum is None:
        return []
    problems = []
    match = CHECKSUM.match(checksum)
    is_url = match is not None and match.group(2).startswith('http')
    if match is None or (not is_url and len(match.group(2)) != DIGITS[match.group(1)]):
        problems.append(
            f'checksum: {checksum!r} is not a checksum; give sha256: or sha512: and the digits, or the address of a file of checksums'
        )
    if kind == 'server':
        problems.append('checksum: it is for a path or a url, not for a server')
    return problems


def _url_problems(url: str) -> List[str]:
    if not re.fullmatch('[!-~]*', url):
        return ['url: it holds a space, or what is no ASCII; write that as %20 and so on']
    if re.match('[^/]*//[^/]*@', url):
        return [
            'url: it holds the name of a user or a password; fetch the file beforehand, and give path'
        ]
    if not re.match(r'https?://[^/\s]+/\S', url):
        return [f'url: {recorded(url)!r} is not an http or https address']
    return []


def recorded(url: str) -> str:
    """What may be recorded and shown of a URL: what comes after a question mark is often a signature or a token (RFC 3986, section 3.4)."""
    return url.partition('?')[0]


def hidden(url: str) -> str:
    """What is recorded of a URL whose path is a secret, too: its host, and enough to see that it is another one."""
    path = recorded(url)
    digest = hashlib.sha256(path.encode()).hexdigest()[:32]
    return '/'.join([*path.split('/')[:3], f'hidden-{digest}'])


IMMUTABLE = 'an image is not remade; delete it and make it again, or choose another name'


def _source(before: str, after: str, current: Image) -> Effect:
    """A URL may be hidden later, and told again."""
    if all(source.startswith('url:') for source in (before, after)):
        old, new = before[len('url:') :], after[len('url:') :]
        if new == hidden(old) or old == hidden(new):
            return Effect(LIVE)
    return Effect(FIXED, IMMUTABLE)


TABLE: Table = {
    'source': _source,
    'checksum': fixed(IMMUTABLE),
    'description': live,
    'labels': live,
}
