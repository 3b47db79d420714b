# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import GIB, reference_problems
from .effect import FIXED, LIVE, Effect, Table, fixed, live
from .problem import Problem, invalid
from .request import Request
from .secret import Secrets
from .server_type import OCI, ROOT_TAR
from .status import TaskState

if TYPE_CHECKING:
    from .application import Application

CHECKSUM = re.compile(r'(sha256|sha512):([0-9a-f]+|https?://[!-~]+)\Z')
DIGITS = {'sha256': 64, 'sha512': 128}
OF_CLOUD = ('server', 'volume', 'snapshot', 'backup')  # sources that are no files
SOURCES = ('path', 'url', *OF_CLOUD)
DISK_FORMATS = ('qcow2', 'iso', ROOT_TAR, OCI)


@dataclass(frozen=True)
class Image:
    """A disk that servers are created from, or a CD that they can read (``disk_format`` iso).

    Containers are created from the archive of a root file system (``disk_format`` root-tar, or
    oci: then ``application`` is what it runs, if that is not an init).

    ``source``: one of SOURCES, a colon, and where or which it is (of a URL without the query).
    ``digests``: of the source file, by kind (sha256, sha512). ``disk_missing``: its file no longer
    exists. ``size``: virtual size in bytes. ``min_disk``: the minimal root volume in GB (2^30
    bytes). ``rescue_problem``: why it rescues no server with a root volume. ``os_admin_user``: who
    logs in.
    ``shared_with``: projects, if its visibility is shared. ``owner``: its project, if that is not
    the one that is open. Servers of others in ``used_by`` are called PROJECT/NAME.
    """

    name: str
    source: str = ''
    checksum: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int | str = AFTER_APPLY
    min_disk: int | str = AFTER_APPLY
    used_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    task_state: TaskState | None = None
    unfinished: TaskState | None = None
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    disk_missing: bool = False
    digests: Mapping[str, str] = field(default_factory=dict, compare=False)
    rescue_problem: str = ''
    disk_format: str = 'qcow2'
    application: Application | str | None = None
    os_admin_user: str | None = None
    visibility: str = 'private'
    shared_with: Tuple[str, ...] = ()
    owner: str = ''
    delete_protection: bool = False
    progress: Mapping[str, float | None] | None = field(default=None, compare=False)

    @property
    def status(self) -> str:
        """The status: available, error, or the task in progress."""
        if self.task_state:
            return self.task_state.value
        return 'error' if self.unfinished or self.disk_missing else 'available'

    def completed(self) -> Image:
        """The image when what was begun with it is done, unless that is its deletion."""
        return replace(self, task_state=None, progress=None, unfinished=None)

    def public(self) -> Dict[str, Any]:
        """The image for the result of a module."""
        fields = plain_fields(self, 'disk_missing', 'digests', 'rescue_problem')
        return {**fields, 'status': self.status}

    def has_checksum(self, checksum: str) -> bool:
        """Whether its source has this checksum, whichever was specified at its creation."""
        kind, _colon, digest = checksum.partition(':')
        return self.checksum == checksum or self.digests.get(kind) == digest


def min_disk_gb(size: int) -> int:
    """The size in GB (2^30 bytes) for so many bytes."""
    return -(-size // GIB)


@dataclass(frozen=True)
class ImageRequest(Request):
    """The requested state; ``options`` has one ``source``.

    ``url``: in full; the source has only the part that may be recorded. ``export_path``: of a file
    of it.
    """

    url: str | None = field(default=None, repr=False)
    hide_url: bool = False
    export_path: str | None = None
    wait_timeout: int = 300

    @property
    def secrets(self) -> Secrets:
        """The URL, which may hold a token."""
        return Secrets(url=self.url)

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        kind, _colon, where = self.options.get('source', '').partition(':')
        checksum = self.options.get('checksum')
        problems += _checksum_problems(checksum, kind)
        if 'os_admin_user' in self.options:
            from .login_names import login_problems

            problems += login_problems(self.options['os_admin_user'])
        if {'visibility', 'shared_with'} & {*self.options}:
            from .sharing import sharing_problems

            problems += sharing_problems(self.options)
        if self.hide_url and kind != 'url':
            problems.append(invalid('hide_url', 'it requires url; set url, or omit hide_url'))
        if self.export_path:
            from .image_export import export_problems

            problems += export_problems(self.export_path, self.state, where)
        if kind in OF_CLOUD:
            problems += reference_problems(where, kind)
            if self.options.get('disk_format') == 'iso':
                problems.append(invalid('disk_format', f'iso requires path or url, not {kind}'))
        if kind == 'url':
            from .image_url import url_problems

            problems += url_problems(self.url or where, self)
        return problems


def _checksum_problems(checksum: str | None, kind: str) -> List[Problem]:
    if checksum is None:
        return []
    problems = []
    match = CHECKSUM.match(checksum)
    is_url = match is not None and match.group(2).startswith('http')
    if match is None or (not is_url and len(match.group(2)) != DIGITS[match.group(1)]):
        problems.append(
            invalid(
                'checksum',
                f'{checksum!r} is not a valid checksum; use sha256: or sha512: followed by '
                'the digits or by the URL of a checksum file',
            )
        )
    if kind in OF_CLOUD:
        problems.append(invalid('checksum', f'it requires path or url, not {kind}'))
    return problems


def url_without_query(url: str) -> str:
    """A URL without its query, which is often a signature or a token (RFC 3986, 3.4)."""
    return url.partition('?')[0]


def hidden_url(url: str) -> str:
    """A URL whose path is secret, too: its host, and a digest to compare it by."""
    path = url_without_query(url)
    digest = hashlib.sha256(path.encode()).hexdigest()[:32]
    return '/'.join([*path.split('/')[:3], f'hidden-{digest}'])


def is_url_of(url: str, source: str) -> bool:
    """Whether a recorded source is what was recorded of this URL."""
    return source in (f'url:{url_without_query(url)}', f'url:{hidden_url(url)}')


IMMUTABLE = (
    'the content of an image cannot be changed; delete and re-create it, or use another name'
)


def _source(before: str, after: str, current: Image) -> Effect:
    """Classify a change of the source; whether a URL is hidden may change."""
    if all(source.startswith('url:') for source in (before, after)):
        old = before[len('url:') :]
        new = after[len('url:') :]
        if new == hidden_url(old) or old == hidden_url(new):
            return Effect(LIVE)
    return Effect(FIXED, IMMUTABLE, after.partition(':')[0])


TABLE: Table = {
    'source': _source,
    'checksum': fixed(IMMUTABLE),
    'disk_format': fixed(IMMUTABLE),
    'os_admin_user': live,
    'visibility': live,
    'shared_with': live,
    'delete_protection': live,
    'description': live,
    'labels': live,
}
