# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors, and the catalog that is part of every cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, Table, fixed, live, plain_fields
from .problem import Problem, invalid
from .request import Request

FAMILIES = ('general', 'cpu', 'memory', 'gpu')


@dataclass(frozen=True)
class Flavor:
    """A size of servers: vCPUs, memory in MiB, and the root volume in GB (2^30 bytes)."""

    name: str
    family: str = 'general'
    vcpus: int = 1
    memory: int = 1024
    disk: int = 10
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    built_in: bool = False
    used_by: Tuple[str, ...] = ()
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    def public(self) -> Dict[str, Any]:
        """The flavor for the result of a module."""
        return plain_fields(self)


def _built_in(name: str, family: str, vcpus: int, memory: int, disk: int) -> Flavor:
    return Flavor(
        name, family, vcpus, memory, disk, built_in=True, created_by='hanok.cloud', created_at=''
    )


# Memory per vCPU: general 2 GiB, cpu 1 GiB, memory 8 GiB. The three smallest are for small images
# and small hosts.
CATALOGUE: Dict[str, Flavor] = {
    flavor.name: flavor
    for flavor in (
        _built_in('g1.nano', 'general', 1, 128, 1),
        _built_in('g1.micro', 'general', 1, 512, 4),
        _built_in('g1.tiny', 'general', 1, 1024, 10),
        _built_in('g1.small', 'general', 1, 2048, 20),
        _built_in('g1.medium', 'general', 2, 4096, 40),
        _built_in('g1.large', 'general', 4, 8192, 80),
        _built_in('g1.xlarge', 'general', 8, 16384, 160),
        _built_in('c1.small', 'cpu', 2, 2048, 20),
        _built_in('c1.medium', 'cpu', 4, 4096, 40),
        _built_in('c1.large', 'cpu', 8, 8192, 80),
        _built_in('c1.xlarge', 'cpu', 16, 16384, 160),
        _built_in('m1.small', 'memory', 1, 8192, 20),
        _built_in('m1.medium', 'memory', 2, 16384, 40),
        _built_in('m1.large', 'memory', 4, 32768, 80),
        _built_in('m1.xlarge', 'memory', 8, 65536, 160),
    )
}


class FlavorRequest(Request):
    """The requested state."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        limits = {
            'vcpus': (1, 256, ''),
            'memory': (32, 4 * 2**20, ' MiB'),
            'disk': (1, 5120, ' GB'),
        }
        for option, (lowest, highest, unit) in limits.items():
            value = self.options.get(option)
            if value is not None and not lowest <= value <= highest:
                problems.append(
                    invalid(option, f'{value} is out of range; use {lowest} to {highest}{unit}')
                )
        if self._changes_built_in():
            problems.append(
                invalid(
                    'name',
                    f'the flavor {self.name} is built in and cannot be changed or deleted; '
                    'use another name',
                )
            )
        return problems

    def _changes_built_in(self) -> bool:
        built_in = CATALOGUE.get(self.name)
        if built_in is None:
            return False
        return self.state == 'absent' or any(
            getattr(built_in, option) != value for option, value in self.options.items()
        )


_IMMUTABLE = fixed(
    'existing servers of the flavor would no longer match it; create a flavor with another name'
)

TABLE: Table = {
    'family': live,
    'vcpus': _IMMUTABLE,
    'memory': _IMMUTABLE,
    'disk': _IMMUTABLE,
    'description': live,
    'labels': live,
}
