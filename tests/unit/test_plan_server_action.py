# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions on servers that an earlier run left unfinished: what completes them, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import (
    ServerActionRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_action import (
    ObservedActions,
    plan,
)

IMAGES = {name: Image(name, name) for name in ('tiny', 'other')}


@pytest.mark.parametrize(
    ('begun', 'options', 'verbs'),
    [
        # It is not known whether the guest was shut down yet.
        (TaskState.REBOOTING, {'action': 'reboot_soft'}, ['update', 'reboot']),
        (TaskState.REBOOT_STARTED_HARD, {'action': 'reboot_hard'}, ['update', 'hard_reboot']),
        (TaskState.REBUILDING, {'action': 'rebuild'}, ['rebuild']),
        (TaskState.REBUILDING, {'action': 'rebuild', 'image': 'tiny'}, ['rebuild']),
        (TaskState.REBUILDING, {'action': 'rebuild', 'image': 'other'}, ['rebuild', 'rebuild']),
        (TaskState.PAUSING, {'action': 'pause'}, ['pause']),
        (TaskState.PAUSING, {'action': 'unpause'}, ['pause', 'resume']),
        (TaskState.POWERING_OFF, {'action': 'stop'}, ['stop']),
        (TaskState.UPDATING, {'action': 'rename', 'new_name': 'www'}, ['update', 'rename']),
    ],
)
def test_after_an_interrupted_run(
    begun: TaskState, options: dict[str, Any], verbs: list[str]
) -> None:
    """What was begun is completed, and what is requested is done, unless it is the same."""
    server = Server(
        'web', Status.ERROR, unfinished=begun, image='tiny', power='started', networks=(Nic('n'),)
    )
    found = plan(
        ServerActionRequest(name='web', **options), ObservedActions({'web': server}, {}, IMAGES)
    )
    assert found.refused == ()
    assert [change.verb.value for change in found.changes] == verbs
    assert all(server.unfinished is None for server in found.result)


def test_interrupted_rename() -> None:
    """The same task completes it, by the new name."""
    server = Server('www', Status.ERROR, unfinished=TaskState.UPDATING)
    request = ServerActionRequest('rename', name='web', new_name='www')
    found = plan(request, ObservedActions({'www': server}))
    assert [(change.name, change.verb.value) for change in found.changes] == [('www', 'update')]


def test_rescue_by_another_image_than_before() -> None:
    """What was begun with one image is not taken for what is requested with another one."""
    server = Server(
        'web', Status.ERROR, unfinished=TaskState.RESCUING, rescue_image='tiny', power='started'
    )
    request = ServerActionRequest('rescue', name='web', image='other')
    found = plan(request, ObservedActions({'web': server}, {}, IMAGES))
    assert [str(problem) for problem in found.refused] == [
        'server web is RESCUE; possible: unrescue, delete'
    ]
