# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First-boot content: formats (docs.cloud-init.io, "User-data formats") and recorded hash."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, List

from .problem import Problem, invalid

UNKNOWN_HASH = 'given'  # instead of a hash in the metadata of machines, which local users can read
HIDDEN = '(sensitive value)'
_UNKEYED = 'sha256:'

# cloud-init recognizes MIME by this header within the first bytes, and other formats by the
# beginning of the text, both case-insensitively, after white space (cloudinit/user_data.py,
# handlers).
_MIME, _MIME_WITHIN = 'mime-version:', 4096
_CLOUD_CONFIG = '#cloud-config'
_BEGINNINGS = ('#!', _CLOUD_CONFIG, '#cloud-boothook', '#include', '#part-handler', '## template:')
_NOT_MAPPINGS = ('#cloud-config-archive', '#cloud-config-jsonp')  # a list; a patch


class UserDataHash(str):
    """The recorded hash of first-boot content, which results and messages hide.

    It is keyed with a secret of the record, so that the content cannot be guessed, and has an
    identifier of the key: hashes with another key cannot be compared. ``unkeyed``: the hash without
    a key, as in records before version 4.
    """

    unkeyed = ''

    @classmethod
    def of(cls, user_data: str, secret: str) -> UserDataHash:
        """Hash content with the secret of a record."""
        key = hashlib.sha256(f'name of {secret}'.encode()).hexdigest()[:8]
        digest = hmac.new(secret.encode(), user_data.encode(), 'sha256').hexdigest()
        keyed = cls(f'hmac-sha256:{key}:{digest}')
        keyed.unkeyed = unkeyed_hash(user_data)
        return keyed

    def supersedes(self, recorded: str | None) -> bool:
        """Whether this hash replaces the recorded one without a change of the content.

        That is an equal hash without a key, or one that cannot be compared.
        """
        if recorded is None or recorded == self:
            return False
        prefix = self[: -len(self.rsplit(':', 1)[-1])]
        return recorded == self.unkeyed or not recorded.startswith((_UNKEYED, prefix))

    def matches(self, recorded: str | None) -> bool:
        """Whether the recorded hash is of this content, as far as that can be known."""
        return recorded == self or self.supersedes(recorded)

    def public(self) -> str:
        """The placeholder for results."""
        return HIDDEN

    def __str__(self) -> str:
        """The placeholder for messages."""
        return HIDDEN

    __repr__ = __str__


def unkeyed_hash(user_data: str) -> str:
    """The hash of first-boot content in records before version 4."""
    return _UNKEYED + hashlib.sha256(user_data.encode()).hexdigest()


def user_data_problems(text: str | None) -> List[Problem]:
    """Check first-boot content; return the problems."""
    if text is None:
        return []
    problems = [*_text_problems(text), *_format_problems(text)]
    return [invalid('user_data', problem) for problem in problems]


def _text_problems(text: str) -> List[str]:
    problems = []
    if '\r\n' in text:
        problems.append(
            'it has Windows line endings (CR LF), with which no interpreter would be found; '
            'save it with LF'
        )
    if '\0' in text:
        problems.append('it contains a NUL character; it must be text')
    return problems


def _format_problems(text: str) -> List[str]:
    if _MIME in text[:_MIME_WITHIN].lower():
        return []
    begin = text.lstrip()[:64].lower()
    if begin.startswith('content-type:'):
        return ['cloud-init recognizes MIME only by the header "MIME-Version: 1.0"; add it']
    if not begin.startswith(_BEGINNINGS):
        return [
            'cloud-init does not recognize its format; begin it with #! (a script) or #cloud-config'
        ]
    if begin.startswith('#!') and not text.startswith('#!'):
        return ['white space precedes #!, so that it would not run; begin the text with #!']
    if begin.startswith(_CLOUD_CONFIG) and not begin.startswith(_NOT_MAPPINGS):
        return _cloud_config_problems(text)
    return []


def _cloud_config_problems(text: str) -> List[str]:
    """Check the YAML, which cloud-init ignores completely unless it is a mapping, or empty."""
    try:
        import yaml
    except ImportError:  # not checked without PyYAML, which --diff requires
        return []
    try:
        found: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Only the line number: the text may be secret.
        mark = getattr(error, 'problem_mark', None)
        where = '' if mark is None else f' (see line {mark.line + 1})'
        return [f'it is not valid YAML{where}, and cloud-init would ignore all of it']
    if found is not None and not isinstance(found, dict):
        return [
            'its YAML is not a mapping, and cloud-init would ignore all of it; write options, '
            'such as: packages: [nginx]'
        ]
    return []
