# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of servers in an inventory, in which there is one host of a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Callable, Dict, List, NamedTuple, Tuple

_NOT_PLAIN = re.compile(r'[^A-Za-z0-9_.-]|\A[.-]')
_LONGEST = 253  # characters of a host name (RFC 1035)


class Candidate(NamedTuple):
    """A server, and the name that it would have. ``node``: empty in an OpenStack."""

    name: str
    id: str
    project: str
    node: str


# What is appended to names that are not unique, one after the other, until they are.
_PARTS: Tuple[Callable[[Candidate], str], ...] = (
    lambda one: one.project,
    lambda one: one.node,
    lambda one: one.id,
)


def plain_name(text: str) -> str:
    """Return the name of a host for a name of any characters."""
    return _NOT_PLAIN.sub('_', text)[:_LONGEST]


def _longer(name: str, part: str) -> str:
    """A name with a part appended, which is there also if the name is as long as names may be."""
    if not part:
        return name
    part = part[: _LONGEST // 2]
    return plain_name(f'{name[: _LONGEST - 1 - len(part)]}.{part}')


def host_names(found: Sequence[Candidate], taken: Mapping[str, str]) -> Tuple[List[str], List[str]]:
    """Return the names of servers, in their order, and warnings about those that had to change.

    All servers whose names are equal change, so that no name depends on what was found first.
    ``taken``: the names of hosts and groups that are there, with the ids of those that are servers.
    """
    names = [plain_name(one.name) for one in found]
    for part in _PARTS:
        counts = Counter(names)
        for index, one in enumerate(found):
            name = names[index]
            if counts[name] > 1 or taken.get(name, one.id) != one.id:
                names[index] = _longer(name, part(one))
    changed: Dict[str, List[str]] = {}
    for one, name in zip(found, names):
        if name != plain_name(one.name):
            changed.setdefault(one.name, []).append(name)
    return names, [
        f'the name {name!r} is not unique in the inventory; its servers are called '
        f'{", ".join(others)}; set hostname to choose other names'
        for name, others in changed.items()
    ]
