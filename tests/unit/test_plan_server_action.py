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


@pytest.mark.parametrize(
    ('image', 'disk_of_flavor', 'notes', 'refused'),
    [
        ('other', False, [], []),
        ('tiny', False, ['server web was created from tiny'], []),
        ('plain', True, [], []),
        ('plain', False, [], ['image plain cannot rescue server web, whose root disk is a volume']),
        ('begun', False, [], ['image begun is unfinished']),
    ],
)
def test_rescue_image(
    image: str, disk_of_flavor: bool, notes: list[str], refused: list[str]
) -> None:
    """One with the same file systems is risky; one that the cloud cannot use is refused."""
    server = Server('web', image='tiny', power='started', disk_of_flavor=disk_of_flavor)
    images = {
        **IMAGES,
        'plain': Image('plain', rescue_problem='it has no properties'),
        'begun': Image('begun', unfinished=TaskState.CREATING),
    }
    request = ServerActionRequest('rescue', name='web', image=image)
    found = plan(request, ObservedActions({'web': server}, {}, images))
    assert [text[: len(start)] for text, start in zip(found.notes, notes, strict=True)] == notes
    assert [
        text[: len(start)] for text, start in zip(found.refused, refused, strict=True)
    ] == refused


def test_image_that_no_longer_exists() -> None:
    """The default image of a rebuild may have been deleted, on some clouds."""
    server = Server('web', image='gone', power='started', networks=(Nic('n'),))
    request = ServerActionRequest('rebuild', name='web')
    found = plan(request, ObservedActions({'web': server}, {}, IMAGES))
    assert found.refused == ('the image of server web no longer exists; set another one (image)',)
