# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Tuple

from .._model.change import AFTER_APPLY, AGAIN, Draft, Plan
from .._model.firewall import Firewall
from .._model.lb import TABLE, Lb, LbRequest
from .._model.network import Network
from .._model.server import Server
from .common import DnsOwners, check_dns_name, delete, floats, mend


@dataclass(frozen=True)
class LbsSeen:
    """Balancers, networks and servers by name; free floating addresses; whether the floating address of the request may be had, as a problem."""

    lbs: Mapping[str, Lb]
    networks: Mapping[str, Network] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    free: int = 0
    floating_problem: str = ''
    firewall: Firewall = field(default_factory=Firewall)
    dns_owners: DnsOwners = field(default_factory=dict)


def plan(request: LbRequest, seen: LbsSeen) -> Plan:
    """Make, keep or delete one balancer."""
    draft, now = Draft(), seen.lbs.get(request.name)
    if request.state == 'absent':
        if now:
            delete('lb', now, draft)
    else:
        lb = _present(request, now, seen, draft)
        draft.result.append(lb)
        if request.wait_for and lb.health_check is None:
            draft.refused.append(
                f'wait_for: lb {lb.name} has no health check, by which members are found healthy; give health_check, or leave wait_for out'
            )
    mend(seen.firewall, draft)
    return draft.done(('lb', 'delete'), ('lb', 'create'), ('lb', 'update'))


def _present(request: LbRequest, now: Lb | None, seen: LbsSeen, draft: Draft) -> Lb:
    if now and now.task_state == 'deleting':
        now = draft.step('lb', 'delete', now, None, why=AGAIN)
    if now and now.task_state == 'creating':
        now = draft.step(
            'lb', 'create', None, replace(now, task_state=None, running=True), why=AGAIN
        )
    options = _options(request, now, seen, draft)
    if 'members' in options:
        options['members'] = _servers(options['members'], seen)
    for member in options.get('members', ()):
        if draft.need('server', member, seen.servers):
            _check_reached(seen.servers[member], _network(request, now), draft)
    if now is None:
        if 'listeners' not in options:
            draft.refused.append(f'lb {request.name} does not exist; to make it give listeners too')
        network = options.get('network', 'default')
        draft.need('network', network, seen.networks)
        check_dns_name('lb', request.name, [network], seen.dns_owners, draft)
        made: Lb = draft.step('lb', 'create', None, Lb(request.name, **options))
        return made
    kept: Lb = draft.update(
        'lb', now, {**options, **({} if now.running else {'running': True})}, TABLE
    )
    return kept


def _servers(members: Tuple[str, ...], seen: LbsSeen) -> Tuple[str, ...]:
    """The names of the members, each group of servers as those that it has now."""
    groups: Dict[str, List[str]] = {}
    for server in seen.servers.values():
        if server.member_of:
            groups.setdefault(server.member_of, []).append(server.name)
    names = {name for member in members for name in groups.get(member, [member])}
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def _network(request: LbRequest, now: Lb | None) -> str:
    requested: str = request.options.get('network', 'default')
    return now.network if now else requested


def _check_reached(server: Server, network: str, draft: Draft) -> None:
    """Refuse a member that the balancer does not reach."""
    if network not in [nic.name for nic in server.networks]:
        draft.refused.append(
            f'members: server {server.name} has no port in network {network}, where the balancer is; '
            'give it one there, or make the balancer in a network of the server'
        )


def _options(request: LbRequest, now: Lb | None, seen: LbsSeen, draft: Draft) -> Dict[str, Any]:
    options, asked = dict(request.options), request.floating_ip
    has = now.floating_ip if now else None
    if asked == 'none':
        options['floating_ip'] = None
    elif asked == 'auto' and has is None:
        options['floating_ip'] = AFTER_APPLY
        floats(1, seen.free, draft)
    elif asked not in (None, 'auto', has):
        options['floating_ip'] = asked
        draft.refused += [seen.floating_problem] if seen.floating_problem else []
    return options
