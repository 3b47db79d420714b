# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.firewall import Firewall
from .._model.floating_ip import TABLE, FloatingIp, FloatingIpRequest
from .common import mend


@dataclass(frozen=True)
class FloatingIpsSeen:
    """The address of the request, if it is there; who may have one (server NAME, lb NAME); and how many are left, by pool.

    ``holders``: their fixed addresses, the first one first, with the floating address that each has. ``taken_by``: the name under which
    the address of the request is there already.
    """

    now: FloatingIp | None = None
    holders: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
    in_pool: bool = True
    taken_by: str = ''
    firewall: Firewall = field(default_factory=Firewall)


def plan(request: FloatingIpRequest, seen: FloatingIpsSeen) -> Plan:
    """Take, attach, detach or give back one address."""
    draft, now = Draft(), seen.now
    if request.state == 'absent':
        if now:
            draft.step('floating_ip', 'delete', now, None)
    elif now or request.name or request.address or request.state != 'detached':  # else: whoever was to lose one has none
        options = _options(request, now, seen, draft)
        now = _create(request, options, seen, draft) if now is None else draft.update('floating_ip', now, options, TABLE)
        draft.result.append(now)
    mend(seen.firewall, draft)
    return draft.done()


def _options(request: FloatingIpRequest, now: FloatingIp | None, seen: FloatingIpsSeen, draft: Draft) -> Dict[str, Any]:
    options = dict(request.options)
    if request.address and request.name:
        options['address'] = request.address
    if request.pool:
        options['pool'] = request.pool
    if request.state == 'attached':
        options.update(_holder(request, now, seen, draft))
    elif request.state == 'detached':
        options.update(server=None, lb=None, fixed_ip=None, automatic=False)
    return options


def _holder(request: FloatingIpRequest, now: FloatingIp | None, seen: FloatingIpsSeen, draft: Draft) -> Dict[str, Any]:
    kind, name = ('server', request.server) if request.server else ('lb', request.lb)
    there = {holder.partition(' ')[2]: ports for holder, ports in seen.holders.items() if holder.startswith(kind + ' ')}
    fixed = request.fixed_ip or AFTER_APPLY
    if draft.need(kind, name or '', there):
        ports = there[name or '']
        if request.fixed_ip and request.fixed_ip not in ports:
            draft.refused.append(f'fixed_ip: {request.fixed_ip} is not an address of {kind} {name}; it has {", ".join(ports)}')
        same = now is not None and now.holder == f'{kind} {name}' and now.fixed_ip is not None
        fixed = request.fixed_ip or (now.fixed_ip if same and now and now.fixed_ip else next(iter(ports)))
        held = ports.get(fixed)
        if held and (now is None or held != now.address):
            draft.refused.append(f'{kind}: {name} has the floating address {held} already; detach that first (state: detached)')
    return {'server': request.server, 'lb': request.lb, 'fixed_ip': fixed}


def _create(request: FloatingIpRequest, options: Dict[str, Any], seen: FloatingIpsSeen, draft: Draft) -> FloatingIp:
    if request.address and not seen.in_pool:
        draft.refused.append(f'address: {request.address} is in no pool of this cloud; there are: {", ".join(sorted(seen.free)) or "none"}')
    if seen.taken_by:
        draft.refused.append(f'address: {request.address} is there by the name {seen.taken_by}; use that name, or another address')
    if request.pool and request.pool not in seen.free:
        draft.refused.append(f'pool: {request.pool} does not exist; there are: {", ".join(sorted(seen.free)) or "none"}')
    elif not (seen.free.get(request.pool, 0) if request.pool else sum(seen.free.values())):
        draft.refused.append('pool: no address is free; give some back, or enlarge the pool (host_floating_pools of the role hanok.cloud.host)')
    address = request.address or AFTER_APPLY
    made: FloatingIp = draft.step('floating_ip', 'create', None, FloatingIp(request.name or address, **{**options, 'address': address}))
    return made
