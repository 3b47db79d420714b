# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of actions on servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Callable, List

from .._model.change import Draft, Plan
from .._model.checks import join_names
from .._model.effect import LIVE, POWER_OFF
from .._model.flavor import Flavor
from .._model.image import Image
from .._model.kinds import Verb
from .._model.lifecycle import leads_to, next_status
from .._model.machine_size import small_memory
from .._model.server import Server, Size, is_on_bridges_only
from .._model.server_action import ServerActionRequest
from .._model.server_type import CONTAINER
from .._model.status import POWER, STATUS_OF_POWER, Status, TaskState
from .checks import DnsOwners
from .server_action_images import check_rebuild, check_rescue
from .server_completion import complete_for_action
from .server_container import check_application, check_limits
from .server_hardware import check_kept_topology
from .server_power import check_allowed
from .server_rename import renamed
from .turns import in_turn


@dataclass(frozen=True)
class ObservedActions:
    """What exists of what a request is about, by name; ``servers``: those that are selected."""

    servers: Mapping[str, Server]
    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    dns_owners: DnsOwners = field(default_factory=dict)


def plan(request: ServerActionRequest, observed: ObservedActions) -> Plan[Server]:
    """Plan the action for all selected servers; report all problems of all of them."""
    draft = Draft()
    if request.verb == Verb.RENAME:
        return draft.finish(renamed(request, observed.servers, observed.dns_owners, draft))
    _check_selection(request, observed, draft)
    planned = [_act(server, request, observed, draft) for server in observed.servers.values()]
    if request.wait_for in ('ip', 'ssh'):
        _check_awaited(request.wait_for, planned, draft)
    for server in planned:
        if server.is_application:
            check_application(server, request.wait_for, draft)
    _report_new_host_keys(request, planned, draft)
    others = [('server', verb) for verb in Verb if verb != request.verb]
    found = draft.finish(planned, *others, ('server', request.verb))
    return in_turn(found, request.max_unavailable)


def _check_awaited(wait_for: str, planned: List[Server], draft: Draft) -> None:
    from .server_bridges import check_awaited

    for server in planned:
        if server.power == 'started' and is_on_bridges_only(server.networks):
            check_awaited(server.name, wait_for, draft)


def _check_selection(request: ServerActionRequest, observed: ObservedActions, draft: Draft) -> None:
    servers = observed.servers
    groups = {server.member_of for server in servers.values()}
    missing = [('names', name) for name in sorted({*request.names} - {*servers})]
    if request.name and request.name not in {*servers, *groups}:
        missing.append(('name', request.name))
    for option, name in missing:
        draft.miss(option, f'server {name} does not exist', name=name)
    if request.labels and not servers:
        draft.notes.append(f'labels: no server has {dict(request.labels)}')
    if request.flavor:
        draft.require('flavor', request.flavor, observed.flavors)
    if request.image:
        draft.require('image', request.image, observed.images)


