# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The addresses of floating pools."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Iterator, Sequence, Set

from ..host.settings import Pool
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import Address

_ALLOCATED: Query[Address] = Query('SELECT address FROM main.floating_ip')


def pool_addresses(pools: Sequence[Pool]) -> Iterator[tuple[str, str]]:
    """All floating addresses: (pool, address).

    The first and last address of a network of /30 and larger are left out.
    """
    for pool in pools:
        for cidr in pool.addresses:
            for address in IPv4Network(cidr).hosts():
                yield pool.name, str(address)


def free_count(record: Record, pools: Sequence[Pool]) -> int:
    """The number of free floating addresses."""
    in_use = allocated(record)
    return sum(1 for _pool, address in pool_addresses(pools) if address not in in_use)


def allocated(record: Record) -> Set[str]:
    """The floating addresses that are allocated."""
    return {row['address'] for row in record.rows(_ALLOCATED)}
