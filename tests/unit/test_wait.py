# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting: what is met costs no call, what is not is polled, and a timeout has all reasons."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.wait import (
    busy,
    listed,
    wait_until_met,
)
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume

Reload = Callable[[Sequence[Volume]], Sequence[Volume]]
CREATING = [Volume(name, task_state='creating') for name in ('a', 'b')]
READY = [replace(volume, task_state=None) for volume in CREATING]


@dataclass
class Cloud:
    """A cloud that lists other volumes each time, the last ones for ever."""

    looks: list[Sequence[Volume]]
    calls: int = 0

    def reload(self, volumes: Iterable[Volume]) -> Sequence[Volume]:
        """Return the requested volumes."""
        self.calls += 1
        names = {volume.name for volume in volumes}
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [volume for volume in found if volume.name in names]


def waited(cloud: Cloud, timeout: int = 5) -> str:
    """Wait until the volumes are ready."""
    condition = listed('ready', 'volume', CREATING, busy, cloud.reload)
    assert condition
    return wait_until_met(condition, time.monotonic() + timeout, timeout, 0.001)


def test_nothing_to_wait_for() -> None:
    """What meets the condition is not listed again."""
    cloud = Cloud([READY])
    assert listed('ready', 'volume', READY, busy, cloud.reload) is None
    assert cloud.calls == 0


def test_polled_until_met() -> None:
    """Only those that do not meet it are listed again."""
    cloud = Cloud([CREATING, [READY[0], CREATING[1]], [READY[1]]])
    assert waited(cloud) == 'waited for ready of a, b'
    assert cloud.calls == 3


def test_timeout() -> None:
    """Each item has its reason; at least one check is made."""
    cloud = Cloud([[READY[0], CREATING[1]]])
    message = (
        r'^volume b: timed out after 0 s \(wait_timeout\) waiting for ready: '
        r'its task_state is creating$'
    )
    with pytest.raises(CloudError, match=message):
        waited(cloud, timeout=0)


def test_deleted_by_another_run() -> None:
    """It is awaited no longer."""
    message = 'volume a no longer exists: it was deleted while this task waited for ready; volume b'
    with pytest.raises(CloudError, match=message):
        waited(Cloud([[]]))
