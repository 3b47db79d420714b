# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the update of a resource changes: imported when there is a difference."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Tuple

from .effect import COMPLETES_INTERRUPTED_RUN, FIXED, LIVE, RESTART, Effect, Table
from .problem import Problem
from .yaml_text import yaml_text


class Difference(NamedTuple):
    """The effect of an update and why; ``refused``: each option that may not change."""

    effect: str
    why: str
    refused: Tuple[Problem, ...]


def difference(
    kind: str,
    current: Any,
    after: Any,
    table: Table,
    allow_restart: bool,
) -> Difference:
    """Classify the options that differ by the table of their kind."""
    was_interrupted = getattr(current, 'unfinished', None)
    effects = [Effect(LIVE, COMPLETES_INTERRUPTED_RUN)] if was_interrupted else []
    refused: List[Problem] = []
    for option, classify in table.items():
        old = getattr(current, option)
        new = getattr(after, option)
        if old == new:
            continue
        effect = classify(old, new, current)
        effects.append(effect)
        reason = _refusal(option, old, new, effect, allow_restart)
        if reason:
            text = f'{kind} {current.name}: {reason}'
            refused.append(Problem(text, effect.option or option, 'refused', current.name))
    how = RESTART if any(effect.how == RESTART for effect in effects) else LIVE
    why = '; '.join(effect.why for effect in effects if effect.why)
    return Difference(how, why, tuple(refused))


def _refusal(
    option: str,
    old: object,
    new: object,
    effect: Effect,
    allow_restart: bool,
) -> str:
    """Why the change of an option is refused; empty: it is not."""
    if effect.how == FIXED:
        return f'{option} is {yaml_text(old)}, requested {yaml_text(new)}: {effect.why}'
    if effect.how == RESTART and not allow_restart:
        return f'{effect.why}; set allow_restart: true to allow it'
    return ''
