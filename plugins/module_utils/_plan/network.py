# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._model.change import Draft, Plan
from .._model.firewall import Firewall
from .._model.network import TABLE, Network, NetworkRequest, candidates, first_host, overlapping
from .common import keep_one, mend


@dataclass(frozen=True)
class NetworksSeen:
    """Networks by name; what else has addresses on this host (CIDR: what it is); and the state of the host."""

    networks: Mapping[str, Network]
    taken: Mapping[str, str] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)


def plan(request: NetworkRequest, seen: NetworksSeen) -> Plan:
    """Make, keep or delete one network."""
    draft, now = Draft(), seen.networks.get(request.name)
    if now and now.task_state == 'creating' and request.state == 'present' and request.options.get('cidr', now.cidr) != now.cidr:
        # It never was: it may become another, whose gateway is another too.
        request = replace(request, options={**request.options, 'gateway': _made(request, seen, draft).gateway})
    keep_one('network', request, now, TABLE, lambda: _made(request, seen, draft), draft)
    mend(seen.firewall, draft)
    return draft.done(('network', 'delete'), ('network', 'create'))


def _made(request: NetworkRequest, seen: NetworksSeen, draft: Draft) -> Network:
    cidr = request.options.get('cidr')
    if cidr is None:
        cidr = next((free for free in candidates() if not overlapping(free, seen.taken)), None)
        if cidr is None:
            draft.refused.append('cidr: no /24 in 192.168.0.0/16 and 10.0.0.0/8 is free on this host; give one')
            return Network(request.name)
        if cidr != next(candidates()):
            draft.notes.append(f'network {request.name} is {cidr}, because this host has {", ".join(overlapping(next(candidates()), seen.taken))}')
    met = overlapping(cidr, seen.taken)
    if met:
        draft.refused.append(f'cidr: {cidr} overlaps {", ".join(met)}; choose another, or leave it out')
    return Network(request.name, **{'gateway': first_host(cidr), **request.options, 'cidr': cidr})
