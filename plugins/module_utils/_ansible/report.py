# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a task: message, steps and items; and the messages of errors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Dict, List

from .._cloud import Outcome
from .._model.change import Change
from .._model.kinds import KINDS, Verb

_MAX_NAMES = 5


def summary(changes: Sequence[Change], check_mode: bool, kind: str, names: Sequence[str]) -> str:
    """Return one line: what was changed and why, what would be, or that nothing had to be."""
    if changes:
        return ('would ' if check_mode else '') + '; '.join(_phrases(changes, check_mode))
    if not names:
        return f'no changes: the {KINDS[kind].title} does not exist'
    verb = 'are' if len(names) > 1 else 'is'
    return f'no changes: {_with_names(kind, names)} {verb} up to date'


def _phrases(changes: Sequence[Change], check_mode: bool) -> List[str]:
    """One phrase for adjacent changes of the same kind with the same verb and reason."""
    phrases = []
    for (kind, verb, reason), some in groupby(
        changes, key=lambda change: (change.kind, change.verb, change.why or _updated(change))
    ):
        done = verb.infinitive if check_mode else verb.past_tense
        why = f' ({reason})' if reason else ''
        phrases.append(f'{done} {_with_names(kind, [change.name for change in some])}{why}')
    return phrases


def _updated(change: Change) -> str:
    """Return the options that an update changes; they are the reason if it has no other."""
    if change.before is None or change.after is None or change.verb != Verb.UPDATE:
        return ''
    from .diff import differing

    return ', '.join(differing(change.after.public(), change.before.public()))


def _with_names(kind: str, names: Sequence[str]) -> str:
    plural = 's' if len(names) > 1 else ''
    shown = ', '.join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f'{KINDS[kind].title}{plural} {shown}' + (f' and {more} more' if more > 0 else '')


def steps(outcomes: Sequence[Outcome]) -> List[Dict[str, Any]]:
    """Return what was done, why, and the seconds that it took."""
    return [
        step(
            f'{outcome.change.kind} {outcome.change.name}: {outcome.change.verb}',
            outcome.change.why,
            outcome.seconds,
        )
        for outcome in outcomes
    ]


def step(what: str, why: str = '', seconds: float | None = None) -> Dict[str, Any]:
    """Return one step; in check mode it has no seconds."""
    shown: Dict[str, Any] = {'what': what, 'why': why}
    if seconds is not None:
        shown['seconds'] = round(seconds, 2)
    return shown


def items_of(kind: str, is_group: bool, items: Sequence[Any]) -> Dict[str, Any]:
    """Return the items under the key of their kind: a list for a group, else one or null."""
    shown = [item.public() for item in items]
    if is_group:
        return {KINDS[kind].plural: shown}
    return {kind: shown[0] if shown else None}
