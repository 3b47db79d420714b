# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First-boot content as Nova takes it."""

from __future__ import annotations

import gzip
from base64 import b64encode

from ..._cloud import Refused

MAX_ENCODED = 65_535  # bytes of base64 (compute API, "Create server")


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
