# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions of the life cycle, as requests to Nova (compute API, "Run an action")."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Dict, Mapping

from ..._cloud import Busy, Outcomes
from ..._model.change import Change, Changes
from ..._model.kinds import Verb
from ..._model.lifecycle import next_status
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.status import STATUS_OF_POWER, Status
from ..api.api import Api, Raw
from ..api.lists import all_flavors, all_images
from ..api.marks import PREFIX, to_metadata, with_prefix
from ..api.names import the_only
from ..api.polling import Reason
from ..api.services import COMPUTE, Service
from ..catalogue.init_scripts import InitScripts
from .first_boot_content import encoded
from .server_marks import RESIZED_FROM, SEAL, user_data_mark
from .server_resizes import confirm_left
from .server_status import state_of
from .server_steps import begin, failed, go_on, meant, the, until, wait_on

Body = Dict[str, Any]
Maker = Callable[[Api, Change, Raw], Body]
_OF_CONTENT = tuple(PREFIX + mark for mark in ('image', 'init_script', SEAL, 'user_data'))
_EVENTS = (Verb.REBOOT, Verb.HARD_REBOOT, Verb.REBUILD)  # done again, whatever the status is
# 2.87 (Victoria) and 2.93 (Zed): also servers whose root disks are volumes.
_OF_ROOT_VOLUMES = {
    Verb.RESCUE: COMPUTE._replace(microversion='2.87'),
    Verb.REBUILD: COMPUTE._replace(microversion='2.93'),
}


def act(api: Api, changes: Changes, secrets: Secrets) -> Outcomes:
    """Apply the action that all changes have as their verb, and wait for its end.

    ``secrets``: of the task; servers that are rebuilt with other user data get it from there.
    """
    verb = changes[0].verb
    if verb == Verb.RENAME:
        return _rename(api, changes)
    is_resize = verb in (Verb.RESIZE, Verb.CONFIRM_RESIZE, Verb.REVERT_RESIZE)
    outcomes = begin(changes) if is_resize else confirm_left(api, begin(changes))
    servers = meant(api, changes)
    targets = {change.name: _status_after(change) for change in changes}
    # Names to ids, before anything is written.
    make = partial(_rebuild, secrets) if verb == Verb.REBUILD else _BODIES[verb]
    bodies = {
        change.name: make(api, change, servers[change.name])
        for change in changes
        if change.name in servers
    }

    def step(change: Change) -> None:
        raw = the(servers, change)
        if verb in _EVENTS or not _has_status(raw, targets[change.name]):
            _mark(api, raw, change)
            request(api, raw, bodies[change.name], _service(verb, raw))

    def remove_mark(change: Change) -> None:
        path = f'/servers/{the(servers, change)["id"]}/metadata/{PREFIX}{RESIZED_FROM}'
        api.delete(COMPUTE, path)

    outcomes = go_on(outcomes, step)
    ended = until(api, lambda raw: awaited(raw, targets[raw['name']]))
    outcomes = wait_on(api, outcomes, ended)
    if verb in (Verb.CONFIRM_RESIZE, Verb.REVERT_RESIZE):
        return go_on(outcomes, remove_mark)
    return outcomes


def _rename(api: Api, changes: Changes) -> Outcomes:
    servers = meant(api, changes)

    def step(change: Change) -> None:
        raw = the(servers, change)
        body = {'server': {'name': change.new(Server).name}}
        api.put(COMPUTE, f'/servers/{raw["id"]}', body)

    return go_on(begin(changes), step)


def _service(verb: Verb, raw: Raw) -> Service:
    """The version of the API: newer ones for what concerns a root volume."""
    return COMPUTE if raw['image'] else _OF_ROOT_VOLUMES.get(verb, COMPUTE)


def _status_after(change: Change) -> Status:
    """The status that an action leads to; of a resize that ends, that of before it."""
    before = change.old(Server)
    after = next_status('server', before.settled_status, change.verb)
    return Status(after) if after else STATUS_OF_POWER[before.power]


