# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container that runs has written, read from its files."""

from __future__ import annotations

from typing import Any

from ..._model.first_boot import RUNNING, FirstBoot, from_result
from ..host.guest_files import read_inside
from .container_init import init_of

_RESULT, _OUTPUT = '/run/cloud-init/result.json', '/var/log/cloud-init-output.log'
_MOST = 2**20  # bytes of a file


def first_boot_of(machine: Any) -> FirstBoot:
    """The first boot of the container of a domain."""
    root = _root_of(machine)
    result = read_inside(root, _RESULT, _MOST) if root else None
    if result:
        output = read_inside(root, _OUTPUT, _MOST) or b''
        return from_result(result, output) or FirstBoot(RUNNING)
    return FirstBoot(RUNNING)


def _root_of(machine: Any) -> str:
    """The root of a container as its init sees it; empty if it does not run."""
    init = init_of(machine)
    return f'/proc/{init}/root' if init else ''
