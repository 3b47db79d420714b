# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of servers: compares a request with what exists, and returns the changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.checks import DEFAULT_GROUP
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.server import Server, is_on_bridges_only
from .._model.server_request import ServerRequest, has_state, has_value
from .._model.server_type import CONTAINER, OF_CONTAINERS
from .._model.status import Status, TaskState
from .server_group import plan_members
from .server_observations import ObservedServers
from .server_references import check_floating_ips, check_references

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.nic_request import NicRequest

_VERBS = (
    Verb.DELETE,
    Verb.CREATE,
    Verb.REPAIR,
    Verb.UNSHELVE,
    Verb.RESUME,
    Verb.STOP,
    Verb.POWER_OFF,
    Verb.REBUILD,
    Verb.UPDATE,
    Verb.START,
    Verb.PAUSE,
    Verb.SHELVE,
)
ORDER = tuple(('server', verb) for verb in _VERBS)


def plan(request: ServerRequest, observed: ObservedServers) -> Plan[Server]:
    """Plan all requested servers; report all problems of all of them."""
    draft = Draft()
    observed = observed.settled(draft)
    if request.state != 'absent':
        check_references(request, observed, draft)
    planned = [
        _plan_server(name, request, observed, draft)
        for name in plan_members(request, observed, draft)
    ]
    servers = [server for server in planned if server is not None]
    check_floating_ips(request, observed, draft)
    if 'memory' in request.options:
        from .server_sizes import warn_of_small_memory

        warn_of_small_memory(draft)
    if any(server.outdated for server in servers):
        from .server_outdated import warn_of_outdated

        warn_of_outdated(servers, draft)
    plan = draft.finish(servers, *ORDER)
    if not plan.changes:
        return plan
    from .turns import in_turn

    return in_turn(plan, request.max_unavailable)


