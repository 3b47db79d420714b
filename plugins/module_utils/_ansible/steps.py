# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was done, or would be, in the result of a task: imported when there is anything."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Dict, List, Tuple

from .._cloud import Outcomes
from .._model.change import Change, Changes, names_of
from .._model.kinds import KINDS, Verb

_PAST_TENSE = {
    Verb.CREATE: 'created',
    Verb.UPDATE: 'updated',
    Verb.DELETE: 'deleted',
    Verb.STOP: 'stopped',
    Verb.POWER_OFF: 'powered off',
    Verb.REPAIR: 'repaired',
    Verb.PAUSE: 'paused',
    Verb.RESUME: 'resumed',
    Verb.LOAD: 'reloaded',
    Verb.HARD_REBOOT: 'rebooted hard',
    Verb.SHELVE: 'shelved',
    Verb.UNSHELVE: 'unshelved',
    Verb.RESIZE: 'resized',
    Verb.CONFIRM_RESIZE: 'confirmed the resize of',
    Verb.REVERT_RESIZE: 'reverted the resize of',
    Verb.REBUILD: 'rebuilt',
    Verb.RESCUE: 'rescued',
    Verb.UNRESCUE: 'unrescued',
    Verb.RENAME: 'renamed',
    Verb.BACK_UP: 'backed up',
    Verb.RESTORE: 'restored',
}


def past_tense(verb: Verb) -> str:
    """The verb in a sentence about what was done."""
    return _PAST_TENSE.get(verb, verb.infinitive + 'ed')


def phrases(changes: Changes, check_mode: bool) -> List[str]:
    """One phrase for adjacent changes of the same kind with the same verb and reason."""
    phrases = []
    for (kind, verb, reason), some in groupby(changes, key=_what):
        done = verb.infinitive if check_mode else past_tense(verb)
        things = KINDS[kind].with_names(names_of(some))
        why = f' ({reason})' if reason else ''
        phrases.append(f'{done} {things}{why}')
    return phrases


def _what(change: Change) -> Tuple[str, Verb, str]:
    """What is done to things of which kind, and why."""
    return (change.kind, change.verb, change.why or _updated(change))


def _updated(change: Change) -> str:
    """Return the options that an update changes; they are the reason if it has no other."""
    if change.before is None or change.after is None:
        return ''
    if change.verb != Verb.UPDATE:
        return ''
    from .._model.sides import differing

    options = differing(change.after.public(), change.before.public())
    return ', '.join(options)


def steps(outcomes: Outcomes) -> List[Dict[str, Any]]:
    """Return what was done, why, and the seconds that it took."""
    found = []
    for outcome in outcomes:
        change = outcome.change
        what = f'{change.kind} {change.name}: {change.verb}'
        found.append(step(what, change.why, outcome.seconds))
    return found


def step(what: str, why: str = '', seconds: float | None = None) -> Dict[str, Any]:
    """Return one step; in check mode it has no seconds."""
    shown: Dict[str, Any] = {'what': what, 'why': why}
    if seconds is not None:
        shown['seconds'] = round(seconds, 2)
    return shown
