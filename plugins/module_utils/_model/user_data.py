# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What first-boot content may be: what cloud-init knows (docs.cloud-init.io, "User-data formats"); and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, List

UNKNOWN_HASH = 'given'  # recorded where no hash is known: what a machine says of its server
HIDDEN = '(sensitive value)'
_BARE = 'sha256:'

MAX_USER_DATA = 512 * 1024  # bytes
# cloud-init takes the content for MIME when its first bytes hold this, in any case; else it goes by
# the beginning of the text, in any case and after blanks (cloudinit/user_data.py, handlers).
_MIME, _MIME_WITHIN = 'mime-version:', 4096
_CLOUD_CONFIG = '#cloud-config'
_KNOWN = ('#!', _CLOUD_CONFIG, '#cloud-boothook', '#include', '#part-handler', '## template:')
_NO_MAPPING = ('#cloud-config-archive', '#cloud-config-jsonp')  # a list; a patch


class UserDataHash(str):
    """First-boot content as it is recorded: enough to see that it differs, and not enough to guess it. No result and no message shows it.

    It is a hash keyed with a secret of the record, with a name of the key: content that was
    recorded with another key cannot be compared. ``bare``: the hash without a key, which records
    before version 4 have.
    """

    unkeyed = ''

    @classmethod
    def of(cls, user_data: str, secret: str) -> UserDataHash:
        """Seal a content by the secret of a record."""
        key = hashlib.sha256(f'name of {secret}'.encode()).hexdigest()[:8]
        found = cls(
            f'hmac-sha256:{key}:'
            + hmac.new(secret.encode(), user_data.encode(), 'sha256').hexdigest()
        )
        found.unkeyed = unkeyed_hash(user_data)
        return found

    def supersedes(self, recorded: str | None) -> bool:
        """Whether what is recorded is to become this one: the same without a key, or nothing to compare with."""
        if recorded is None or recorded == self:
            return False
        mine = self[: -len(self.rsplit(':', 1)[-1])]
        return recorded == self.unkeyed or not recorded.startswith((_BARE, mine))

    def public(self) -> str:
        """What a result shows."""
        return HIDDEN

    def __str__(self) -> str:
        """What a message shows."""
        return HIDDEN

    __repr__ = __str__


def unkeyed_hash(user_data: str) -> str:
    """What records before version 4 keep of first-boot content."""
    return _BARE + hashlib.sha256(user_data.encode()).hexdigest()


def user_data_problems(text: str | None) -> List[str]:
    """What is wrong with first-boot content, as sentences; none is good."""
    if text is None:
        return []
    problems = [*_text_problems(text), *_kind_problems(text)]
    return [f'user_data: {problem}' for problem in problems]


def _text_problems(text: str) -> List[str]:
    problems = []
    if '\r\n' in text:
        problems.append(
            'its lines end as on Windows (CR LF), and no interpreter would be found by that name; save it with LF'
        )
    if '\0' in text:
        problems.append('it holds a NUL character; give text')
    size = len(text.encode())
    if size > MAX_USER_DATA:
        problems.append(f'it has {size} bytes; at most {MAX_USER_DATA} are read')
    return problems


def _kind_problems(text: str) -> List[str]:
    if _MIME in text[:_MIME_WITHIN].lower():
        return []
    begin = text.lstrip()[:64].lower()
    if begin.startswith('content-type:'):
        return ['cloud-init takes it for MIME only with a line "MIME-Version: 1.0"; add that']
    if not begin.startswith(_KNOWN):
        return [
            'cloud-init would not know what it is; begin it with #! (a script) or #cloud-config'
        ]
    if begin.startswith('#!') and not text.startswith('#!'):
        return ['blanks stand before #!, and the system would not run it; begin the text with #!']
    if begin.startswith(_CLOUD_CONFIG) and not begin.startswith(_NO_MAPPING):
        return _cloud_config_problems(text)
    return []


def _cloud_config_problems(text: str) -> List[str]:
    """Find what cloud-init throws away as a whole: its YAML must be a mapping, or nothing."""
    try:
        import yaml
    except ImportError:  # not where there is no PyYAML; --diff asks for it anyhow
        return []
    try:
        found: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(
            error, 'problem_mark', None
        )  # no word of the text itself: it may be a secret
        where = '' if mark is None else f' (see line {mark.line + 1})'
        return [f'it is no YAML{where}, and cloud-init would leave all of it out']
    if found is not None and not isinstance(found, dict):
        return [
            'its YAML is no mapping, and cloud-init would leave all of it out; write options, such as: packages: [nginx]'
        ]
    return []
