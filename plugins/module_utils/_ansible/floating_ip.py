# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module floating_ip: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.floating_ip import HOLDERS, STATES, FixedIp, FloatingIp, FloatingIpRequest
from .._model.kinds import KINDS
from .._plan.floating_ip import ObservedFloatingIps, plan
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'address': {'type': 'str'},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'server': {'type': 'str'},
    'lb': {'type': 'str'},
    'port': {'type': 'str'},
    'fixed_ip': {'type': 'str'},
    'pool': {'type': 'str'},
    **PROTECTED,
}


def request(params: Dict[str, Any]) -> FloatingIpRequest:
    """Return the request of the task."""
    return FloatingIpRequest(
        params['name'] or '',
        params['state'],
        protected_options(params),
        address=params['address'],
        server=params['server'],
        lb=params['lb'],
        port=params['port'],
        fixed_ip=params['fixed_ip'],
        pool=params['pool'],
    )


def observe(cloud: Cloud, requested: FloatingIpRequest) -> Tuple[ObservedFloatingIps, Names]:
    """Return the floating IP, what it can be associated with, and the free addresses."""
    ips = cloud.floating_ips
    fixed_ips = ips.fixed_ips()
    _check_holder(requested, fixed_ips)
    current = _current(cloud, requested)
    names = {('floating_ip', _lock_name(requested))}
    names |= _holders(requested)
    if current:
        names.add(('floating_ip', current.address))
        names |= _holders(current)
    pools = ips.pools()
    free = None
    if current is None and _allocates(requested):
        free = ips.free(requested.pool)
    in_pool: bool | None = True
    if requested.address:
        in_pool = ips.in_pool(requested.address)
    observed = ObservedFloatingIps(
        current,
        fixed_ips,
        pools,
        free,
        in_pool,
        _other_name(cloud, requested),
        cloud.profile,
    )
    return observed, names


def _check_holder(requested: FloatingIpRequest, fixed_ips: Sequence[FixedIp]) -> None:
    """Raise Refused if the name of the specified holder is that of several."""
    if requested.holder is None:
        return
    kind, name = requested.holder
    ids = {one.ids[kind] for one in fixed_ips if kind in one.ids and getattr(one, kind) == name}
    if len(ids) > 1:
        from .._cloud.several import ambiguous

        raise ambiguous(KINDS[kind].title, kind, name, ids)


def _allocates(requested: FloatingIpRequest) -> bool:
    """Whether a floating IP that does not exist is allocated."""
    if requested.state == 'detached':
        return bool(requested.name or requested.address)
    return requested.state != 'absent'


def _lock_name(requested: FloatingIpRequest) -> str:
    holder = ' '.join(requested.holder or ())
    return requested.name or requested.address or f'of {holder}'


def _other_name(cloud: Cloud, requested: FloatingIpRequest) -> str:
    """The name of another floating IP with the requested address; empty if there is none."""
    if not requested.name:
        return ''
    for item in cloud.floating_ips.list([requested.address or '']):
        if item.name != requested.name:
            return item.name
    return ''


def _holders(item: FloatingIp | FloatingIpRequest) -> Names:
    names: Names = set()
    for kind in HOLDERS:
        name = getattr(item, kind)
        if name:
            names.add((kind, name))
    return names


def _current(cloud: Cloud, requested: FloatingIpRequest) -> FloatingIp | None:
    """The floating IP with the requested name, else address, else holder."""
    name = requested.name or requested.address
    if name:
        found = cloud.floating_ips.list([name])
        return found[0] if found else None
    for item in cloud.floating_ips.list():
        if requested.matches_holder(item):
            return item
    return None


def reload(cloud: Cloud, planned: Sequence[FloatingIp]) -> Sequence[FloatingIp]:
    """Return the floating IP after the changes."""
    if not planned:
        return ()
    names = {item.name for item in planned}
    named = cloud.floating_ips.list(names)
    if named:
        return named
    holders = {item.holder for item in planned if item.holder}
    return [item for item in cloud.floating_ips.list() if item.holder in holders]


RESOURCE = Resource('floating_ip', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
