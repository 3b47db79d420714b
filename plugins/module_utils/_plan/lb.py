# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: what was asked and what is there -> what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Tuple

from .._model.change import AFTER_APPLY, COMPLETES_INTERRUPTED_RUN, Draft, Plan
from .._model.firewall import Firewall
from .._model.lb import TABLE, Lb, LbRequest
from .._model.network import Network
from .._model.server import Server
from .common import DnsOwners, check_dns_name, check_free_floating_ips, plan_delete, repair_firewall


@dataclass(frozen=True)
class ObservedLbs:
    """Balancers, networks and servers by name; free floating addresses; whether the floating address of the request may be had, as a problem."""

    lbs: Mapping[str, Lb]
    networks: Mapping[str, Network] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    free: int = 0
    floating_problem: str = ''
    firewall: Firewall = field(default_factory=Firewall)
    dns_owners: DnsOwners = field(default_factory=dict)


def plan(request: LbRequest, observed: ObservedLbs) -> Plan:
    """Make, keep or delete one balancer."""
    draft, current = Draft(), observed.lbs.get(request.name)
    if request.state == 'absent':
        if current:
            plan_delete('lb', current, draft)
    else:
        lb = _present(request, current, observed, draft)
        draft.result.append(lb)
        if request.wait_for and lb.health_check is None:
            draft.refused.append(
                f'wait_for: lb {lb.name} has no health check, by which members are found healthy; give health_check, or leave wait_for out'
            )
    repair_firewall(observed.firewall, draft)
    return draft.finish(('lb', 'delete'), ('lb', 'create'), ('lb', 'update'))


def _present(request: LbRequest, current: Lb | None, observed: ObservedLbs, draft: Draft) -> Lb:
    if current and current.task_state == 'deleting':
        current = draft.add('lb', 'delete', current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current and current.task_state == 'creating':
        current = draft.add(
            'lb',
            'create',
            None,
            replace(current, task_state=None, running=True),
            why=COMPLETES_INTERRUPTED_RUN,
        )
    options = _options(request, current, observed, draft)
    if 'members' in options:
        options['members'] = _servers(options['members'], observed)
    for member in options.get('members', ()):
        if draft.require('server', member, observed.servers):
            _check_reached(observed.servers[member], _network(request, current), draft)
    if current is None:
        if 'listeners' not in options:
            draft.refused.append(
                f'lb {request.name} does not exist; to create it, also set listeners'
            )
        network = options.get('network', 'default')
        draft.require('network', network, observed.networks)
        check_dns_name('lb', request.name, [network], observed.dns_owners, draft)
        made: Lb = draft.add('lb', 'create', None, Lb(request.name, **options))
        return made
    kept: Lb = draft.update(
        'lb', current, {**options, **({} if current.running else {'running': True})}, TABLE
    )
    return kept


def _servers(members: Tuple[str, ...], observed: ObservedLbs) -> Tuple[str, ...]:
    """The names of the members, each group of servers as those that it has now."""
    groups: Dict[str, List[str]] = {}
    for server in observed.servers.values():
        if server.member_of:
            groups.setdefault(server.member_of, []).append(server.name)
    names = {name for member in members for name in groups.get(member, [member])}
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def _network(request: LbRequest, current: Lb | None) -> str:
    requested: str = request.options.get('network', 'default')
    return current.network if current else requested


def _check_reached(server: Server, network: str, draft: Draft) -> None:
    """Refuse a member that the balancer does not reach."""
    if network not in [nic.name for nic in server.networks]:
        draft.refused.append(
            f'members: server {server.name} has no port in network {network}, where the balancer is; '
            'give it one there, or make the balancer in a network of the server'
        )


def _options(
    request: LbRequest, current: Lb | None, observed: ObservedLbs, draft: Draft
) -> Dict[str, Any]:
    options, requested = dict(request.options), request.floating_ip
    has = current.floating_ip if current else None
    if requested == 'none':
        options['floating_ip'] = None
    elif requested == 'auto' and has is None:
        options['floating_ip'] = AFTER_APPLY
        check_free_floating_ips(1, observed.free, draft)
    elif requested not in (None, 'auto', has):
        options['floating_ip'] = requested
        draft.refused += [observed.floating_problem] if observed.floating_problem else []
    return options
