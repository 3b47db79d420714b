# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the options of a resource may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

LIVE = 'live'
RESTART = 'restart'
POWER_OFF = 'power off'  # instead of a shutdown
FIXED = 'fixed'
COMPLETES_INTERRUPTED_RUN = 'completes an earlier run that was interrupted'


class Effect(NamedTuple):
    """What changing an option does to the resource (live, restart or fixed), and why.

    ``option``: the one that the user set, if it is called otherwise.
    """

    how: str
    why: str = ''
    option: str = ''


Classify = Callable[[Any, Any, Any], Effect]
Table = Mapping[str, Classify]


def live(before: Any, after: Any, current: Any) -> Effect:
    """Classify an option that can change while the resource is in use."""
    return Effect(LIVE)


def fixed(why: str) -> Classify:
    """Return a classifier for an option that can never change; ``why`` names the alternative."""
    return lambda before, after, current: Effect(FIXED, why)
