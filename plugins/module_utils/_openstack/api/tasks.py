# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is going on with an item."""

from __future__ import annotations

from typing import NamedTuple

from ..._model.status import TaskState


class Tasks(NamedTuple):
    """What the cloud is doing with an item, or else what an earlier run has left unfinished."""

    task_state: TaskState | None = None
    unfinished: TaskState | None = None
