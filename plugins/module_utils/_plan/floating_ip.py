# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of floating IPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.floating_ip import TABLE, FixedIp, FloatingIp, FloatingIpRequest
from .._model.interface_checks import address_problems
from .._model.kinds import Verb
from .._model.profile import UNKNOWN, Profile

_DETACHED = {'server': None, 'lb': None, 'port': None, 'fixed_ip': None, 'automatic': False}


@dataclass(frozen=True)
class ObservedFloatingIps:
    """The requested floating IP, if it exists, and what it can be attached to.

    ``fixed_ips``: the fixed addresses, a server's first one first. ``free``: the number of free
    addresses in the requested pool, or in all; None: not known. ``in_pool``: whether a pool has the
    requested address; None: not known. ``taken_by``: the name of the floating IP that has it.
    """

    current: FloatingIp | None = None
    fixed_ips: Tuple[FixedIp, ...] = ()
    pools: Tuple[str, ...] = ()
    free: int | None = None
    in_pool: bool | None = True
    taken_by: str = ''
    profile: Profile = UNKNOWN


def plan(request: FloatingIpRequest, observed: ObservedFloatingIps) -> Plan[FloatingIp]:
    """Create, attach, detach or delete one floating IP."""
    draft = Draft()
    current = observed.current
    result: List[FloatingIp] = []
    _check_name(request, current, draft)
    if request.state == 'absent':
        if current:
            from .protection import check_protection

            check_protection('floating_ip', current, request.options, draft)
            draft.add('floating_ip', Verb.DELETE, current, None)
    elif current:
        options = _options(request, current, observed, draft)
        result.append(draft.update('floating_ip', current, options, TABLE))
    elif request.name or request.address or request.state != 'detached':
        result.append(_create(request, observed, draft))
    # Otherwise the specified holder has no floating IP that could be detached.
    return draft.finish(result)


def _check_name(request: FloatingIpRequest, current: FloatingIp | None, draft: Draft) -> None:
    """Refuse an address as a name, because it is the name of the floating IP with that address."""
    if not request.name or address_problems(request.name, ''):
        return
    is_new = current is None and request.state != 'absent'
    if is_new or (current is not None and current.address != request.name):
        draft.refuse(
            'name',
            f'name: {request.name} is an address, which cannot be the name of another one; set it '
            'as address, or use another name',
        )


def _options(
    request: FloatingIpRequest,
    current: FloatingIp | None,
    observed: ObservedFloatingIps,
    draft: Draft,
) -> Dict[str, Any]:
    options = dict(request.options)
    if options.get('delete_protection'):
        options['automatic'] = False  # it is not released with what it was allocated with
    if request.address and request.name:
        options['address'] = request.address
    if request.pool:
        options['pool'] = request.pool
    if request.state == 'attached':
        from .floating_ip_attachment import attachment

        options.update(attachment(request, current, observed.fixed_ips, draft))
    elif request.state == 'detached' and (current is None or request.matches_holder(current)):
        options.update(_DETACHED)
    return options


def _create(request: FloatingIpRequest, observed: ObservedFloatingIps, draft: Draft) -> FloatingIp:
    options = _options(request, None, observed, draft)
    _check_available(request, observed, draft)
    address = request.address or AFTER_APPLY
    new = FloatingIp(request.name or address, **{**options, 'address': address})
    return draft.add('floating_ip', Verb.CREATE, None, new)


def _check_available(
    request: FloatingIpRequest, observed: ObservedFloatingIps, draft: Draft
) -> None:
    """Refuse an address that is not in a pool or in use, and a pool without free addresses."""
    pools = ', '.join(sorted(observed.pools)) or 'none'
    if request.address and observed.in_pool is False:
        draft.refuse(
            'address',
            f'address: {request.address} is in no pool of this cloud; available: {pools}',
        )
    if observed.taken_by:
        draft.refuse(
            'address',
            f'address: {request.address} already exists with the name {observed.taken_by}; use '
            'that name, or another address',
        )
    if request.pool and request.pool not in observed.pools:
        draft.refuse(
            'pool',
            f'pool: {request.pool} does not exist; available: {pools}',
            code='missing',
        )
    else:
        from .checks import check_free_floating_ips

        check_free_floating_ips(1, observed.free, observed.profile, draft)
