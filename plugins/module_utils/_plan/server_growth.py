# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of root file systems that fill their disks: imported if a task requests it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.change import Draft
from .._model.kinds import Verb
from .._model.root_volume import root_name
from .volume_growth import refusal

if TYPE_CHECKING:
    from .._model.server import Server
    from .server_observations import ObservedServers


def plan_growth(before: Server, after: Server, observed: ObservedServers, draft: Draft) -> None:
    """Let partition and file system of a root disk fill it, when that has its size."""
    name = root_name(after.name)
    disk = observed.guest_disks.get(name)
    size = after.volume_size
    reason = refusal(before, disk, before.volume_size, size)
    if reason:
        draft.refuse('grow', reason, name=after.name)
        return
    if disk is None or (disk.filled and size <= before.volume_size):
        return
    volume = replace(
        observed.root_volumes[name], size=size, filled=False, task_state=None, unfinished=None
    )
    draft.add('volume', Verb.UPDATE, volume, replace(volume, filled=True))
