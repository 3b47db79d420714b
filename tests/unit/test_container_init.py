# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers that have ended without libvirt's knowledge."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.container_init import (
    has_ended,
)


class Machine(NamedTuple):
    """A domain of libvirt-LXC."""

    pid: int
    is_active: bool = True

    def ID(self) -> int:
        """The PID of the controller; -1 if there is none."""
        return self.pid if self.is_active else -1

    def isActive(self) -> int:
        """Whether libvirt takes it for running."""
        return int(self.is_active)


def test_has_ended() -> None:
    """The controller is gone, and libvirt does not know it."""
    with subprocess.Popen(['true']) as ended:
        ended.wait()
    assert has_ended(Machine(ended.pid))
    assert not has_ended(Machine(os.getpid()))
    assert not has_ended(Machine(ended.pid, is_active=False))