def _mark(api: Api, raw: Raw, change: Change) -> None:
    """Write what only this collection knows of what an action does."""
    server = change.new(Server)
    marks: Dict[str, str | None] = {}
    if change.verb == Verb.RESIZE and server.resized_from:
        marks[RESIZED_FROM] = server.resized_from.recorded()
    if marks:
        body = {'metadata': to_metadata({}, marks)}
        api.post(COMPUTE, f'/servers/{raw["id"]}/metadata', body)


def _plain(action: str) -> Maker:
    return lambda _api, _change, _raw: {action: None}


def _reboot(kind: str) -> Maker:
    return lambda _api, _change, _raw: {'reboot': {'type': kind}}


def _resume(_api: Api, change: Change, _raw: Raw) -> Body:
    is_suspended = change.old(Server).status == Status.SUSPENDED
    return {'resume' if is_suspended else 'unpause': None}


def _resize(api: Api, change: Change, _raw: Raw) -> Body:
    flavor = the_only('flavor', change.new(Server).flavor or '', all_flavors(api), api.project_id)
    return {'resize': {'flavorRef': flavor['id']}}


def _rebuild(
    secrets: Secrets,
    api: Api,
    change: Change,
    raw: Raw,
) -> Body:
    """A rebuild, with all of the metadata: Nova replaces that at once with the rest."""
    before, server = change.old(Server), change.new(Server)
    body: Body = {'imageRef': _image_id(api, server.image)}
    marks: Dict[str, str | None] = {'image': server.image, 'init_script': server.init_script}
    if server.init_script:
        scripts = InitScripts(api)
        for script in scripts.list([server.init_script]):
            body['user_data'] = encoded(script.content)
            marks[SEAL] = scripts.seals().get(script.name)
    elif server.user_data != before.user_data or before.init_script:
        content = secrets.user_data if server.user_data else None
        body['user_data'] = content and encoded(content)
    if server.key_names != before.key_names:
        body['key_name'] = next(iter(server.key_names), None)
    marks['user_data'] = user_data_mark(server)
    kept = {key: value for key, value in raw['metadata'].items() if key not in _OF_CONTENT}
    body['metadata'] = {**kept, **with_prefix(marks)}
    return {'rebuild': body}


def _rescue(api: Api, change: Change, _raw: Raw) -> Body:
    return {'rescue': {'rescue_image_ref': _image_id(api, change.new(Server).rescue_image or '')}}


def _image_id(api: Api, name: str) -> str:
    return str(the_only('image', name, all_images(api), api.project_id)['id'])


_BODIES: Mapping[Verb, Maker] = {
    Verb.START: _plain('os-start'),
    Verb.STOP: _plain('os-stop'),
    Verb.PAUSE: _plain('pause'),
    Verb.RESUME: _resume,
    Verb.REBOOT: _reboot('SOFT'),
    Verb.HARD_REBOOT: _reboot('HARD'),
    Verb.SHELVE: _plain('shelve'),
    Verb.UNSHELVE: _plain('unshelve'),
    Verb.RESIZE: _resize,
    Verb.CONFIRM_RESIZE: _plain('confirmResize'),
    Verb.REVERT_RESIZE: _plain('revertResize'),
    Verb.RESCUE: _rescue,
    Verb.UNRESCUE: _plain('unrescue'),
}


def request(
    api: Api,
    raw: Raw,
    body: Body,
    service: Service = COMPUTE,
) -> None:
    """Request an action. Nova refuses one that another run has requested already."""
    path = f'/servers/{raw["id"]}'
    try:
        api.post(service, f'{path}/action', body)
    except Busy:
        now = api.get(COMPUTE, path)['server']
        if state_of(now)[:2] == state_of(raw)[:2]:
            raise


def awaited(raw: Raw, target: Status) -> Reason:
    """Return why a server is not in a status yet; empty if it is.

    Nova deletes the machine of a shelved server after a time that the operator sets, or never.
    """
    state = state_of(raw)
    if state.status == Status.ERROR and not state.task_state:
        return failed(raw)
    if _has_status(raw, target) and not state.task_state:
        return ''
    task = f', its task_state {raw["OS-EXT-STS:task_state"]}' if state.task_state else ''
    return f'its status is {raw["status"]}{task}'


def _has_status(raw: Raw, target: Status) -> bool:
    status = state_of(raw).status
    return status == target or (status, target) == (Status.SHELVED, Status.SHELVED_OFFLOADED)
