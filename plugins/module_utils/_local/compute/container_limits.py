# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits of a container that its root cannot raise.

With cgroup v2 libvirt makes the root of a container the owner of its control group, with the files
that limit it (virCgroupV2SetOwner in src/util/vircgroupv2.c). The scope of systemd around it is not
its own, and a limit there holds for all that is in it. A hook of libvirt sets those of a container
that starts; here they are changed with its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Tuple

from ..host.control_group import group_of, is_version_2
from ..record.work import Work
from .container_domain import quota_of

if TYPE_CHECKING:
    from .row_types import CompleteServer

_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE


def set_size(work: Work, machine: Any, row: CompleteServer) -> None:
    """Give a container that runs the size that is recorded."""
    memory = row['memory'] * 1024
    quota = quota_of(row['vcpus'])
    limits = {'hard_limit': memory, 'swap_hard_limit': memory + row['swap'] * 1024}
    running = machine.memoryParameters(_LIVE)
    if any(running.get(limit) != wanted for limit, wanted in limits.items()):
        machine.setMemoryParameters(limits, _LIVE)
    if machine.schedulerParametersFlags(_LIVE).get('vcpu_quota') != quota:
        machine.setSchedulerParametersFlags({'vcpu_quota': quota}, _LIVE)
    set_outer_limits(work, machine, row['memory'], row['vcpus'], row['swap'])


def set_outer_limits(work: Work, machine: Any, memory: int, vcpus: int, swap: int) -> None:
    """Limit the scope of a container that runs, where it has one. ``memory``, ``swap``: in MiB."""
    scope = scope_of(group_of(machine)) if is_version_2() else ''
    if scope:
        work.run(
            'systemctl', 'set-property', '--runtime', '--', scope, *properties(memory, vcpus, swap)
        )


def properties(memory: int, vcpus: int, swap: int) -> Tuple[str, ...]:
    """The properties of systemd.resource-control(5): what is over the memory may be swapped."""
    return f'MemoryMax={memory}M', f'MemorySwapMax={swap}M', f'CPUQuota={vcpus * 100}%'


def scope_of(group: str) -> str:
    """The scope of the host's systemd that a group is in; empty: it is in none."""
    names = [name for name in group.split('/') if name.endswith('.scope')]
    return names[0] if names else ''
