# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module floating_ip: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.floating_ip import HOLDERS, STATES, FloatingIp, FloatingIpRequest
from .._plan.floating_ip import ObservedFloatingIps, plan
from .options import DESCRIBED, described
from .run import Resource, run

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'address': {'type': 'str'},
    'state': {'type': 'str', 'choices': list(STATES), 'default': 'present'},
    'server': {'type': 'str'},
    'lb': {'type': 'str'},
    'port': {'type': 'str'},
    'fixed_ip': {'type': 'str'},
    'pool': {'type': 'str'},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> FloatingIpRequest:
    """What the task asks for."""
    ends = {
        option: params[option] for option in ('address', 'server', 'lb', 'port', 'fixed_ip', 'pool')
    }
    return FloatingIpRequest(params['name'] or '', params['state'], described(params), **ends)


def observe(cloud: Cloud, requested: FloatingIpRequest) -> Tuple[ObservedFloatingIps, Names]:
    """The address, who may have it, and what is left."""
    ips = cloud.floating_ips
    current = _asked(cloud, requested)
    names = {
        (
            'floating_ip',
            requested.name or requested.address or 'of ' + ' '.join(requested.holder or ()),
        ),
        *_holders(requested),
    }
    if current:
        names |= {('floating_ip', current.address), *_holders(current)}
    taken_by = (
        next(
            (
                item.name
                for item in ips.list([requested.address or ''])
                if item.name != requested.name
            ),
            '',
        )
        if requested.name
        else ''
    )
    in_pool = not requested.address or ips.in_pool(requested.address)
    observed = ObservedFloatingIps(
        current, ips.places(), ips.free(), in_pool, taken_by, cloud.firewalls.list()[0]
    )
    return observed, names


def _holders(item: FloatingIp | FloatingIpRequest) -> Names:
    return {(kind, getattr(item, kind)) for kind in HOLDERS if getattr(item, kind)}


def _asked(cloud: Cloud, requested: FloatingIpRequest) -> FloatingIp | None:
    """By its name, else by its address, else by who has it."""
    if requested.name or requested.address:
        found = cloud.floating_ips.list([requested.name or requested.address or ''])
    else:
        found = tuple(item for item in cloud.floating_ips.list() if requested.matches_holder(item))
    return found[0] if found else None


def reload(cloud: Cloud, planned: Sequence[FloatingIp]) -> Sequence[FloatingIp]:
    """The address as it is after the run."""
    wanted = {item.name for item in planned}
    holders = {item.holder for item in planned if item.holder}
    named = cloud.floating_ips.list(wanted) if planned else ()
    return named or tuple(item for item in cloud.floating_ips.list() if item.holder in holders)


def main() -> None:
    """Run the module."""
    run(Resource('floating_ip', ARGUMENTS, request, observe, plan, reload))
