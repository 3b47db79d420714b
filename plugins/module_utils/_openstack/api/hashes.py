# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hash that is kept of first-boot content."""

from __future__ import annotations

import hashlib

from ..._model.user_data import UserDataHash

# scrypt (RFC 7914) with 16 MiB: some 50 ms for each guess.
_COST = 2**14
_BLOCK = 8
_PARALLEL = 1


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
