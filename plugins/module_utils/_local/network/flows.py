# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delete connections of addresses that were reassigned.

The kernel keeps forwarding packets of an established connection, wherever its addresses lead by
now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, AbstractSet, Dict, List, NamedTuple, Set, Tuple

from ..._cloud.programs import run
from ..._model.status import TaskState
from ..record.database import Query
from ..record.host import Host

if TYPE_CHECKING:
    from ..record.rows import NetworkRow
    from .row_types import AssignedAddress, AssociatedAddress

Options = Tuple[str, ...]
_FLOW = re.compile(r'src=([\d.]+) dst=([\d.]+) .*?src=([\d.]+) dst=([\d.]+)')


class Flow(NamedTuple):
    """The addresses of a connection and of its replies; these differ where NAT applies."""

    source: str
    target: str
    reply_source: str
    reply_target: str


def parse(listing: str) -> Set[Flow]:
    """Return the flows of a conntrack(8) listing."""
    return {Flow(*found.groups()) for found in _FLOW.finditer(listing)}


class Assignments(NamedTuple):
    """The current assignments of addresses.

    ``networks`` and ``pools``: CIDRs of fixed and of floating addresses. ``assigned``: the fixed
    addresses in use. ``floating``: pairs (floating, fixed).
    """

    networks: Sequence[str]
    pools: Sequence[str]
    assigned: AbstractSet[str]
    floating: Sequence[Tuple[str, str]]


def stale(flows: Iterable[Flow], assignments: Assignments) -> Set[Options]:
    """Return the flows to delete, as options of conntrack(8).

    These are flows of floating addresses that lead elsewhere or nowhere, and of fixed addresses
    that are no longer assigned.
    """
    fixed_by_floating = dict(assignments.floating)
    floating_by_fixed = {fixed: floating for floating, fixed in assignments.floating}
    is_floating = _Membership(assignments.pools)
    is_fixed = _Membership(assignments.networks)

    def is_unassigned(address: str) -> bool:
        return address not in assignments.assigned and is_fixed(address)

    found: Set[Options] = set()
    for flow in flows:
        if is_floating(flow.target):
            found.update(_stale_inbound(flow, fixed_by_floating))
        if is_floating(flow.reply_target):
            found.update(_stale_outbound(flow, floating_by_fixed))
        if is_unassigned(flow.source):
            found.add(('--orig-src', flow.source))
        if is_unassigned(flow.reply_source):
            found.add(('--reply-src', flow.reply_source))
    return found


class _Membership:
    """Whether an address is in one of several networks, cached by address."""

    def __init__(self, cidrs: Iterable[str]) -> None:
        self.networks = [IPv4Network(cidr) for cidr in cidrs]
        self.cache: Dict[str, bool] = {}

    def __call__(self, address: str) -> bool:
        if address not in self.cache:
            value = IPv4Address(address)
            self.cache[address] = any(value in network for network in self.networks)
        return self.cache[address]


def _stale_inbound(flow: Flow, fixed_by_floating: Mapping[str, str]) -> Iterator[Options]:
    """A flow to a floating address that is answered by another address than its current one."""
    current = fixed_by_floating.get(flow.target, flow.target)
    if flow.reply_source != current:
        yield '--orig-dst', flow.target, '--reply-src', flow.reply_source


def _stale_outbound(flow: Flow, floating_by_fixed: Mapping[str, str]) -> Iterator[Options]:
    """A flow whose source was translated to a floating address that it no longer has."""
    current = floating_by_fixed.get(flow.source)
    is_translated = flow.source != flow.reply_target
    if is_translated and flow.reply_target != current:
        yield '--orig-src', flow.source, '--reply-dst', flow.reply_target


# Servers that are being deleted count as having no addresses: their flows are deleted before the
# addresses are assigned again.
_ASSIGNED: Query[AssignedAddress] = Query(f"""SELECT p.id, p.address FROM main.port p
  LEFT JOIN main.server s ON s.id = p.server_id LEFT JOIN main.balancer b ON b.id = p.balancer_id
  WHERE coalesce(s.id, b.id) IS NOT NULL
  AND coalesce(s.task_state, b.task_state, '') <> '{TaskState.DELETING}'""")
_FLOATING: Query[AssociatedAddress] = (
    Query(f"""SELECT f.address, p.address AS fixed FROM main.floating_ip f
  JOIN ({_ASSIGNED}) p ON p.id = f.port_id""")
)
_NETWORKS: Query[NetworkRow] = Query('SELECT * FROM main.network')


def _assignments(host: Host) -> Assignments:
    networks = host.record.rows(_NETWORKS)
    gateways = {row['gateway'] for row in networks}
    addresses = {row['address'] for row in host.record.rows(_ASSIGNED)}
    floating = host.record.rows(_FLOATING)
    pools: List[str] = []
    for pool in host.pools:
        pools += [str(IPv4Network(cidr)) for cidr in pool.addresses]
    return Assignments(
        networks=[row['cidr'] for row in networks],
        pools=pools,
        assigned=gateways | addresses,
        floating=[(row['address'], row['fixed']) for row in floating],
    )


def delete_stale(host: Host, lock: int) -> None:
    """Delete the stale flows of this host; the programs inherit the lock of the firewall."""
    listing = host.work.run('conntrack', '-L', locks=[lock])
    found = stale(parse(listing), _assignments(host))
    for options in sorted(found):
        # It exits with 1 if the flows have ended meanwhile.
        run(['conntrack', '-D', *options], locks=[lock])
