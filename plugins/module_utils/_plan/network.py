# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import List

from .._model.change import Draft, Plan
from .._model.checks import join_names
from .._model.kinds import Verb
from .._model.network import TABLE, Network, NetworkRequest, Surroundings, candidates, first_host
from .._model.profile import UNKNOWN, Profile
from .._model.status import TaskState
from .common import plan_one


@dataclass(frozen=True)
class ObservedNetworks:
    """Networks by name, the ranges in use in this cloud, and what surrounds it.

    ``taken``: the ranges that a network must not overlap (CIDR: what uses it).
    """

    networks: Mapping[str, Network]
    taken: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=Surroundings)
    profile: Profile = UNKNOWN


def plan(request: NetworkRequest, observed: ObservedNetworks) -> Plan[Network]:
    """Create, update or delete one network."""
    draft = Draft()
    current = draft.settled('network', observed.networks.get(request.name))
    if current and request.state == 'absent':
        from .protection import check_protection

        check_protection('network', current, request.options, draft)
    if current and request.state == 'present' and _is_redefined(current, request):
        # It was not created yet, so that it can get another range, and another gateway with it.
        redefined = _new_network(request, observed, draft)
        options = {**request.options, 'gateway': redefined.gateway}
        request = replace(request, options=options)

    def new() -> Network:
        return _new_network(request, observed, draft)

    result = plan_one('network', request, current, TABLE, new, draft)
    return draft.finish(result, ('network', Verb.DELETE), ('network', Verb.CREATE))


def _is_redefined(current: Network, request: NetworkRequest) -> bool:
    """Whether the request changes the range of a network whose creation was interrupted."""
    cidr = request.options.get('cidr', current.cidr)
    return current.unfinished == TaskState.CREATING and cidr != current.cidr


def _new_network(request: NetworkRequest, observed: ObservedNetworks, draft: Draft) -> Network:
    from .network_range import free_range, range_notes, range_problems

    name = request.name
    place = observed.profile.place
    surroundings = observed.surroundings
    cidr = request.options.get('cidr')
    if cidr is None:
        cidr = free_range(observed.taken, surroundings)
        if cidr is None:
            draft.refuse(
                'cidr',
                'cidr: no /24 in 192.168.0.0/16 and 10.0.0.0/8 is free; set cidr',
            )
            return Network(name)
        draft.notes += _choice_notes(name, cidr, observed)
    draft.refused += range_problems(cidr, place, observed.taken, surroundings)
    draft.notes += range_notes(name, cidr, place, surroundings)
    options = {
        'gateway': first_host(cidr),
        **request.options,
        'cidr': cidr,
    }
    return Network(name, **options)


def _choice_notes(name: str, cidr: str, observed: ObservedNetworks) -> List[str]:
    """Why a network does not get the range that is chosen first."""
    from .network_range import conflicts

    default = next(candidates())
    if cidr == default:
        return []
    surroundings = observed.surroundings
    why = conflicts(default, observed.taken, surroundings)
    if not why:
        why = [str(route) for route in surroundings.routes]
    return [f'network {name} is {cidr}, because {observed.profile.place} has {join_names(why)}']
