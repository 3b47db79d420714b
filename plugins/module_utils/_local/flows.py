# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flows that go on: packets of a connection that was allowed when it began pass, wherever its addresses lead by now. Those that must not are ended."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import AbstractSet, NamedTuple, Set, Tuple

from .host import Host

_FLOW = re.compile(r'src=([\d.]+) dst=([\d.]+) .*?src=([\d.]+) dst=([\d.]+)')


class Flow(NamedTuple):
    """The addresses of a connection as it began, and as its answers bear them: these differ where addresses are translated."""

    source: str
    target: str
    reply_source: str
    reply_target: str


def read(text: str) -> Set[Flow]:
    """The flows that conntrack(8) lists."""
    return {Flow(*found.groups()) for found in _FLOW.finditer(text)}


class Places(NamedTuple):
    """Where addresses lead now.

    ``networks`` and ``pools``: CIDRs of fixed and of floating addresses. ``held``: the fixed
    addresses that somebody has. ``floating``: (floating, fixed).
    """

    networks: Sequence[str]
    pools: Sequence[str]
    held: AbstractSet[str]
    floating: Sequence[Tuple[str, str]]


def stale(flows: Iterable[Flow], places: Places) -> Set[Tuple[str, ...]]:
    """What to delete, as options of conntrack(8): flows by a floating address that leads elsewhere or nowhere, and those of fixed addresses that nobody has."""
    floating, networks = [
        [IPv4Network(cidr) for cidr in cidrs] for cidrs in (places.pools, places.networks)
    ]
    leads = dict(places.floating)
    comes = {fixed: address for address, fixed in places.floating}

    @cache
    def floats(address: str) -> bool:
        return any(IPv4Address(address) in network for network in floating)

    @cache
    def is_nobodys(address: str) -> bool:
        return address not in places.held and any(
            IPv4Address(address) in network for network in networks
        )

    found: Set[Tuple[str, ...]] = set()
    for flow in flows:
        if floats(flow.target) and flow.reply_source != leads.get(flow.target, flow.target):
            found.add(('--orig-dst', flow.target, '--reply-src', flow.reply_source))
        if (
            floats(flow.reply_target)
            and flow.source != flow.reply_target
            and comes.get(flow.source) != flow.reply_target
        ):
            found.add(('--orig-src', flow.source, '--reply-dst', flow.reply_target))
        found.update(
            (side, address)
            for side, address in (('--orig-src', flow.source), ('--reply-src', flow.reply_source))
            if is_nobodys(address)
        )
    return found


# Who is being deleted has no addresses any more: their flows are ended before somebody else gets
# them.
_HELD = """SELECT p.id, p.address FROM port p LEFT JOIN server s ON s.id = p.server_id LEFT JOIN balancer b ON b.id = p.balancer_id
  WHERE coalesce(s.id, b.id) IS NOT NULL AND coalesce(s.task_state, b.task_state, '') <> 'deleting'"""


def _places(host: Host) -> Places:
    networks = host.record.rows('SELECT cidr, gateway FROM network')
    ports = host.record.rows(_HELD)
    floating = host.record.rows(
        f'SELECT f.address, p.address AS fixed FROM floating_ip f JOIN ({_HELD}) p ON p.id = f.port_id'
    )
    return Places(
        [row['cidr'] for row in networks],
        [str(IPv4Network(cidr)) for pool in host.pools for cidr in pool.addresses],
        {row['gateway'] for row in networks} | {row['address'] for row in ports},
        [(row['address'], row['fixed']) for row in floating],
    )


def cut(host: Host, lock: int) -> None:
    """End them; the programs inherit the lock of the firewall."""
    for options in sorted(stale(read(host.run('conntrack', '-L', locks=[lock])), _places(host))):
        words = ['conntrack', '-D', *options]
        subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False, pass_fds=[lock]
        )  # it ends with 1 when they have ended by themselves
