# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of items that several runs create at once, with a name that they share, one stays.

Each run looks after it has created its own, and deletes it if there is an older one, or one that is
complete. But times have only seconds, and what is older is not always seen first: a run that looked
before the older one was there has kept its own. That does not disappear then, and the older one
yields to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from random import random

from ..._cloud import Busy
from .api import Raw
from .names import precedence

_ATTEMPTS = 5
_PATIENCE = 30.0  # seconds until a run must have deleted what it does not keep
_PAUSE = 0.3


def stays(created: Raw, same: Callable[[], Iterable[Raw]]) -> bool:
    """Return whether an item stays that was just created. ``same``: lists those of its name."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        others = [raw for raw in same() if raw['id'] != created['id']]
        if not others:
            return True
        first = min(map(precedence, others))
        if first < precedence(created) or time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)


def until_one_stays(attempt: Callable[[], Raw | None]) -> Raw:
    """Return the item that stays; again if there is none, because runs yielded to each other."""
    for _attempt in range(_ATTEMPTS):
        found = attempt()
        if found is not None:
            return found
        time.sleep(random())  # noqa: S311 - the runs may not keep step
    raise Busy('other runs create it at the same time; run the task again')
