# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of load balancers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Set, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.lb import TABLE, Lb, LbRequest
from .._model.profile import UNKNOWN, Profile
from .._model.status import TaskState
from .common import plan_delete

if TYPE_CHECKING:
    from .._model.network import Network
    from .._model.server import Server
    from .checks import DnsOwners


@dataclass(frozen=True)
class ObservedLbs:
    """Existing resources by name, and the number of free floating addresses.

    ``floating_problem``: why the requested floating address cannot be used.
    """

    lbs: Mapping[str, Lb]
    networks: Mapping[str, Network] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    free: int | None = None
    floating_problem: str = ''
    dns_owners: DnsOwners = field(default_factory=dict)
    profile: Profile = UNKNOWN


def plan(request: LbRequest, observed: ObservedLbs) -> Plan[Lb]:
    """Create, update or delete one balancer."""
    draft = Draft()
    result: List[Lb] = []
    current = draft.settled('lb', observed.lbs.get(request.name))
    if request.state == 'absent':
        if current:
            plan_delete('lb', current, draft)
    else:
        lb = _present(request, current, observed, draft)
        result.append(lb)
        if request.wait_for and lb.health_check is None:
            draft.refuse(
                'wait_for',
                f'wait_for: lb {lb.name} has no health check to wait for; set health_check, or '
                'omit wait_for',
            )
    return draft.finish(result, ('lb', Verb.DELETE), ('lb', Verb.CREATE), ('lb', Verb.UPDATE))


def _present(
    request: LbRequest,
    current: Lb | None,
    observed: ObservedLbs,
    draft: Draft,
) -> Lb:
    current = _complete_earlier_run(current, draft)
    network = _network(request, current, observed)
    options = _options(request, current, observed, draft)
    if 'members' in options:
        members = _member_servers(options['members'], observed)
        options['members'] = members
        for member in members:
            if draft.require('server', member, observed.servers, 'members'):
                _check_member(observed.servers[member], network, draft)
    if current is None:
        return _create(request, options, observed, draft)
    if not current.running:
        options['running'] = True
    return draft.update('lb', current, options, TABLE)


def _complete_earlier_run(current: Lb | None, draft: Draft) -> Lb | None:
    if current is None:
        return None
    if current.unfinished == TaskState.DELETING:
        draft.add('lb', Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
        return None
    if current.unfinished == TaskState.CREATING:
        created = current.completed()
        draft.add('lb', Verb.CREATE, None, created, why=COMPLETES_INTERRUPTED_RUN)
        return created
    return current


def _create(
    request: LbRequest,
    options: Mapping[str, Any],
    observed: ObservedLbs,
    draft: Draft,
) -> Lb:
    from .checks import check_dns_name

    name = request.name
    if 'listeners' not in options:
        draft.refuse(
            'listeners',
            f'lb {name} does not exist; to create it, also set listeners',
        )
    network = _network(request, None, observed)
    draft.require('network', network, observed.networks)
    check_dns_name('lb', name, [network], observed.dns_owners, draft)
    created = Lb(name, **{**options, 'network': network})
    return draft.add('lb', Verb.CREATE, None, created)


def _member_servers(members: Tuple[str, ...], observed: ObservedLbs) -> Tuple[str, ...]:
    """The names of the member servers, groups replaced by their current servers."""
    groups: Dict[str, List[str]] = {}
    for server in observed.servers.values():
        if server.member_of:
            groups.setdefault(server.member_of, []).append(server.name)
    names: Set[str] = set()
    for member in members:
        names.update(groups.get(member, [member]))
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def _network(request: LbRequest, current: Lb | None, observed: ObservedLbs) -> str:
    if current:
        return current.network
    default = observed.profile.default_network
    network: str = request.options.get('network', default)
    return network


def _check_member(server: Server, network: str, draft: Draft) -> None:
    """Refuse a member without a port in the network of the balancer."""
    networks = [nic.name for nic in server.networks]
    if network not in networks:
        draft.refuse(
            'members',
            f'members: server {server.name} has no port in network {network} of the balancer; '
            'connect it to that, or create the balancer in a network of the server',
        )


def _options(
    request: LbRequest,
    current: Lb | None,
    observed: ObservedLbs,
    draft: Draft,
) -> Dict[str, Any]:
    options = dict(request.options)
    requested = request.floating_ip
    attached = current.floating_ip if current else None
    if requested == 'none':
        options['floating_ip'] = None
    elif requested == 'auto' and attached is None:
        options['floating_ip'] = AFTER_APPLY
        from .checks import check_free_floating_ips

        check_free_floating_ips(1, observed.free, observed.profile, draft)
    elif requested not in (None, 'auto', attached):
        options['floating_ip'] = requested
        if observed.floating_problem:
            draft.refuse('floating_ip', observed.floating_problem)
    return options
