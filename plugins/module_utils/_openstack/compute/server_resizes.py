# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers get another flavor, or a larger root volume."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Dict

from ..._cloud import Busy, CloudError, Outcomes
from ..._model.change import Change, Changes, names_of
from ..._model.server import Server
from ..._model.status import Status
from ..api.api import Api, Raw
from ..api.lists import all_flavors, all_volumes, by_id
from ..api.marks import to_metadata
from ..api.names import the_id
from ..api.polling import Reason
from ..api.services import COMPUTE, VOLUME
from ..storage.root_volumes import root_volume
from .server_marks import RESIZING
from .server_status import RESIZED, state_of
from .server_steps import failed, go_on, meant, observed, remaining, the, until, wait_on

_MARK = 'hanok:' + RESIZING


def resize(api: Api, outcomes: Outcomes) -> Outcomes:
    """Give servers the flavors of their changes. One that runs is restarted by that.

    The mark is written first, so that a resize is confirmed by the next run if this one is killed.
    """
    outcomes = confirm_left(api, outcomes)
    resized = remaining(outcomes, _resizes)
    if not resized:
        return outcomes
    servers = meant(api, resized)

    def step(change: Change) -> None:
        raw = the(servers, change)
        name = change.new(Server).flavor or ''
        _request_resize(api, raw['id'], name)

    outcomes = go_on(outcomes, step, _resizes)
    awaited = until(api, _not_resized)
    outcomes = wait_on(api, outcomes, awaited, _resizes)
    return _confirm(api, outcomes, resized)


def _request_resize(api: Api, identity: str, name: str) -> None:
    path = f'/servers/{identity}'
    flavor = the_id('flavor', name, all_flavors(api), api.project_id)
    mark = to_metadata({}, {RESIZING: name})
    api.post(COMPUTE, f'{path}/metadata', {'metadata': mark})
    body = {'flavorRef': flavor}
    api.post(COMPUTE, f'{path}/action', {'resize': body})


def _resizes(change: Change) -> bool:
    before = change.old(Server)
    after = change.new(Server)
    return before.flavor != after.flavor


def confirm_left(api: Api, outcomes: Outcomes) -> Outcomes:
    """Confirm the resizes that an earlier run has left."""
    left = remaining(outcomes, _awaits_confirmation)
    if not left:
        return outcomes
    return _confirm(api, outcomes, left)


def _awaits_confirmation(change: Change) -> bool:
    if change.before is None:
        return False
    return change.old(Server).status == Status.VERIFY_RESIZE


def _confirm(api: Api, outcomes: Outcomes, changes: Changes) -> Outcomes:
    servers = meant(api, changes)
    names = set(names_of(changes))

    def step(change: Change) -> None:
        raw = the(servers, change)
        if _is_resized(raw):
            _request_confirmation(api, raw)

    def remove_mark(change: Change) -> None:
        server = the(servers, change)['id']
        api.delete(COMPUTE, f'/servers/{server}/metadata/{_MARK}')

    def wanted(change: Change) -> bool:
        return change.name in names

    outcomes = go_on(outcomes, step, wanted)
    awaited = until(api, _not_confirmed)
    outcomes = wait_on(api, outcomes, awaited, wanted)
    return go_on(outcomes, remove_mark, wanted)


def _is_resized(raw: Raw) -> bool:
    """Whether a server awaits that its resize is confirmed."""
    state: str = raw['OS-EXT-STS:vm_state']
    return state == RESIZED


def _request_confirmation(api: Api, raw: Raw) -> None:
    """Confirm a resize. Nova refuses it if another run, or Nova itself, has done that."""
    path = f'/servers/{raw["id"]}'
    try:
        api.post(COMPUTE, f'{path}/action', {'confirmResize': None})
    except Busy:
        now = api.get(COMPUTE, path)['server']
        is_awaited = _is_resized(now) and not now['OS-EXT-STS:task_state']
        if is_awaited:
            raise


def _not_resized(raw: Raw) -> Reason:
    if _is_resized(raw):
        return ''
    return _not_confirmed(raw) or failed_resize(raw)


def _not_confirmed(raw: Raw) -> Reason:
    """Why a resize has not ended; empty if it has."""
    state = state_of(raw)
    if state.status == Status.ERROR and not state.task_state:
        return failed(raw)
    if raw['OS-EXT-STS:task_state'] or _is_resized(raw):
        return f'its status is {raw["status"]}'
    return ''


def failed_resize(raw: Raw) -> CloudError:
    """Return the error about a resize after which a server is what it was."""
    status = raw['status']
    flavor = raw['flavor']['original_name']
    return CloudError(
        f'Nova did not resize it, and it is {status} with the flavor {flavor}; the events of the '
        f'server (openstack server event list {raw["id"]}) have the reason'
    )


def grow(api: Api, outcomes: Outcomes) -> Outcomes:
    """Let root volumes grow, while they are in use; the disk of a flavor has the flavor's size."""
    growing = remaining(outcomes, _grows)
    if not growing:
        return outcomes
    roots = _root_volumes(api, growing)
    sizes = {change.name: change.new(Server).volume_size for change in growing}

    def step(change: Change) -> None:
        name = change.name
        _request_growth(api, name, roots.get(name), sizes[name])

    def reasons(names: Collection[str]) -> Mapping[str, str]:
        volumes = by_id(api.pages(VOLUME, '/volumes/detail', 'volumes'))
        found: Dict[str, str] = {}
        for name in names:
            found[name] = _not_grown(volumes, roots[name], sizes[name])
        return found

    outcomes = go_on(outcomes, step, _grows)
    return wait_on(api, outcomes, reasons, _grows)


def _root_volumes(api: Api, changes: Changes) -> Mapping[str, Raw | None]:
    """The root volumes of the servers of changes, by the names of these."""
    volumes = by_id(all_volumes(api))
    found: Dict[str, Raw | None] = {}
    for name, raw in observed(api, names_of(changes)).items():
        found[name] = root_volume(raw, volumes)
    return found


def _request_growth(
    api: Api,
    name: str,
    root: Raw | None,
    size: int,
) -> None:
    if root is None:
        raise CloudError(f'volume_size: no volume of {name} is its root', 'volume_size')
    if root['size'] >= size:
        return
    body = {'new_size': size}
    path = f'/volumes/{root["id"]}/action'
    api.post(VOLUME, path, {'os-extend': body})


def _grows(change: Change) -> bool:
    before = change.old(Server)
    after = change.new(Server)
    return not before.disk_of_flavor and before.volume_size < after.volume_size


def _not_grown(volumes: Mapping[str, Raw], root: Raw | None, size: int) -> str:
    reason = 'its root volume is being extended'
    now = volumes.get(root['id']) if root else None
    if now is None or now['size'] < size:
        return reason
    return reason if now['status'] == 'extending' else ''
