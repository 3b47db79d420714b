# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recorded hash of first-boot content."""

from __future__ import annotations

import hashlib
import hmac

UNKNOWN_HASH = 'given'  # instead of a hash in the metadata of machines, which local users can read
HIDDEN = '(sensitive value)'
_UNKEYED = 'sha256:'


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
