# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much of a cloud is used, as a result: from the limits that plans are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Dict

from .needs import Limit, Supply
from .shortages import how_many_fit

if TYPE_CHECKING:
    from .flavor import Flavor

# By key of the result: what it is on a host, and in a project with quotas.
RESOURCES = {
    'memory': ('host_memory', 'memory'),
    'vcpus': ('host_vcpus', 'vcpus'),
    'disk': ('host_disk', 'volume_size'),
    'servers': ('servers',),
    'ports': ('ports',),
}


def capacity(limits: Sequence[Limit], flavors: Iterable[Flavor]) -> Mapping[str, object]:
    """Return what is used and free; None for what has no limit."""
    found: Dict[str, object] = {}
    for key, resources in RESOURCES.items():
        of_key = [limit for limit in limits if limit.resource in resources]
        found[key] = _public(min(of_key, key=_free)) if of_key else None
    fits = {flavor.name: how_many_fit(flavor, limits) for flavor in flavors}
    by_type = {
        limit.resource.partition(':')[2]: _public(limit)
        for limit in limits
        if ':' in limit.resource
    }
    return {**found, 'volume_types': by_type, 'fits': fits}


def _free(limit: Limit) -> int:
    return limit.free


def _public(limit: Limit) -> Mapping[str, object]:
    supply = limit.supply or Supply(limit.total)
    return {
        **supply._asdict(),
        'limit': limit.total,
        'used': limit.used,
        'free': limit.free,
    }
