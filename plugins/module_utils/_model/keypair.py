# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import RECOVERED_BY
from .effect import Table, fixed, live
from .problem import Problem, invalid
from .public_key import public_key_problems
from .request import Request


@dataclass(frozen=True)
class Keypair:
    """A named public key.

    ``fingerprint``: as ssh-keygen -l prints it. ``used_by``: names of servers.
    """

    name: str
    public_key: str
    fingerprint: str = AFTER_APPLY
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    used_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    def is_owned_by(self, actor: str) -> bool:
        """Whether someone may change it: who created it, or anyone if that is not known."""
        return self.created_by in (actor, AFTER_APPLY, RECOVERED_BY)

    def public(self) -> Dict[str, Any]:
        """The key pair for the result of a module."""
        return plain_fields(self)


@dataclass(frozen=True)
class KeyFile:
    """A private key file on the machine where the module runs: its path and its public key.

    The private key itself is never read.
    """

    name: str
    public_key: str = AFTER_APPLY
    mode: str = '0600'

    def public(self) -> Dict[str, Any]:
        """The file for a diff."""
        return plain_fields(self)


@dataclass(frozen=True)
class KeypairRequest(Request):
    """The requested state. ``actor``: who requests it."""

    private_key_file: str | None = None
    wait_timeout: int = 300
    actor: str = 'root'

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        if 'public_key' in self.options:
            problems += public_key_problems(self.options['public_key'])
            if self.private_key_file:
                problems.append(
                    invalid(
                        'private_key_file',
                        'it is for a key pair to be generated; set it or a public key, not both',
                    )
                )
        return problems


def is_same_key(one: str, other: str) -> bool:
    """Whether two public keys are the same, apart from their comments."""
    return one.split()[:2] == other.split()[:2]


def fingerprint(public_key: str) -> str:
    """The SHA256 fingerprint of a public key, as OpenSSH prints it (base64 without padding)."""
    digest = hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()
    return 'SHA256:' + base64.b64encode(digest).decode().rstrip('=')


TABLE: Table = {
    'public_key': fixed('a key pair cannot be changed; create one with another name'),
    'description': live,
    'labels': live,
}
