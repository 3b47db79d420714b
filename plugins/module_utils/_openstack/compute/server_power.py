# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are started, stopped and resumed."""

from __future__ import annotations

from typing import Mapping

from ..._cloud import Busy, CloudError, Outcomes
from ..._model.change import Change, Changes
from ..._model.server import Server
from ..._model.status import Status
from ..api.api import Api, Raw
from ..api.services import COMPUTE
from .server_resizes import confirm_left
from .server_status import state_of
from .server_steps import begin, failed, go_on, meant, the, until, wait_on

_RESUMING: Mapping[Status, str] = {Status.SUSPENDED: 'resume'}


def start(api: Api, changes: Changes) -> Outcomes:
    """Start servers, and wait until they run."""
    return _act(api, changes, 'os-start', Status.ACTIVE)


def stop(api: Api, changes: Changes) -> Outcomes:
    """Have guests shut down, and wait until they are off; Nova ends that by a power-off."""
    return _act(api, changes, 'os-stop', Status.SHUTOFF)


def resume(api: Api, changes: Changes) -> Outcomes:
    """Resume paused and suspended servers, and wait until they run."""
    return _act(api, changes, '', Status.ACTIVE)


def _act(api: Api, changes: Changes, action: str, target: Status) -> Outcomes:
    outcomes = confirm_left(api, begin(changes))
    servers = meant(api, changes)

    def step(change: Change) -> None:
        raw = the(servers, change)
        if state_of(raw).status == target:
            return
        status = change.old(Server).status
        name = action or _RESUMING.get(status, 'unpause')
        act(api, raw, name)

    def problem(raw: Raw) -> str | CloudError:
        return awaited(raw, target)

    outcomes = go_on(outcomes, step)
    return wait_on(api, outcomes, until(api, problem))


def act(api: Api, raw: Raw, action: str) -> None:
    """Request an action. Nova refuses one that another run has requested already."""
    path = f'/servers/{raw["id"]}'
    try:
        api.post(COMPUTE, f'{path}/action', {action: None})
    except Busy:
        now = api.get(COMPUTE, path)['server']
        if state_of(now)[:2] == state_of(raw)[:2]:
            raise


def awaited(raw: Raw, target: Status) -> str | CloudError:
    """Return why a server is not in a status yet; empty if it is."""
    state = state_of(raw)
    reason = f'its status is {raw["status"]}'
    if state.task_state:
        task = raw['OS-EXT-STS:task_state']
        return f'{reason}, its task_state {task}'
    if state.status == Status.ERROR:
        return failed(raw)
    return '' if state.status == target else reason
