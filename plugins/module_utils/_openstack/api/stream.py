# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is sent to a service piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Stream(Protocol):
    """A file to send: its length, and its bytes."""

    def __len__(self) -> int:
        """Return the number of bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Return chunks of it."""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
