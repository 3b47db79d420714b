# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First-boot content as Nova takes it, and the hash that is kept of it."""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode

from ..._cloud import Refused
from ..._model.user_data import UserDataHash

MAX_ENCODED = 65_535  # bytes of base64 (compute API, "Create server")
# scrypt (RFC 7914) with 16 MiB: some 50 ms for each guess.
_COST = 2**14
_BLOCK = 8
_PARALLEL = 1


def encoded(user_data: str) -> str:
    """Return first-boot content for Nova; too large content is compressed, as cloud-init reads it.

    Raises Refused if it is too large even so.
    """
    text = user_data.encode()
    found = b64encode(text).decode()
    if len(found) > MAX_ENCODED:
        found = b64encode(gzip.compress(text, mtime=0)).decode()
    if len(found) > MAX_ENCODED:
        raise Refused(
            f'user_data: {len(text)} bytes, which even compressed are {len(found)} bytes of '
            f'base64, where Nova takes {MAX_ENCODED}; load the rest from a server at first boot',
            'user_data',
        )
    return found


def hash_of(user_data: str, project_id: str) -> UserDataHash:
    """Return the hash of user data, which is the same for all runs of a project.

    An OpenStack keeps no secret for a project that all runs could use, and members read metadata.
    Who reads the metadata of a server, and knows the project, can therefore try guesses, but each
    takes the time and memory of scrypt: user data that can be guessed (a short password and
    nothing else) is not protected, long or random content is. The id of the project is the salt,
    so that hashes of different projects cannot be compared.
    """
    slow = hashlib.scrypt(
        user_data.encode(), salt=project_id.encode(), n=_COST, r=_BLOCK, p=_PARALLEL
    )
    return UserDataHash.of(slow.hex(), project_id)
