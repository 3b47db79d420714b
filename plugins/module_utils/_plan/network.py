# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._model.change import Draft, Plan
from .._model.checks import join_names
from .._model.firewall import Firewall
from .._model.network import TABLE, Network, NetworkRequest, Surroundings, candidates, first_host
from .common import plan_one, repair_firewall
from .network_range import blocks, free_range, range_notes, range_problems


@dataclass(frozen=True)
class ObservedNetworks:
    """Networks by name; what else of this cloud has addresses (CIDR: what it is); the state of the host; and what is around it."""

    networks: Mapping[str, Network]
    taken: Mapping[str, str] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)
    surroundings: Surroundings = field(default_factory=Surroundings)


def plan(request: NetworkRequest, observed: ObservedNetworks) -> Plan:
    """Make, keep or delete one network."""
    draft, current = Draft(), observed.networks.get(request.name)
    if (
        current
        and current.task_state == 'creating'
        and request.state == 'present'
        and request.options.get('cidr', current.cidr) != current.cidr
    ):
        # It never was: it may become another, whose gateway is another too.
        request = replace(
            request, options={**request.options, 'gateway': _made(request, observed, draft).gateway}
        )
    plan_one('network', request, current, TABLE, lambda: _made(request, observed, draft), draft)
    repair_firewall(observed.firewall, draft)
    return draft.finish(('network', 'delete'), ('network', 'create'))


def _made(request: NetworkRequest, observed: ObservedNetworks, draft: Draft) -> Network:
    cidr = request.options.get('cidr')
    if cidr is None:
        cidr = free_range(observed.taken, observed.surroundings)
        if cidr is None:
            draft.refused.append(
                'cidr: no /24 in 192.168.0.0/16 and 10.0.0.0/8 is free on this host; give one'
            )
            return Network(request.name)
        usual = next(candidates())
        if cidr != usual:
            why = blocks(usual, observed.taken, observed.surroundings) or [
                str(route) for route in observed.surroundings.routes
            ]
            draft.notes.append(
                f'network {request.name} is {cidr}, because this host has {join_names(why)}'
            )
    draft.refused += range_problems(cidr, observed.taken, observed.surroundings)
    draft.notes += range_notes(request.name, cidr, observed.surroundings)
    return Network(request.name, **{'gateway': first_host(cidr), **request.options, 'cidr': cidr})
