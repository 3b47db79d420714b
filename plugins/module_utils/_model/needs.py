# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the changes of a plan need of a cloud, and whether its limits permit that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Tuple, cast

from .change import Change
from .effect import COMPLETES_INTERRUPTED_RUN
from .kinds import KINDS
from .problem import Problem

if TYPE_CHECKING:
    from .server import Server
    from .volume import Volume

# What is limited: the unit of it in messages, and the option that decides about it. The number of
# items of a kind is called as the kind is in results.
_UNITS: Mapping[str, Tuple[str, str]] = {
    'vcpus': ('vCPUs', 'flavor'),
    'memory': ('MiB of memory', 'flavor'),
    'running_memory': ('MiB of memory', 'flavor'),
    'volume_size': ('GB of volumes', 'size'),
    'ports': ('ports', 'networks'),
}
# Floating IPs are not here: plans count the free ones themselves.
_COUNTED = ('server', 'volume', 'network', 'port', 'security_group', 'lb')


class Need(NamedTuple):
    """An amount of something that is limited, and how many items of a kind need it."""

    kind: str
    items: int
    amount: int


class Limit(NamedTuple):
    """How much of something there is, and how much of it is used.

    ``used``: None if that does not matter. ``owner``: who has it. ``way_out``: what to do, or who
    can raise the limit. ``is_advice``: more can be used, but not well.
    """

    resource: str
    total: int
    used: int | None
    owner: str = 'the project'
    way_out: str = 'ask the operator for a larger quota'
    is_advice: bool = False


def needs_of(changes: Iterable[Change]) -> Dict[str, Need]:
    """Return what changes need, by what is limited.

    What a run that was interrupted has requested already is not needed again. What is deleted
    counts too: a plan deletes before it creates.
    """
    needs: Dict[str, Need] = {}
    for change in changes:
        if change.why != COMPLETES_INTERRUPTED_RUN:
            for resource, amount in _growth(change).items():
                _kind, items, total = needs.get(resource, Need(change.kind, 0, 0))
                needs[resource] = Need(change.kind, items + (amount > 0), total + amount)
    return {resource: need for resource, need in needs.items() if need.amount > 0}


def _growth(change: Change) -> Mapping[str, int]:
    """What is used more after a change than before it."""
    before, after = _used(change.kind, change.before), _used(change.kind, change.after)
    resources = {*before, *after}
    growth = {one: after.get(one, 0) - before.get(one, 0) for one in resources}
    return {resource: amount for resource, amount in growth.items() if amount}


def _used(kind: str, item: object) -> Mapping[str, int]:
    """What an item uses."""
    if item is None or kind not in _COUNTED:
        return {}
    used = {KINDS[kind].plural: 1}
    if kind == 'server':
        server = cast('Server', item)
        used.update(vcpus=server.vcpus, memory=server.memory)
        used['running_memory'] = server.memory if server.power == 'started' else 0
        used['ports'] = sum(1 for nic in server.networks if not nic.port)
    if kind == 'volume':
        used['volume_size'] = cast('Volume', item).size
    return used


def shortages(
    needs: Mapping[str, Need], limits: Sequence[Limit]
) -> Tuple[List[Problem], List[str]]:
    """Return the problems of needs that exceed limits, and notes about limits that are advice."""
    problems, notes = [], []
    for limit in limits:
        need = needs[limit.resource]
        if need.amount + (limit.used or 0) <= limit.total:
            continue
        problem = _problem(need, limit)
        if limit.is_advice:
            notes.append(str(problem))
        else:
            problems.append(problem)
    return problems, notes


def _problem(need: Need, limit: Limit) -> Problem:
    used = '' if limit.used is None else f', {limit.used} in use'
    title = KINDS[need.kind].title
    if limit.resource == KINDS[need.kind].plural:
        what = f'{need.amount} more {title}{"s are" if need.amount > 1 else " is"} needed'
        option = 'name'
    else:
        unit, option = _UNITS[limit.resource]
        subject = f'{need.items} {title}s need' if need.items > 1 else f'1 {title} needs'
        what = f'{subject} {need.amount} {unit}'
    text = f'{need.kind}: {what}; {limit.owner} has {limit.total}{used}; {limit.way_out}'
    return Problem(text, option)
