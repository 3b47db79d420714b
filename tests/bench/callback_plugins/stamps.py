# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the duration of each task as a line of JSON to the file that BENCH_STAMPS names."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stamps
type: aggregate
short_description: Durations of tasks for make bench
description:
  - Writes the duration of each task as a line of JSON to the file that the environment variable
    BENCH_STAMPS names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """The durations of the tasks of one ansible-playbook run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'stamps'
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Record the start of a task."""
        self.started = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Write the duration of a task that succeeded."""
        seconds = time.monotonic() - self.started
        line = {
            'task': result.task.get_name(),
            'seconds': seconds,
            'changed': result.result.get('changed', False),
        }
        with open(os.environ['BENCH_STAMPS'], 'a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
