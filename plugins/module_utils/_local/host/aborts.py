# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs that others ask to end what they make: in the files of the locks that they hold.

Who waits for a lock writes there whom it asks, as that one has written it, and who asks. So it
concerns nobody who gets the lock later, and is forgotten with its run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..._cloud import CloudError

HOLDER_SIZE = 160  # bytes of a lock file: who holds it (locks.py)
_OFFSET = 512  # behind how far the holder is (progress.py)


def ask_to_end(descriptor: int, actor: str) -> None:
    """Ask who holds a lock to end. ``descriptor``: of its file. ``actor``: who asks."""
    asked = os.pread(descriptor, HOLDER_SIZE, 0) + actor.encode()[:HOLDER_SIZE].ljust(HOLDER_SIZE)
    if os.pread(descriptor, len(asked), _OFFSET) != asked:
        os.pwrite(descriptor, asked, _OFFSET)


class Abortable:
    """What this run makes until others ask it to end."""

    def __init__(self, locks: Sequence[int] = ()) -> None:
        """``locks``: descriptors that this run holds; without any, nobody can ask."""
        self.locks = locks

    def check(self) -> None:
        """Raise CloudError if this run is asked to end."""
        for descriptor in self.locks:
            asked = os.pread(descriptor, 2 * HOLDER_SIZE, _OFFSET)
            if asked and asked[:HOLDER_SIZE] == os.pread(descriptor, HOLDER_SIZE, 0):
                actor = asked[HOLDER_SIZE:].decode(errors='replace').strip()
                raise CloudError(f'aborted by {actor} (state: aborted); nothing of it is kept')
