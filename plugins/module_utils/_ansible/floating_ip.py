# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module floating_ip: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.floating_ip import HOLDERS, STATES, FloatingIp, FloatingIpRequest
from .._plan.floating_ip import FloatingIpsSeen, plan
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


def look(cloud: Cloud, asked: FloatingIpRequest) -> Tuple[FloatingIpsSeen, Names]:
    """The address, who may have it, and what is left."""
    ips = cloud.floating_ips
    now = _asked(cloud, asked)
    names = {
        ('floating_ip', asked.name or asked.address or 'of ' + ' '.join(asked.holder or ())),
        *_holders(asked),
    }
    if now:
        names |= {('floating_ip', now.address), *_holders(now)}
    taken_by = (
        next((item.name for item in ips.list([asked.address or '']) if item.name != asked.name), '')
        if asked.name
        else ''
    )
    in_pool = not asked.address or ips.in_pool(asked.address)
    seen = FloatingIpsSeen(
        now, ips.places(), ips.free(), in_pool, taken_by, cloud.firewalls.list()[0]
    )
    return seen, names


def _holders(item: FloatingIp | FloatingIpRequest) -> Names:
    return {(kind, getattr(item, kind)) for kind in HOLDERS if getattr(item, kind)}


def _asked(cloud: Cloud, asked: FloatingIpRequest) -> FloatingIp | None:
    """By its name, else by its address, else by who has it."""
    if asked.name or asked.address:
        found = cloud.floating_ips.list([asked.name or asked.address or ''])
    else:
        found = tuple(item for item in cloud.floating_ips.list() if asked.has(item))
    return found[0] if found else None


def again(cloud: Cloud, planned: Sequence[FloatingIp]) -> Sequence[FloatingIp]:
    """The address as it is after the run."""
    wanted = {item.name for item in planned}
    holders = {item.holder for item in planned if item.holder}
    named = cloud.floating_ips.list(wanted) if planned else ()
    return named or tuple(item for item in cloud.floating_ips.list() if item.holder in holders)


def main() -> None:
    """Be the module."""
    run(Resource('floating_ip', ARGUMENTS, request, look, plan, again))
