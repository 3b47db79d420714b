# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain
from .request import Request
from .words import GIB

CHECKSUM = re.compile(r'(sha256|sha512):[0-9a-f]+\Z')
DIGITS = {'sha256': 64, 'sha512': 128}
SOURCES = ('path', 'url', 'server')


@dataclass(frozen=True)
class Image:
    """A disk that servers are made from. ``source``: where it came from: path:..., url:... (without what comes after a question mark) or server:....

    ``gone``: its file is not there any more. ``size``: bytes of the disk in it. ``min_disk``: GB (2^30 bytes) that a root volume needs at least.
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
    gone: bool = False

    @property
    def status(self) -> str:
        """The status: available, error, or what is being done with it."""
        return self.task_state or ('error' if self.gone else 'available')

    def public(self) -> Dict[str, Any]:
        """The image as a result shows it."""
        return {**plain(self, 'gone'), 'status': self.status}


def least_disk(size: int) -> int:
    """The GB that hold so many bytes."""
    return -(-size // GIB)


@dataclass(frozen=True)
class ImageRequest(Request):
    """What a user asked for; ``options`` has one ``source``. ``url``: the whole of it, of which the source has what may be recorded."""

    url: str | None = field(default=None, repr=False)

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = super().problems()
        kind, _colon, where = self.options.get('source', '').partition(':')
        checksum = self.options.get('checksum')
        if checksum is not None:
            match = CHECKSUM.match(checksum)
            if not match or len(checksum.split(':')[1]) != DIGITS[match.group(1)]:
                problems.append(f'checksum: {checksum!r} is not a checksum; give sha256: or sha512: and the digits in lower case')
            if kind == 'server':
                problems.append('checksum: it is for a path or a url, not for a server')
        if kind == 'url' and not re.fullmatch('[!-~]*', where + (self.url or '')):
            return [*problems, 'url: it holds a space, or what is no ASCII; write that as %20 and so on']
        if kind == 'url' and re.match('[^/]*//[^/]*@', where):
            return [*problems, 'url: it holds the name of a user or a password; fetch the file beforehand, and give path']
        if kind == 'url' and not re.match(r'https?://[^/\s]+/\S', where):
            problems.append(f'url: {where!r} is not an http or https address')
        if kind == 'url' and checksum is None and self.state == 'present':
            problems.append('checksum: give the checksum of what the url has to deliver, such as sha256:...')
        return problems


def recorded(url: str) -> str:
    """What may be recorded and shown of a URL: what comes after a question mark is often a signature or a token (RFC 3986, section 3.4)."""
    return url.partition('?')[0]


_REMADE = fixed('an image is not remade; delete it and make it again, or choose another name')

TABLE: Table = {'source': _REMADE, 'checksum': _REMADE, 'description': live, 'labels': live}
