# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the cloud is doing, for other runs or programs, with the items of a task."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Dict

from .._cloud import Names, TimedOut
from .api.api import Api

if TYPE_CHECKING:
    from .cloud import OpenStackCloud

_SECONDS = 1.0  # between two looks


def busy(cloud: OpenStackCloud, names: Names) -> Mapping[str, str]:
    """Return the task states of the items that the cloud is working on, by kind and name."""
    lists: Dict[str, Any] = {
        'image': lambda: cloud.images,
        'volume': lambda: cloud.volumes,
        'volume_snapshot': lambda: cloud.volume_snapshots,
        'server': lambda: cloud.servers,
        'lb': lambda: cloud.lbs,
    }
    found: Dict[str, str] = {}
    for kind, items in lists.items():
        wanted = [name for other, name in names if other == kind]
        if wanted:
            found.update(_task_states(kind, items().list(wanted)))
    return found


def _task_states(kind: str, items: Iterable[Any]) -> Mapping[str, str]:
    found: Dict[str, str] = {}
    for item in items:
        if item.task_state:
            found[f'{kind} {item.name}'] = item.task_state.value
    return found


def pause(api: Api, others: Mapping[str, str]) -> None:
    """Let time pass until the next look. Raises TimedOut when that of the task has ended."""
    if time.monotonic() > api.deadline:
        states = ', '.join(f'{name} (task_state {state})' for name, state in others.items())
        raise TimedOut(
            f'timed out after {api.timeout} s (wait_timeout) waiting for the end of what another '
            f'run is doing: {states}',
            'wait_timeout',
        )
    time.sleep(_SECONDS)
    api.forget()
