# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volume types in the settings, and checks of them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Tuple

from ..._model.checks import name_problems
from ..._model.flavor_limits import LIMITS, OF_NETWORK, limit_problems
from ..._model.volume import DEFAULT_TYPE
from .mounts import is_mounted

if TYPE_CHECKING:
    from .settings import Settings

_OPTION = 'volume_types'
_PATH = re.compile(r'/[A-Za-z0-9._/-]+\Z')  # commands of QEMU have them, and commas part options
_OWN = '/var/lib/hanok'
_MOST = 2**24  # GB: 16 PiB
_KNOWN = {'name', 'path', 'mounted', 'capacity', 'limits'}
_LIMITS = tuple(option for option in LIMITS if option not in OF_NETWORK)


class VolumePlace(NamedTuple):
    """Where the disks of a type of volumes are: a directory.

    ``mounted``: only if a file system is mounted there. ``capacity``: what all volumes of the type
    may have, in GB; None: what is free now decides. ``limits``: of each volume, by their names in
    flavors.
    """

    name: str
    path: str
    mounted: bool = False
    capacity: int | None = None
    limits: Mapping[str, int] | None = None


def places_of(settings: Settings) -> Tuple[VolumePlace, ...]:
    """Return where the disks of each type are."""
    return tuple(VolumePlace(**one) for one in settings.volume_types)


def limits_of_types(settings: Settings) -> Dict[str, Mapping[str, int]]:
    """Return the limits of the types that have some."""
    return {place.name: place.limits for place in places_of(settings) if place.limits}


def type_problems(raw: Any) -> List[str]:
    """Return what is wrong with one of them, whatever there is on this host."""
    if not isinstance(raw, dict) or not {'name', 'path'} <= set(raw) <= _KNOWN:
        return ['set name and path, and if you like mounted, capacity and limits; nothing else']
    name, path = raw['name'], raw['path']
    if not isinstance(name, str) or not isinstance(path, str):
        return ['name and path must be text']
    problems = [str(problem) for problem in name_problems(name)]
    if name == DEFAULT_TYPE:
        problems.append(f'name: {name} is the type of volumes in /var/lib/hanok; use another name')
    problems += [*_path_problems(path), *_capacity_problems(raw.get('capacity'))]
    if not isinstance(raw.get('mounted', False), bool):
        problems.append(f'mounted: {raw["mounted"]!r} is neither true nor false')
    return [*problems, *_limit_problems(raw.get('limits'))]


def _path_problems(path: str) -> List[str]:
    if not _PATH.match(path) or os.path.normpath(path) != path:
        wanted = 'absolute path of letters, digits, dots, hyphens and underscores'
        return [f'path: {path!r} is no {wanted}']
    return [f'path: {path} is in {_OWN}; use a directory elsewhere'] if _is_own(path) else []


def _capacity_problems(capacity: Any) -> List[str]:
    is_whole = isinstance(capacity, int) and not isinstance(capacity, bool)
    if capacity is None or (is_whole and 1 <= capacity <= _MOST):
        return []
    return [f'capacity: {capacity!r} is out of range; use 1 to {_MOST} (GB)']


def _limit_problems(limits: Any) -> List[str]:
    if limits is None:
        return []
    if not isinstance(limits, dict) or not set(limits) <= set(_LIMITS):
        return [f'limits: {limits!r} is no mapping of {", ".join(_LIMITS)}; nothing else']
    for option, value in limits.items():
        if not isinstance(value, int) or isinstance(value, bool):
            return [f'limits: {option}: {value!r} is no whole number']
    return [str(problem) for problem in limit_problems(limits)]


def _is_own(path: str) -> bool:
    return os.path.commonpath([_OWN, path]) == _OWN


def unusable(raw: List[Dict[str, Any]]) -> List[str]:
    """Return what is wrong with the directories on this host."""
    problems = []
    for number, one in enumerate(raw):
        problem = _directory_problem(one['path'], one.get('mounted', False))
        if problem:
            problems.append(f'{_OPTION}[{number}]: path: {problem}')
    return problems


def _directory_problem(path: str, mounted: bool) -> str:
    if _is_own(os.path.realpath(path)):
        return f'{path} leads to {_OWN}; use a directory elsewhere'
    if not os.path.isdir(path):
        return f'{path} is no directory of this host; create or mount it first'
    if mounted and not is_mounted(path):
        return f'nothing is mounted on {path}; mount it first, or set mounted: false'
    folder = os.path.realpath(path)
    while folder != '/':
        if not os.stat(folder).st_mode & 0o001:
            return f'QEMU cannot reach {path}; let others traverse {folder} (chmod o+x)'
        folder = os.path.dirname(folder)
    return ''