def _act(
    server: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    """Complete what an earlier run left; then do the action, unless it is done."""
    current = draft.settled('server', server)
    if current is None:
        draft.refuse('name', f'server {server.name} is being deleted', name=server.name)
        return server
    begun = current.unfinished
    current = complete_for_action(current, request.force, draft)
    if _is_done(current, request, begun):
        return current
    if request.force and (current.status, request.verb) == (Status.PAUSED, Verb.SHELVE):
        current = draft.add('server', Verb.POWER_OFF, current, current.powered('stopped'))
    if not check_allowed(current, request.verb, draft, 'action'):
        return current
    after = _AFTER.get(request.verb, _with_status)(current, request, observed, draft)
    effect = POWER_OFF if request.force else LIVE
    return draft.add('server', request.verb, current, after, effect)


def _is_done(current: Server, request: ServerActionRequest, begun: TaskState | None) -> bool:
    """Whether a server is as the action would leave it.

    ``begun``: what an earlier run had begun with it. A rebuild is done then. A reboot may not be:
    nothing tells whether that run came as far as to the shutdown.
    """
    status = current.status
    if (request.verb, begun) == (Verb.REBUILD, TaskState.REBUILDING):
        return request.image in (None, current.image)
    if request.verb in (Verb.CONFIRM_RESIZE, Verb.REVERT_RESIZE):
        return status in (Status.ACTIVE, Status.SHUTOFF)
    if request.verb == Verb.RESIZE:
        return _is_resized(current, request)
    if request.verb == Verb.RESCUE and request.image not in (None, current.rescue_image):
        return False
    if request.verb in (Verb.REBOOT, Verb.HARD_REBOOT, Verb.REBUILD):
        return False
    return (status, request.verb) == (Status.SHELVED, Verb.SHELVE) or status == leads_to(
        request.verb
    )


def _with_status(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    """The server with the status that follows."""
    following = next_status('server', current.status, request.verb)
    status = Status(following) if following else STATUS_OF_POWER[current.power]
    power = POWER.get(status, current.power)
    return replace(current.powered(power), status=status)


def _is_resized(current: Server, request: ServerActionRequest) -> bool:
    if request.flavor:
        return current.flavor == request.flavor
    sizes = (current.vcpus, current.memory)
    return current.flavor is None and sizes == (request.vcpus, request.memory)


def _resized(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    """The server with another size. Its root disk grows only where that belongs to the flavor."""
    after = _with_status(current, request, observed, draft)
    before = Size(**{option: getattr(current, option) for option in Size._fields})
    after = replace(after, resized_from=before)
    if request.vcpus and request.memory:
        _warn_of_small_memory(request.memory, draft)
        check_kept_topology(current, request.vcpus, draft)
        after = replace(after, flavor=None, vcpus=request.vcpus, memory=request.memory)
        return replace(after, max_vcpus=None, max_memory=None)
    flavor = observed.flavors.get(request.flavor or '')
    if flavor is None:
        return after
    check_kept_topology(current, flavor.max_vcpus or flavor.vcpus, draft)
    if current.type == CONTAINER:
        check_limits(current.name, flavor, draft)
        return replace(after, flavor=flavor.name, vcpus=flavor.vcpus, memory=flavor.memory)
    if current.disk_of_flavor:
        _check_disk(current, flavor, draft)
        after = replace(after, volume_size=flavor.disk)
    return replace(
        after,
        flavor=flavor.name,
        vcpus=flavor.vcpus,
        memory=flavor.memory,
        max_vcpus=flavor.max_vcpus,
        max_memory=flavor.max_memory,
    )


def _warn_of_small_memory(memory: int, draft: Draft) -> None:
    warning = small_memory(memory)
    if warning and warning not in draft.notes:
        draft.notes.append(warning)


def _check_disk(current: Server, flavor: Flavor, draft: Draft) -> None:
    if flavor.disk < current.volume_size:
        draft.refuse(
            'flavor',
            f'flavor: the disk of {flavor.name} has {flavor.disk} GB, that of server '
            f'{current.name} {current.volume_size} GB, and a disk cannot shrink; use a larger one',
            name=current.name,
        )


def _confirmed(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    return replace(_with_status(current, request, observed, draft), resized_from=None)


def _reverted(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    after = _with_status(current, request, observed, draft)
    before = current.resized_from
    if before is None:
        draft.refuse(
            'action',
            f'server {current.name} was resized by another program, which alone knows its former '
            'flavor; revert or confirm it there',
            name=current.name,
        )
        return after
    return replace(after, resized_from=None, **before._asdict())


def _rebuilt(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    """The server with a fresh root disk."""
    name = request.image or current.image
    check_rebuild(current, name, observed.images, draft)
    if current.delete_protection:
        draft.refuse(
            'action',
            f'server {current.name} is protected, and a rebuild deletes all data on its root disk; '
            'set delete_protection: false (module server) to allow it',
            name=current.name,
        )
    if current.snapshots:
        draft.refuse(
            'action',
            f'server {current.name} has snapshots ({join_names(current.snapshots)}), which a '
            'rebuild would lose with its root disk; delete those first (server_snapshot: state: '
            'absent)',
            name=current.name,
        )
    after = _with_status(current, request, observed, draft)
    image = observed.images.get(name)
    is_application = image is not None and image.application is not None
    return replace(after, image=name, outdated=(), is_application=is_application)


def _rescued(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    """The server, running from a disk of the rescue image."""
    name = request.image or current.image
    check_rescue(current, name, observed.images, draft)
    return replace(_with_status(current, request, observed, draft), rescue_image=name)


def _unrescued(
    current: Server, request: ServerActionRequest, observed: ObservedActions, draft: Draft
) -> Server:
    return replace(_with_status(current, request, observed, draft), rescue_image=None)


_AFTER: Mapping[Verb, Callable[[Server, ServerActionRequest, ObservedActions, Draft], Server]] = {
    Verb.RESIZE: _resized,
    Verb.CONFIRM_RESIZE: _confirmed,
    Verb.REVERT_RESIZE: _reverted,
    Verb.REBUILD: _rebuilt,
    Verb.RESCUE: _rescued,
    Verb.UNRESCUE: _unrescued,
}


def _report_new_host_keys(
    request: ServerActionRequest, planned: List[Server], draft: Draft
) -> None:
    if request.verb != Verb.REBUILD or not planned:
        return
    addresses = dict.fromkeys(server.ssh_name for server in planned)
    draft.notes.append(
        f'rebuilt servers have new SSH host keys; remove the old ones: '
        f'{"; ".join(f"ssh-keygen -R {address}" for address in addresses)}'
    )