def _plan_server(
    name: str, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server | None:
    """Complete what an earlier run left; then compare the server with the request.

    Return the server after that, unless it is deleted or refused.
    """
    current = observed.servers.get(name)
    if request.state == 'absent':
        _delete(current, request, draft)
        return None
    if current and current.unfinished == TaskState.DELETING:
        current = draft.add('server', Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        return _create(name, request, observed, draft)
    is_new = current.unfinished == TaskState.CREATING
    current = _complete_earlier_run(current, request, observed, draft)
    if current.settled_status == Status.ERROR:
        _refuse_error(current, draft)
        return None
    if request.state == 'restarted' or not has_state(current.settled_status, request.state):
        from .server_power import change_before_update

        current = change_before_update(current, request, is_new, draft)
    updated = _updated(current, request, observed, draft)
    if request.grow and not is_new:
        from .server_growth import plan_growth

        plan_growth(observed.servers[name], updated, observed, draft)
    return _in_state(updated, request, draft)


def _updated(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """Compare a server that no run has left half done with the request."""
    before = current
    if request.state == 'stopped' and current.starts_at_boot:
        current = replace(current, starts_at_boot=False)
    options = _requested_options(request, current, observed, draft)
    if request.on_drift != 'fail':
        from .server_drift import settle_drift

        current = settle_drift(current, options, request, observed, draft)
    updated = _with_options(current, options, request, draft)
    if updated is not current:
        from .server_power import check_allowed

        check_allowed(current, Verb.UPDATE, draft, '')
    elif current.starts_at_boot != before.starts_at_boot:
        why = 'it is off, and would be started at the next boot of its host'
        draft.add('server', Verb.UPDATE, before, current, why=why)
    return updated


def _with_options(
    current: Server, options: Mapping[str, Any], request: ServerRequest, draft: Draft
) -> Server:
    """Update a server; how options may change is imported only if some differ."""
    has_all = all(getattr(current, option) == value for option, value in options.items())
    if has_all and not current.unfinished:
        return current
    from .._model.server_effects import TABLE

    return draft.update('server', current, options, TABLE, request.allow_restart)


def _delete(current: Server | None, request: ServerRequest, draft: Draft) -> None:
    if current:
        from .server_deletion import plan_server_deletion

        plan_server_deletion(current, request, draft)


def _in_state(server: Server, request: ServerRequest, draft: Draft) -> Server:
    """Start, pause or shelve a server that is up to date, as the state requires."""
    if server.is_application:
        from .server_container import check_application

        check_application(server, request.wait_for, draft)
    if has_state(server.settled_status, request.state):
        return server
    from .server_power import change_after_update

    return change_after_update(server, request, draft)


def _create(
    name: str,
    request: ServerRequest,
    observed: ObservedServers,
    draft: Draft,
) -> Server:
    from .server_creation import new_server
    from .server_inheritance import inherited_request

    inherited = inherited_request(name, request, observed, draft)
    server = new_server(name, inherited, observed, draft)
    return _in_state(draft.add('server', Verb.CREATE, None, server), request, draft)


def _complete_earlier_run(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    if not current.unfinished and current.status != Status.UNMANAGED:
        return current
    from .server_completion import complete_earlier_run

    return complete_earlier_run(current, request, observed, draft)


def _refuse_error(current: Server, draft: Draft) -> None:
    from .._model.lifecycle import refusal

    text = refusal('server', current.name, current.status, Verb.UPDATE)
    why = f'; the cloud says: {"; ".join(current.faults)}' if current.faults else ''
    draft.refuse('state', text + why, name=current.name)


def _requested_options(
    request: ServerRequest, current: Server, observed: ObservedServers, draft: Draft
) -> Dict[str, Any]:
    """The specified options as fields of a server, to compare them with an existing one."""
    options = observed.recorded_options(request)
    if 'key_names' in options and has_value(current, 'key_names', options['key_names']):
        del options['key_names']  # the same, in another order
    flavor = observed.flavors.get(options.get('flavor', ''))
    _set_sizes(options, flavor, current, draft)
    _set_floating_ip(options, request, current)
    if request.networks is not None:
        _set_networks(options, request.networks, request, current, observed, draft)
    _settle_machine(options, flavor, request, current, observed, draft)
    if is_on_bridges_only(options.get('networks', current.networks)):
        from .server_bridges import check_bridged

        check_bridged(current.name, options, request, draft)
    _set_groups(options, current, draft)
    if request.wait_for == 'ssh':
        from .server_ssh import check_ssh_with_options

        check_ssh_with_options(options, request, current, observed, draft)
    return options


def _set_sizes(
    options: Dict[str, Any], flavor: Flavor | None, current: Server, draft: Draft
) -> None:
    if flavor and flavor.name != current.flavor:
        options.update(vcpus=flavor.vcpus, memory=flavor.memory)
        options.setdefault('volume_size', max(flavor.disk, current.volume_size))
    if options.get('vcpus') is not None:
        from .server_sizes import set_room

        set_room(options, flavor, current)
    if current.disk_of_flavor:
        from .server_disk import check_disk_of_flavor

        check_disk_of_flavor(current, options, flavor, draft)


def _set_networks(
    options: Dict[str, Any],
    networks: Tuple[NicRequest, ...],
    request: ServerRequest,
    current: Server,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    from .._model.nic_request import compared

    found = compared(networks, current.networks)
    options['networks'] = found.kept
    if found.new or len(found.kept) < len(current.networks):
        from .server_connections import change_networks

        change_networks(options, request, current, observed, draft)


def _settle_machine(
    options: Dict[str, Any],
    flavor: Flavor | None,
    request: ServerRequest,
    current: Server,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """What a virtual machine is kept with is imported only where the task may change it."""
    has_sockets = current.hardware and current.hardware.sockets
    is_concerned = 'hardware' in options or not OF_CONTAINERS.isdisjoint(options)
    if current.type == CONTAINER or is_concerned or has_sockets:
        from .server_machine import settle_machine

        changed = flavor if flavor and flavor.name != current.flavor else None
        settle_machine(current, request.options, options, changed, observed, draft)


def _set_floating_ip(options: Dict[str, Any], request: ServerRequest, current: Server) -> None:
    if request.floating_ip == 'none':
        options['floating_ip'] = None
    elif request.floating_ip == 'auto':
        if current.floating_ip is None:
            options['floating_ip'] = AFTER_APPLY
    elif request.floating_ip is not None:
        options['floating_ip'] = request.floating_ip


def _set_groups(options: Dict[str, Any], current: Server, draft: Draft) -> None:
    """Keep groups for the server as long as one of its connections has none of its own."""
    networks = options.get('networks', current.networks)
    if any(nic.security_groups is None for nic in networks):
        if not current.security_groups:
            options.setdefault('security_groups', (DEFAULT_GROUP,))
        return
    if options.get('security_groups'):
        draft.refuse(
            'security_groups',
            f'security_groups: each network of {current.name} has its own groups, by its port or '
            'its security_groups; change those',
            name=current.name,
        )
    elif current.security_groups:
        options['security_groups'] = ()
