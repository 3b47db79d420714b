# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a guest is off, or stands still, while what it has is copied or replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, List

from ..._cloud.programs import meanwhile
from ..._model.change import Change
from ..._model.effect import POWER_OFF
from ..host.control_group import freezer_of, is_version_2
from ..host.hypervisor import URIS
from .server_machines import ServerMachines

if TYPE_CHECKING:
    from .row_types import CompleteServer

_THAW = 'read -r _; echo 0 >"$1"'
_RESUME = 'read -r _; exec timeout 20 virsh --quiet --connect "$1" resume "$2"'


def stop(machines: ServerMachines, change: Change, server: CompleteServer) -> None:
    """Shut the guest down, or power it off."""
    if change.effect == POWER_OFF:
        machines.power_off(server)
    else:
        machines.shut_down(server)


@contextlib.contextmanager
def suspended(machines: ServerMachines, server: CompleteServer) -> Iterator[None]:
    """Freeze the processes of a container that runs meanwhile.

    A process resumes it as soon as this one lets it, or has ended in any way.
    """
    try:
        with meanwhile(_resume(machines.lookup(server))):
            machines.pause(server)
            yield
    finally:
        machines.resume(server)


def _resume(domain: Any) -> List[str]:
    """The command that resumes a container when its standard input ends."""
    if is_version_2():
        return ['sh', '-c', _THAW, 'resume', freezer_of(domain)]
    return ['sh', '-c', _RESUME, 'resume', URIS['lxc'], domain.UUIDString()]
