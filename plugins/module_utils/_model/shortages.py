# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the limits of a cloud permit what a plan needs; if not, what is free, and what fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, List, Tuple

from .kinds import KINDS
from .needs import Limit, Need
from .problem import Problem

if TYPE_CHECKING:
    from .flavor import Flavor

# The unit of what is limited, and the option that decides about it.
_UNITS: Mapping[str, Tuple[str, str]] = {
    'vcpus': ('vCPUs', 'flavor'),
    'host_vcpus': ('vCPUs', 'flavor'),
    'memory': ('MiB of memory', 'flavor'),
    'host_memory': ('MiB of memory', 'flavor'),
    'running_memory': ('MiB of memory', 'flavor'),
    'volume_size': ('GB of volumes', 'size'),
    'host_disk': ('GB of disk space', 'size'),
    'ports': ('ports', 'networks'),
}


def shortages(
    needs: Mapping[str, Need], limits: Sequence[Limit], flavors: Callable[[], Iterable[Flavor]]
) -> Tuple[List[Problem], List[str]]:
    """Return the problems of needs that exceed limits, and notes about limits that are advice.

    ``flavors``: what to choose another one from.
    """
    problems, notes = [], []
    for limit in limits:
        need = needs[limit.resource]
        if need.amount + limit.used <= limit.total:
            continue
        if limit.is_advice:
            notes.append(str(_problem(need, limit)))
        elif limit.supply:
            problems.append(_problem_of_host(need, limit, limits, flavors))
        else:
            problems.append(_problem(need, limit))
    return problems, notes


def _problem(need: Need, limit: Limit) -> Problem:
    title = KINDS[need.kind].title
    if limit.resource == KINDS[need.kind].plural:
        what = f'{need.amount} more {title}{"s are" if need.amount > 1 else " is"} needed'
        option = 'name'
    else:
        unit, option = _UNITS[limit.resource]
        subject = f'{need.items} {title}s need' if need.items > 1 else f'1 {title} needs'
        what = f'{subject} {need.amount} {unit}'
    has = f'{limit.owner} has {limit.total}, {limit.used} in use'
    return Problem(f'{need.kind}: {what}; {has}; {limit.way_out}', option)


def _problem_of_host(
    need: Need,
    limit: Limit,
    limits: Sequence[Limit],
    flavors: Callable[[], Iterable[Flavor]],
) -> Problem:
    """Say what is free, of what, who holds the rest, and which flavor would fit."""
    unit, option = _UNITS[limit.resource]
    if need.kind == 'server' and option == 'size':
        option = 'volume_size'
    short = unit.partition(' ')[0]
    subject = f'{counted(need.kind, need.items)} {"need" if need.items > 1 else "needs"}'
    if need.flavor:
        subject = f'flavor {need.flavor} needs'
        if need.items > 1:
            subject = f'{need.items} servers of flavor {need.flavor} need'
    holders = [counted(kind, number) for kind, number in limit.holders.items() if number]
    held = ''
    if holders:
        verb = 'hold' if sum(limit.holders.values()) > 1 else 'holds'
        held = f' ({" and ".join(holders)} {verb} {limit.used} {short})'
    parts = [
        f'{need.kind}: {subject} {need.amount} {unit}',
        f'{limit.free} {short} of {limit.total} {short} are free{held}',
        *([suggestion(need, limits, flavors())] if need.flavor else []),
        limit.way_out,
    ]
    return Problem('; '.join(parts), option)


def counted(kind: str, number: int) -> str:
    """Return a number of items of a kind, in words."""
    return f'{number} {KINDS[kind].title}{"" if number == 1 else "s"}'


def suggestion(need: Need, limits: Sequence[Limit], flavors: Iterable[Flavor]) -> str:
    """Return what fits: as many servers, else fewer."""
    found = sorted(flavors, key=lambda flavor: (flavor.memory, flavor.vcpus, flavor.disk))
    fitting = {flavor.name: how_many_fit(flavor, limits) or 0 for flavor in found}
    same = fitting.get(need.flavor or '', 0)
    if same:
        return f'{same} of {need.flavor} {"fit" if same > 1 else "fits"}'
    for number in sorted({need.items, 1}, reverse=True):
        names = [name for name, fits in fitting.items() if fits >= number]
        if names and number > 1:
            return f'{number} of {names[-1]} fit'
        if names:
            return f'{names[-1]} fits'
    return 'no flavor fits'


def how_many_fit(flavor: Flavor, limits: Iterable[Limit]) -> int | None:
    """Return how many servers of a flavor can be created; None: any number."""
    amounts = {
        'servers': 1,
        'ports': 1,
        'vcpus': flavor.vcpus,
        'memory': flavor.memory,
        'host_vcpus': flavor.vcpus,
        'host_memory': flavor.memory,
        'host_disk': flavor.disk,
    }
    found: List[int] = []
    for limit in limits:
        amount = amounts.get(limit.resource, 0)
        if amount and not limit.is_advice:
            found.append(limit.free // amount)
    return min(found) if found else None
