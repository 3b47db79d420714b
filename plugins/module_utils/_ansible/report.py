# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a plan is told: in one line, as a difference, as steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Dict, List

from .._cloud import CloudError, Outcome
from .._model.change import Change

DONE = {
    'create': 'created',
    'update': 'changed',
    'delete': 'deleted',
    'attach': 'attached',
    'detach': 'detached',
    'start': 'started',
    'stop': 'stopped',
    'power_off': 'powered off',
    'repair': 'repaired',
    'resume': 'resumed',
    'load': 'mended',
}
_MOST_NAMES = 5
_FILLED_IN = ('id', 'created_by', 'created_at')  # what is made bears them; nobody asked for them


def sentence(changes: Sequence[Change], check: bool, kind: str, names: Sequence[str]) -> str:
    """What was done and why, or would be done, or that there was nothing to do."""
    if not changes:
        return (
            f'nothing to do: {_thing(kind, names)} as asked'
            if names
            else f'nothing to do: there is no such {_words(kind)}'
        )
    parts = []
    for (of, verb, why), some in groupby(
        changes, key=lambda change: (change.kind, change.verb, change.why or _differing(change))
    ):
        parts.append(
            f'{DONE[verb]} {_words(of)} {_listed([change.name for change in some])}'
            + (f' ({why})' if why else '')
        )
    return ('would have ' if check else '') + '; '.join(parts)


def _differing(change: Change) -> str:
    """The options that an update changes, which say more than that it does."""
    if change.before is None or change.after is None or change.verb != 'update':
        return ''
    return ', '.join(_only(change.after.public(), change.before.public()))


def _thing(kind: str, names: Sequence[str]) -> str:
    return f'{_words(kind)} {_listed(names)} {"are" if len(names) > 1 else "is"}'


def _words(kind: str) -> str:
    return {'lb': 'load balancer', 'floating_ip': 'floating IP', 'keypair': 'key pair'}.get(
        kind, kind.replace('_', ' ')
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ', '.join(names) if more <= 0 else f'{", ".join(names[:_MOST_NAMES])} and {more} more'


def steps(outcomes: Sequence[Outcome]) -> List[Dict[str, Any]]:
    """What was done, why, and the seconds that it took."""
    return [
        step(
            f'{outcome.change.kind} {outcome.change.name}: {outcome.change.verb}',
            outcome.change.why,
            outcome.seconds,
        )
        for outcome in outcomes
    ]


def step(what: str, why: str = '', seconds: float | None = None) -> Dict[str, Any]:
    """One of them; without seconds it was not done yet."""
    return {'what': what, 'why': why, **({} if seconds is None else {'seconds': round(seconds, 2)})}


def diff(changes: Sequence[Change]) -> Dict[str, str]:
    """What the changes do, as two YAML texts that hold only what differs, and of what is made or deleted only what says something."""
    return {
        'before': ''.join(_yaml(change, change.before, change.after) for change in changes),
        'after': ''.join(_yaml(change, change.after, change.before) for change in changes),
    }


def _yaml(change: Change, side: Any, other: Any) -> str:
    """One side of a change: its name, what is done and why as a comment, and what differs from the other side."""
    if side is None:
        return ''
    values = _only(side.public(), None if other is None else other.public())
    body = _dump(values) if values else ''
    head = f'{change.kind} {change.name}:  # {change.verb}' + (
        f': {change.why}' if change.why else ''
    )
    return f'{head}\n' + ''.join(f'  {line}\n' for line in body.splitlines())


def _dump(values: Mapping[str, Any]) -> str:
    """YAML with texts of several lines written as such."""
    yaml = require_yaml()

    class Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):  # type: ignore[misc]
        """The library's, with one representer more."""

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar(
            'tag:yaml.org,2002:str', value, style='|' if '\n' in value else None
        )

    Dumper.add_representer(str, text)
    return str(yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120))


def _only(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> Dict[str, Any]:
    if other is None:
        return {
            option: value
            for option, value in one.items()
            if value not in (None, '', [], {}) and option not in _FILLED_IN
        }
    return {
        option: one[option] for option in one if option not in other or one[option] != other[option]
    }


def require_yaml() -> Any:
    """PyYAML, imported by those that have something to tell. Raises CloudError, before anything is touched, where there is none."""
    try:
        import yaml
    except ImportError as error:
        raise CloudError(
            'python3-yaml is not installed on this host; the role hanok.cloud.host installs it'
        ) from error
    return yaml
