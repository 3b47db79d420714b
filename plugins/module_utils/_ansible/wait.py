# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for a condition."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

_INTERVAL = 0.25  # seconds between two checks
Unmet = TypeVar('Unmet')


def wait_until_met(unmet: Callable[[float], Unmet], timeout: float) -> Unmet:
    """Poll until ``unmet`` returns something empty; after ``timeout`` seconds return its value.

    ``unmet`` gets the seconds that are left. It is called at least once.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = unmet(deadline - time.monotonic())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(_INTERVAL)
