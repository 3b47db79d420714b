# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

LIVE, RESTART, FIXED = 'live', 'restart', 'fixed'
AFTER_APPLY = '(known after apply)'
_PLAIN = re.compile(r'[A-Za-z/][\w./-]*\Z|\d+\.\d+\.\d+\.\d+(/\d+)?\Z', re.ASCII)
_WORDS = ('true', 'false', 'yes', 'no', 'on', 'off', 'null', 'y', 'n')
COMPLETES_INTERRUPTED_RUN = 'an earlier run was interrupted: this finishes it'


class Effect(NamedTuple):
    """What changing an option means for the thing it belongs to (live, restart or fixed), and why."""

    how: str
    why: str = ''


Classify = Callable[[Any, Any, Any], Effect]
Table = Mapping[str, Classify]


def live(before: Any, after: Any, current: Any) -> Effect:
    """Tell that the option changes while the thing is in use."""
    return Effect(LIVE)


def fixed(why: str) -> Classify:
    """Make a classifier for an option that never changes; ``why`` says the way out."""
    return lambda before, after, current: Effect(FIXED, why)


@dataclass(frozen=True)
class Change:
    """One step of a plan. ``before`` is None for what is made, ``after`` is None for what is deleted."""

    kind: str
    name: str
    verb: str
    before: Any
    after: Any
    effect: str = LIVE
    why: str = ''


@dataclass(frozen=True)
class Plan:
    """What would be done, what speaks against it, what it refers to that is not there, what to tell, and what will be there."""

    changes: Tuple[Change, ...] = ()
    refused: Tuple[str, ...] = ()
    missing: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()
    result: Tuple[Any, ...] = ()


class Draft:
    """A plan while it is being made."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self.changes: List[Change] = []
        self.refused: List[str] = []
        self.missing: List[str] = []
        self.notes: List[str] = []
        self.result: List[Any] = []

    def add(
        self, kind: str, verb: str, before: Any, after: Any, effect: str = LIVE, why: str = ''
    ) -> Any:
        """Add a change; what it leaves is what the next one starts from."""
        self.changes.append(Change(kind, (before or after).name, verb, before, after, effect, why))
        return after

    def require(self, kind: str, wanted: str, there: Mapping[str, Any]) -> bool:
        """Note a reference to something that is not there, with what is; true when it is there."""
        if wanted not in there:
            self.missing.append(
                f'{kind} {wanted} does not exist; there are: {", ".join(sorted(there)) or "none"}'
            )
        return wanted in there

    def update(
        self,
        kind: str,
        current: Any,
        options: Mapping[str, Any],
        table: Table,
        allow_restart: bool = False,
    ) -> Any:
        """Compare what is with the options that were said, by the table of the resource; add one change for all that differ."""
        after = replace(
            current,
            **{**({'task_state': None} if hasattr(current, 'task_state') else {}), **options},
        )
        if after == current:
            return current
        effects = (
            [Effect(LIVE, COMPLETES_INTERRUPTED_RUN)]
            if getattr(current, 'task_state', None)
            else []
        )
        for option, classify in table.items():
            old, new = getattr(current, option), getattr(after, option)
            if old == new:
                continue
            effect = classify(old, new, current)
            effects.append(effect)
            if effect.how == FIXED:
                self.refused.append(
                    f'{kind} {current.name}: {option} is {yaml_text(old)}, requested {yaml_text(new)}: {effect.why}'
                )
            if effect.how == RESTART and not allow_restart:
                self.refused.append(
                    f'{kind} {current.name}: {effect.why}; allow_restart: true allows it'
                )
        how = RESTART if any(effect.how == RESTART for effect in effects) else LIVE
        return self.add(
            kind,
            'update',
            current,
            after,
            how,
            '; '.join(effect.why for effect in effects if effect.why),
        )

    def finish(self, *order: Tuple[str, str]) -> Plan:
        """Finish the plan: changes by the (kind, verb) order given, within one in the order in which they were added."""
        places = {place: number for number, place in enumerate(order)}
        changes = sorted(
            self.changes, key=lambda change: places.get((change.kind, change.verb), len(places))
        )
        return Plan(
            tuple(changes),
            tuple(self.refused),
            tuple(self.missing),
            tuple(self.notes),
            tuple(self.result),
        )


def yaml_text(value: Any) -> str:
    """A value as a sentence shows it: as users write it in YAML, a text by itself without quotes."""
    if value is None:
        return 'not set'
    return value if isinstance(value, str) else _flow_style(value)


def _flow_style(value: Any) -> str:
    """A value in the flow style of YAML."""
    if hasattr(value, 'task_form'):
        value = value.task_form()
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(_flow_style(item) for item in value) + ']'
    if isinstance(value, Mapping):
        return (
            '{'
            + ', '.join(f'{_flow_style(key)}: {_flow_style(item)}' for key, item in value.items())
            + '}'
        )
    if isinstance(value, bool) or value is None:
        return {True: 'true', False: 'false', None: 'null'}[value]
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """A text with quotes where YAML would read something else without them."""
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def plain_fields(thing: Any, *inner: str) -> Dict[str, Any]:
    """A dataclass as plain JSON: tuples become lists, mappings become dicts. ``inner``: fields that are nobody's business."""
    return {name: _plain(value) for name, value in vars(thing).items() if name not in inner}


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.public() if hasattr(value, 'public') else value
