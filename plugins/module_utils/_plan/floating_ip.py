# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.firewall import Firewall
from .._model.floating_ip import TABLE, FloatingIp, FloatingIpRequest, Place
from .._model.words import address_problems
from .common import floats, mend


@dataclass(frozen=True)
class FloatingIpsSeen:
    """The address of the request, if it is there; where it may lead, a server's first address first; and how many are left, by pool.

    ``taken_by``: the name under which the address of the request is there already.
    """

    now: FloatingIp | None = None
    places: Tuple[Place, ...] = ()
    free: Mapping[str, int] = field(default_factory=dict)
    in_pool: bool = True
    taken_by: str = ''
    firewall: Firewall = field(default_factory=Firewall)


def plan(request: FloatingIpRequest, seen: FloatingIpsSeen) -> Plan:
    """Take, attach, detach or give back one address."""
    draft, now = Draft(), seen.now
    _check_name(request, now, draft)
    if request.state == 'absent':
        if now:
            draft.step('floating_ip', 'delete', now, None)
    elif (
        now or request.name or request.address or request.state != 'detached'
    ):  # else: whoever was to lose one has none
        options = _options(request, now, seen, draft)
        now = (
            _create(request, options, seen, draft)
            if now is None
            else draft.update('floating_ip', now, options, TABLE)
        )
        draft.result.append(now)
    mend(seen.firewall, draft)
    return draft.done()


def _check_name(request: FloatingIpRequest, now: FloatingIp | None, draft: Draft) -> None:
    """One without a name is called by its address; another one by that name would be taken for it."""
    if not request.name or address_problems(request.name, ''):
        return
    if (request.state != 'absent') if now is None else now.address != request.name:
        draft.refused.append(
            f'name: {request.name} is an address, and no name of another one; give it as address, or choose a name'
        )


def _options(
    request: FloatingIpRequest, now: FloatingIp | None, seen: FloatingIpsSeen, draft: Draft
) -> Dict[str, Any]:
    options = dict(request.options)
    if request.address and request.name:
        options['address'] = request.address
    if request.pool:
        options['pool'] = request.pool
    if request.state == 'attached':
        options.update(_holder(request, now, seen, draft))
    elif request.state == 'detached':
        options.update(
            {}
            if now and not request.has(now)
            else {'server': None, 'lb': None, 'port': None, 'fixed_ip': None, 'automatic': False}
        )
    return options


def _holder(
    request: FloatingIpRequest, now: FloatingIp | None, seen: FloatingIpsSeen, draft: Draft
) -> Dict[str, Any]:
    kind, name = request.holder or ('server', '')
    there = [place for place in seen.places if getattr(place, kind)]
    if not draft.need(kind, name, {getattr(place, kind): place for place in there}):
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
    stays = now.fixed_ip if now else None
    fixed = request.fixed_ip or (stays if stays in places else None) or next(iter(places))
    place = places.get(fixed, Place(fixed))
    if place.floating_ip and (now is None or place.floating_ip != now.address):
        draft.refused.append(
            f'{kind}: {name} has the floating address {place.floating_ip} already; detach that first (state: detached)'
        )
    return {'server': place.server, 'lb': place.lb, 'port': place.port, 'fixed_ip': fixed}


def _create(
    request: FloatingIpRequest, options: Dict[str, Any], seen: FloatingIpsSeen, draft: Draft
) -> FloatingIp:
    if request.address and not seen.in_pool:
        draft.refused.append(
            f'address: {request.address} is in no pool of this cloud; there are: {", ".join(sorted(seen.free)) or "none"}'
        )
    if seen.taken_by:
        draft.refused.append(
            f'address: {request.address} is there by the name {seen.taken_by}; use that name, or another address'
        )
    if request.pool and request.pool not in seen.free:
        draft.refused.append(
            f'pool: {request.pool} does not exist; there are: {", ".join(sorted(seen.free)) or "none"}'
        )
    else:
        floats(
            1, seen.free.get(request.pool, 0) if request.pool else sum(seen.free.values()), draft
        )
    address = request.address or AFTER_APPLY
    made: FloatingIp = draft.step(
        'floating_ip',
        'create',
        None,
        FloatingIp(request.name or address, **{**options, 'address': address}),
    )
    return made
