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
    'addresses': ('addresses', 'networks'),
    'security_group_rules': ('rules', 'rules'),
    'floating_ips': ('floating IPs', 'floating_ip'),
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
        unit, option = _unit(limit.resource)
        if need.kind != 'server' and option == 'networks':
            option = 'network'
        subject = f'{need.items} {title}s need' if need.items > 1 else f'1 {title} needs'
        unit = 'address' if unit == 'addresses' and need.amount == 1 else unit
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
    unit, option = _unit(limit.resource)
    if need.kind == 'server' and option == 'size':
        option = 'volume_size'
    short = unit.partition(' ')[0]
    parts = [
        f'{need.kind}: {_subject(need)} {need.amount} {unit}',
        f'{limit.free} {short} of {limit.total} {short} are free{_held(limit, short)}',
    ]
    if need.flavor:
        parts.append(suggestion(need, limits, flavors()))
    return Problem('; '.join([*parts, limit.way_out]), option)


def _unit(resource: str) -> Tuple[str, str]:
    """The unit of a resource, with the option that it is about."""
    kind, _colon, name = resource.partition(':')
    unit, option = _UNITS[kind]
    of_type = kind == 'host_disk' and name
    return (f'{unit} of volume type {name}' if of_type else unit), option


def _subject(need: Need) -> str:
    """What needs something, with its verb."""
    if need.items > 1:
        of_flavor = f' of flavor {need.flavor}' if need.flavor else ''
        return f'{counted(need.kind, need.items)}{of_flavor} need'
    if need.flavor:
        return f'flavor {need.flavor} needs'
    return f'{counted(need.kind, need.items)} needs'


def _held(limit: Limit, unit: str) -> str:
    """Who holds how much of what is limited; empty if nobody does."""
    holders = [counted(kind, number) for kind, number in limit.holders.items() if number]
    if not holders:
        return ''
    verb = 'hold' if sum(limit.holders.values()) > 1 else 'holds'
    return f' ({" and ".join(holders)} {verb} {limit.used} {unit})'


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
    return _largest(fitting, need.items) or _largest(fitting, 1) or 'no flavor fits'


def _largest(fitting: Mapping[str, int], number: int) -> str:
    """The largest flavor of which so many fit, in words; empty if there is none."""
    names = [name for name, fits in fitting.items() if fits >= number]
    if not names:
        return ''
    return f'{number} of {names[-1]} fit' if number > 1 else f'{names[-1]} fits'


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
