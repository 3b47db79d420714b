# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was done, or would be, in the result of a task: imported when there is anything."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Dict, List

from .._cloud import Outcomes
from .._model.change import Change, Changes
from .._model.kinds import KINDS, Verb


def phrases(changes: Changes, check_mode: bool) -> List[str]:
    """One phrase for adjacent changes of the same kind with the same verb and reason."""
    phrases = []
    for (kind, verb, reason), some in groupby(
        changes, key=lambda change: (change.kind, change.verb, change.why or _updated(change))
    ):
        done = verb.infinitive if check_mode else verb.past_tense
        why = f' ({reason})' if reason else ''
        phrases.append(f'{done} {KINDS[kind].with_names([change.name for change in some])}{why}')
    return phrases


def _updated(change: Change) -> str:
    """Return the options that an update changes; they are the reason if it has no other."""
    if change.before is None or change.after is None or change.verb != Verb.UPDATE:
        return ''
    from .._model.sides import differing

    return ', '.join(differing(change.after.public(), change.before.public()))


def steps(outcomes: Outcomes) -> List[Dict[str, Any]]:
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
