# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a task: message, diff, steps and items; and the messages of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Dict, List

from .._cloud import CloudError, Outcome
from .._model.change import Change
from .._model.kinds import KINDS, Verb

_MAX_NAMES = 5
_GENERATED = ('id', 'created_by', 'created_at')  # set by the cloud, never requested


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
    return ', '.join(_differing(change.after.public(), change.before.public()))


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


def diff(changes: Sequence[Change]) -> Dict[str, str]:
    """Return what the changes do, as two YAML texts.

    Of an update they hold only what differs; of what is created or deleted, only the values that
    are not empty.
    """
    return {
        'before': ''.join(_yaml(change, change.before, change.after) for change in changes),
        'after': ''.join(_yaml(change, change.after, change.before) for change in changes),
    }


def _yaml(change: Change, side: Any, other: Any) -> str:
    """One side of a change: its name, verb and reason as a comment, and what differs."""
    if side is None:
        return ''
    values = _filled(side.public()) if other is None else _differing(side.public(), other.public())
    body = _dump(values) if values else ''
    why = f': {change.why}' if change.why else ''
    head = f'{change.kind} {change.name}:  # {change.verb}{why}\n'
    return head + ''.join(f'  {line}\n' for line in body.splitlines())


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        option: value
        for option, value in one.items()
        if option not in other or value != other[option]
    }


def _filled(one: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        option: value
        for option, value in one.items()
        if value not in (None, '', [], {}) and option not in _GENERATED
    }


def _dump(values: Mapping[str, Any]) -> str:
    """YAML in which text of several lines is a literal block."""
    yaml = require_yaml()

    class Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):  # type: ignore[misc]
        """PyYAML's, with literal blocks."""

    def represent_text(dumper: Any, value: str) -> Any:
        style = '|' if '\n' in value else None
        return dumper.represent_scalar('tag:yaml.org,2002:str', value, style=style)

    Dumper.add_representer(str, represent_text)
    return str(yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120))


def require_yaml() -> Any:
    """Import PyYAML, only when there is a diff to show. Raises CloudError if it is missing.

    Called before anything is changed.
    """
    try:
        import yaml
    except ImportError as error:
        raise CloudError(
            'python3-yaml is not installed on this host; the role hanok.cloud.host installs it'
        ) from error
    return yaml


def items_of(kind: str, is_group: bool, items: Sequence[Any]) -> Dict[str, Any]:
    """Return the items under the key of their kind: a list for a group, else one or null."""
    shown = [item.public() for item in items]
    if is_group:
        return {KINDS[kind].plural: shown}
    return {kind: shown[0] if shown else None}
