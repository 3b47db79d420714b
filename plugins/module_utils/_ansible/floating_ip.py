# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module floating_ip: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.floating_ip import HOLDERS, STATES, FloatingIp, FloatingIpRequest
from .._plan.floating_ip import ObservedFloatingIps, plan
from .options import METADATA, metadata_options
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
    **METADATA,
}


def request(params: Dict[str, Any]) -> FloatingIpRequest:
    """Return the request of the task."""
    options = ('address', 'server', 'lb', 'port', 'fixed_ip', 'pool')
    return FloatingIpRequest(
        params['name'] or '',
        params['state'],
        metadata_options(params),
        **{option: params[option] for option in options},
    )


def observe(cloud: Cloud, requested: FloatingIpRequest) -> Tuple[ObservedFloatingIps, Names]:
    """Return the floating IP, what it can be associated with, and the free addresses."""
    ips = cloud.floating_ips
    current = _current(cloud, requested)
    names = {('floating_ip', _lock_name(requested)), *_holders(requested)}
    if current:
        names |= {('floating_ip', current.address), *_holders(current)}
    observed = ObservedFloatingIps(
        current,
        ips.fixed_ips(),
        ips.pools(),
        ips.free(requested.pool) if current is None and _allocates(requested) else None,
        True if not requested.address else ips.in_pool(requested.address),
        _other_name(cloud, requested),
        cloud.profile,
    )
    return observed, names


def _allocates(requested: FloatingIpRequest) -> bool:
    """Whether a floating IP that does not exist is allocated."""
    if requested.state == 'detached':
        return bool(requested.name or requested.address)
    return requested.state != 'absent'


def _lock_name(requested: FloatingIpRequest) -> str:
    return requested.name or requested.address or 'of ' + ' '.join(requested.holder or ())


def _other_name(cloud: Cloud, requested: FloatingIpRequest) -> str:
    """The name of another floating IP with the requested address; empty if there is none."""
    if not requested.name:
        return ''
    found = cloud.floating_ips.list([requested.address or ''])
    return next((item.name for item in found if item.name != requested.name), '')


def _holders(item: FloatingIp | FloatingIpRequest) -> Names:
    return {(kind, getattr(item, kind)) for kind in HOLDERS if getattr(item, kind)}


def _current(cloud: Cloud, requested: FloatingIpRequest) -> FloatingIp | None:
    """The floating IP with the requested name, else address, else holder."""
    if requested.name or requested.address:
        found = cloud.floating_ips.list([requested.name or requested.address or ''])
    else:
        found = tuple(item for item in cloud.floating_ips.list() if requested.matches_holder(item))
    return found[0] if found else None


def reload(cloud: Cloud, planned: Sequence[FloatingIp]) -> Sequence[FloatingIp]:
    """Return the floating IP after the changes."""
    names = {item.name for item in planned}
    holders = {item.holder for item in planned if item.holder}
    named = cloud.floating_ips.list(names) if planned else ()
    return named or tuple(item for item in cloud.floating_ips.list() if item.holder in holders)


RESOURCE = Resource('floating_ip', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
