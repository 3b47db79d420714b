# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits of a container that its root cannot raise.

With cgroup v2 libvirt makes the root of a container the owner of its control group, with the files
that limit it (virCgroupV2SetOwner in src/util/vircgroupv2.c). The scope of systemd around it is not
its own, and a limit there holds for all that is in it. A hook of libvirt sets those of a container
that starts; here they are changed with its size.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Tuple

from ..record.work import Work

_VERSION_2 = '/sys/fs/cgroup/cgroup.controllers'


def set_outer_limits(work: Work, machine: Any, memory: int, vcpus: int) -> None:
    """Limit the scope of a container that runs, where it has one. ``memory``: in MiB."""
    scope = _scope_of(machine)
    if scope:
        work.run('systemctl', 'set-property', '--runtime', '--', scope, *properties(memory, vcpus))


def properties(memory: int, vcpus: int) -> Tuple[str, ...]:
    """The properties of systemd.resource-control(5): what is over the memory is not swapped."""
    return f'MemoryMax={memory}M', 'MemorySwapMax=0', f'CPUQuota={vcpus * 100}%'


def _scope_of(machine: Any) -> str:
    """The scope that a container is in; the id of its domain is the PID of its controller."""
    if os.path.exists(_VERSION_2):
        with suppress(OSError), open(f'/proc/{machine.ID()}/cgroup', encoding='utf-8') as file:
            return scope_in(file.read())
    return ''


def scope_in(text: str) -> str:
    """The scope in what cgroups(7) shows of a process; empty: it is in none."""
    for line in text.splitlines():
        names = [name for name in line.split('/') if name.endswith('.scope')]
        if line.startswith('0::') and names:
            return names[0]
    return ''
