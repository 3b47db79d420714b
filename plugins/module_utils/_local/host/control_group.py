# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control group of a container that runs: where it is, and whether it is frozen.

libvirt freezes containers with cgroup v1 only (src/util/vircgroupv2.c has no freezer). With cgroup
v2 they are paused here, by cgroup.freeze (Documentation/admin-guide/cgroup-v2.rst of Linux), and
libvirt takes them for running.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

_ROOT = '/sys/fs/cgroup'


def is_version_2() -> bool:
    """Whether this host has nothing but cgroup v2."""
    return os.path.exists(f'{_ROOT}/cgroup.controllers')


def group_of(machine: Any) -> str:
    """The group of a container, which has its domain's id as the PID of its controller.

    Empty if it does not run.
    """
    with suppress(OSError), open(f'/proc/{machine.ID()}/cgroup', encoding='utf-8') as file:
        return group_in(file.read())
    return ''


def group_in(text: str) -> str:
    """The group of version 2 in what cgroups(7) shows of a process; empty: it is in none."""
    found = [line for line in text.splitlines() if line.startswith('0::/') and line != '0::/']
    return found[0][len('0::') :] if found else ''


def is_frozen(machine: Any) -> bool:
    """Whether a container stands still."""
    group = group_of(machine)
    with suppress(OSError), open(f'{_ROOT}{group}/cgroup.events', encoding='ascii') as file:
        return bool(group) and 'frozen 1' in file.read().splitlines()
    return False


def freezer_of(machine: Any) -> str:
    """The file that freezes a container; it does not exist if that does not run."""
    return f'{_ROOT}{group_of(machine)}/cgroup.freeze'


def set_frozen(machine: Any, frozen: bool) -> None:
    """Request that a container that runs stands still, or goes on; is_frozen() tells when it has.

    Raises FileNotFoundError if it does not run any more.
    """
    with open(freezer_of(machine), 'w', encoding='ascii') as file:
        file.write(str(int(frozen)))
