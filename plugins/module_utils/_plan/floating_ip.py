# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.checks import address_problems
from .._model.firewall import Firewall
from .._model.floating_ip import TABLE, FloatingIp, FloatingIpRequest, Place
from .common import check_free_floating_ips, repair_firewall


@dataclass(frozen=True)
class ObservedFloatingIps:
    """The address of the request, if it is there; where it may lead, a server's first address first; and how many are left, by pool.

    ``taken_by``: the name under which the address of the request is there already.
    """

    current: FloatingIp | None = None
    places: Tuple[Place, ...] = ()
    free: Mapping[str, int] = field(default_factory=dict)
    in_pool: bool = True
    taken_by: str = ''
    firewall: Firewall = field(default_factory=Firewall)


def plan(request: FloatingIpRequest, observed: ObservedFloatingIps) -> Plan:
    """Take, attach, detach or give back one address."""
    draft, current = Draft(), observed.current
    _check_name(request, current, draft)
    if request.state == 'absent':
        if current:
            draft.add('floating_ip', 'delete', current, None)
    elif (
        current or request.name or request.address or request.state != 'detached'
    ):  # else: whoever was to lose one has none
        options = _options(request, current, observed, draft)
        current = (
            _create(request, options, observed, draft)
            if current is None
            else draft.update('floating_ip', current, options, TABLE)
        )
        draft.result.append(current)
    repair_firewall(observed.firewall, draft)
    return draft.finish()


def _check_name(request: FloatingIpRequest, current: FloatingIp | None, draft: Draft) -> None:
    """One without a name is called by its address; another one by that name would be taken for it."""
    if not request.name or address_problems(request.name, ''):
        return
    if (request.state != 'absent') if current is None else current.address != request.name:
        draft.refused.append(
            f'name: {request.name} is an address, and no name of another one; give it as address, or choose a name'
        )


def _options(
    request: FloatingIpRequest,
    current: FloatingIp | None,
    observed: ObservedFloatingIps,
    draft: Draft,
) -> Dict[str, Any]:
    options = dict(request.options)
    if request.address and request.name:
        options['address'] = request.address
    if request.pool:
        options['pool'] = request.pool
    if request.state == 'attached':
        options.update(_holder(request, current, observed, draft))
    elif request.state == 'detached':
        options.update(
            {}
            if current and not request.matches_holder(current)
            else {'server': None, 'lb': None, 'port': None, 'fixed_ip': None, 'automatic': False}
        )
    return options


def _holder(
    request: FloatingIpRequest,
    current: FloatingIp | None,
    observed: ObservedFloatingIps,
    draft: Draft,
) -> Dict[str, Any]:
    kind, name = request.holder or ('server', '')
    there = [place for place in observed.places if getattr(place, kind)]
    if not draft.require(kind, name, {getattr(place, kind): place for place in there}):
        return {
            'server': request.server,
            'lb': request.lb,
            'port': request.port,
            'fixed_ip': AFTER_APPLY,
        }
    places = {place.fixed_ip: place for place in there if getattr(place, kind) == name}
    if request.fixed_ip and request.fixed_ip not in places:
        draft.refused.append(
            f'fixed_ip: {request.fixed_ip} is not an address of {kind} {name}; it has {", ".join(places)}'
        )
    stays = current.fixed_ip if current else None
    fixed = request.fixed_ip or (stays if stays in places else None) or next(iter(places))
    place = places.get(fixed, Place(fixed))
    if place.floating_ip and (current is None or place.floating_ip != current.address):
        draft.refused.append(
            f'{kind}: {name} has the floating address {place.floating_ip} already; detach that first (state: detached)'
        )
    return {'server': place.server, 'lb': place.lb, 'port': place.port, 'fixed_ip': fixed}


def _create(
    request: FloatingIpRequest, options: Dict[str, Any], observed: ObservedFloatingIps, draft: Draft
) -> FloatingIp:
    if request.address and not observed.in_pool:
        draft.refused.append(
            f'address: {request.address} is in no pool of this cloud; there are: {", ".join(sorted(observed.free)) or "none"}'
        )
    if observed.taken_by:
        draft.refused.append(
            f'address: {request.address} is there by the name {observed.taken_by}; use that name, or another address'
        )
    if request.pool and request.pool not in observed.free:
        draft.refused.append(
            f'pool: {request.pool} does not exist; available: {", ".join(sorted(observed.free)) or "none"}'
        )
    else:
        check_free_floating_ips(
            1,
            observed.free.get(request.pool, 0) if request.pool else sum(observed.free.values()),
            draft,
        )
    address = request.address or AFTER_APPLY
    made: FloatingIp = draft.add(
        'floating_ip',
        'create',
        None,
        FloatingIp(request.name or address, **{**options, 'address': address}),
    )
    return made
