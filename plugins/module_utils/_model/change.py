# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans and the changes that they consist of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Dict, Generic, Iterable, List, Protocol, Tuple, Type, TypeVar, cast

from .effect import LIVE, Table
from .kinds import Verb
from .problem import Code, Problem
from .status import is_leaving

AFTER_APPLY = '(known after apply)'
_PLAIN_TYPES = (str, bool, int)  # most values, found without a search for what else they are
Thing = TypeVar('Thing')


class Item(Protocol):
    """What every item of a cloud has."""

    @property
    def name(self) -> str:
        """Its name."""

    def public(self) -> Dict[str, Any]:
        """Return it for the result of a module."""


@dataclass(frozen=True)
class Change:
    """One step of a plan. ``before`` is None for a creation, ``after`` is None for a deletion."""

    kind: str
    name: str
    verb: Verb
    before: Item | None
    after: Item | None
    effect: str = LIVE
    why: str = ''

    @property
    def id(self) -> str | None:
        """The id of what it begins at; None for a creation."""
        return getattr(self.before, 'id', None)

    def old(self, kind: Type[Thing]) -> Thing:
        """Return what it begins at, which is of this class."""
        return _checked(kind, self.before)

    def new(self, kind: Type[Thing]) -> Thing:
        """Return what it ends at, which is of this class."""
        return _checked(kind, self.after)


Changes = Sequence[Change]


def names_of(changes: Iterable[Change]) -> List[str]:
    """Return the names of what changes."""
    return [change.name for change in changes]


def _checked(kind: Type[Thing], item: Item | None) -> Thing:
    if isinstance(item, kind):
        return item
    raise TypeError(f'{item!r} is no {kind.__name__}')


@dataclass(frozen=True)
class Plan(Generic[Thing]):
    """The changes to make and the resources that result from them.

    ``refused``: why the changes are refused. ``missing``: references to what does not exist.
    ``notes``: warnings for the user. ``awaited``: items that other runs are working on; they are
    planned as those runs will leave them. ``turns``: the names of servers that are interrupted
    together; their changes come last, turn by turn.
    """

    changes: Tuple[Change, ...] = ()
    refused: Tuple[Problem, ...] = ()
    missing: Tuple[Problem, ...] = ()
    notes: Tuple[str, ...] = ()
    awaited: Tuple[str, ...] = ()
    result: Tuple[Thing, ...] = ()
    turns: Tuple[Tuple[str, ...], ...] = ()


class Draft:
    """A plan under construction."""

    def __init__(self) -> None:
        """Start without changes."""
        self.changes: List[Change] = []
        self.refused: List[Problem] = []
        self.missing: List[Problem] = []
        self.notes: List[str] = []
        self.awaited: List[str] = []

    def add(
        self,
        kind: str,
        verb: Verb,
        before: object,
        after: Thing,
        effect: str = LIVE,
        why: str = '',
    ) -> Thing:
        """Add a change; return the state after it, from which the next change starts."""
        one, other = cast('Tuple[Item | None, Item | None]', (before, after))
        name = cast('Item', one or other).name
        self.changes.append(Change(kind, name, verb, one, other, effect, why))
        return after

    def settled(self, kind: str, item: Thing) -> Thing | None:
        """Return an item as the run that is working on it will leave it; None if it deletes it.

        No run is working on an item that has no task state, or whose lock this run holds.
        """
        begun: Any = item
        if getattr(begun, 'task_state', None) is None:
            return item
        self.awaited.append(
            f'{kind} {begun.name}: another run is working on it ({begun.task_state}); '
            'predicted is what follows when that run has ended'
        )
        return None if is_leaving(begun) else cast('Thing', begun.completed())

    def refuse(
        self,
        option: str,
        text: str,
        name: str = '',
        code: Code = 'refused',
    ) -> None:
        """Refuse the plan for what an option requests; ``name``: see Problem."""
        self.refused.append(Problem(text, option, code, name))

    def miss(self, option: str, text: str, name: str = '') -> None:
        """Report that what an option refers to does not exist; ``name``: see Problem."""
        self.missing.append(Problem(text, option, 'missing', name))

    def require(
        self,
        kind: str,
        name: str,
        existing: Mapping[str, Any],
        option: str = '',
    ) -> bool:
        """Return whether a referenced resource exists; if not, report it with those that exist.

        ``option``: the one that refers to it; empty: it is called like the kind.
        """
        if name not in existing:
            available = ', '.join(sorted(existing)) or 'none'
            self.miss(option or kind, f'{kind} {name} does not exist; available: {available}')
        return name in existing

    def update(
        self,
        kind: str,
        current: Thing,
        options: Mapping[str, Any],
        table: Table,
        allow_restart: bool = False,
    ) -> Thing:
        """Compare the resource with the specified options; add one change for all that differ.

        ``table``: the classifiers of the options of this kind of resource.
        """
        begun: Any = current
        if getattr(current, 'unfinished', None):
            begun = begun.completed()
        after = cast('Thing', replace(begun, **options))
        if after == current:
            return current
        from .difference import difference

        found = difference(kind, current, after, table, allow_restart)
        self.refused.extend(found.refused)
        return self.add(kind, Verb.UPDATE, current, after, found.effect, found.why)

    def finish(self, result: Iterable[Thing], *order: Tuple[str, Verb]) -> Plan[Thing]:
        """Return the plan, its changes in the given (kind, verb) order.

        Changes of the same kind and verb stay in the order in which they were added. ``result``:
        what there will be of what was requested.
        """
        ranks = {step: rank for rank, step in enumerate(order)}
        changes = sorted(
            self.changes, key=lambda change: ranks.get((change.kind, change.verb), len(ranks))
        )
        return Plan(
            tuple(changes),
            tuple(self.refused),
            tuple(self.missing),
            tuple(self.notes),
            tuple(self.awaited),
            tuple(result),
        )


def plain_fields(thing: Any, *internal: str) -> Dict[str, Any]:
    """The fields of a dataclass as plain JSON, without those that are ``internal``."""
    return {name: _plain(value) for name, value in vars(thing).items() if name not in internal}


def _plain(value: object) -> object:
    if value is None or type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.public() if hasattr(value, 'public') else value
