# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task requests of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from .checks import reference_problems, size_problems
from .problem import Problem
from .request import Request
from .root_volume import root_server

STATES = ('present', 'attached', 'detached', 'absent')
SOURCES = ('image', 'source_volume', 'snapshot', 'backup')  # what a volume can be a copy of


@dataclass(frozen=True)
class VolumeRequest(Request):
    """The requested state. ``read_only``: how servers get the volume; None: as it is attached."""

    server: str | None = None
    force: bool = False
    grow: bool = False
    mount_point: str | None = None
    allow_restart: bool = False
    servers: Tuple[str, ...] | None = None
    read_only: bool | None = None

    @property
    def named(self) -> Tuple[str, ...]:
        """The servers that it names."""
        return (self.server,) if self.server else self.servers or ()

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() + size_problems(self.options.get('size'), 'size')
        if self.options.get('volume_type') is not None:
            problems += reference_problems(self.options['volume_type'], 'volume_type')
        servers = (self.server, self.servers, self.read_only)
        if self.state == 'attached' or servers != (None, None, None):
            from .volume_servers import server_problems

            problems += server_problems(self)
        is_about_content = self.grow or self.mount_point is not None
        if is_about_content or {'file_system', 'source'} & {*self.options}:
            from .volume_files import content_problems

            problems += content_problems(self)
        return problems

    def _name_problems(self) -> List[Problem]:
        if root_server(self.name):
            return reference_problems(self.name, 'name')
        return super()._name_problems()
