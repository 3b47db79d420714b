# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    if current and request.state == 'present' and _is_redefined(current, request):
        # It was not created yet, so that it can get another range, and another gateway with it.
        gateway = _new_network(request, observed, draft).gateway
        request = replace(request, options={**request.options, 'gateway': gateway})
    result = plan_one(
        'network', request, current, TABLE, lambda: _new_network(request, observed, draft), draft
    )
    return draft.finish(result, ('network', Verb.DELETE), ('network', Verb.CREATE))


def _is_redefined(current: Network, request: NetworkRequest) -> bool:
    """Whether the request changes the range of a network whose creation was interrupted."""
    cidr = request.options.get('cidr', current.cidr)
    return current.unfinished == TaskState.CREATING and cidr != current.cidr


def _new_network(request: NetworkRequest, observed: ObservedNetworks, draft: Draft) -> Network:
    from .network_range import conflicts, free_range, range_notes, range_problems

    cidr = request.options.get('cidr')
    place = observed.profile.place
    if cidr is None:
        cidr = free_range(observed.taken, observed.surroundings)
        if cidr is None:
            draft.refuse(
                'cidr',
                'cidr: no /24 in 192.168.0.0/16 and 10.0.0.0/8 is free; set cidr',
            )
            return Network(request.name)
        default = next(candidates())
        if cidr != default:
            why = conflicts(default, observed.taken, observed.surroundings) or [
                str(route) for route in observed.surroundings.routes
            ]
            draft.notes.append(
                f'network {request.name} is {cidr}, because {place} has {join_names(why)}'
            )
    draft.refused += range_problems(cidr, place, observed.taken, observed.surroundings)
    draft.notes += range_notes(request.name, cidr, place, observed.surroundings)
    return Network(request.name, **{'gateway': first_host(cidr), **request.options, 'cidr': cidr})
