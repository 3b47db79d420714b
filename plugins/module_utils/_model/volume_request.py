# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task requests of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

from .checks import reference_problems, size_problems
from .problem import Problem, invalid
from .request import Request
from .volume import root_server

STATES = ('present', 'attached', 'detached', 'absent')
SOURCES = ('image', 'source_volume', 'snapshot', 'backup')  # what a volume can be a copy of


@dataclass(frozen=True)
class VolumeRequest(Request):
    """The requested state."""

    server: str | None = None
    force: bool = False
    grow: bool = False
    mount_point: str | None = None
    allow_restart: bool = False

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() + size_problems(self.options.get('size'), 'size')
        for option, name in (
            ('volume_type', self.options.get('volume_type')),
            ('server', self.server),
        ):
            problems += [] if name is None else reference_problems(name, option)
        problems += self._server_problems()
        is_about_content = self.grow or self.mount_point is not None
        if is_about_content or {'file_system', 'source'} & {*self.options}:
            from .volume_files import content_problems

            problems += content_problems(self)
        return problems

    def _server_problems(self) -> List[Problem]:
        problems: List[Problem] = []
        if self.state == 'attached' and self.server is None:
            problems.append(invalid('server', 'specify the server to attach it to'))
        if self.state in ('present', 'absent') and self.server is not None:
            problems.append(
                invalid('server', f'it requires state: attached or detached, not {self.state}')
            )
        return problems

    def _name_problems(self) -> List[Problem]:
        if root_server(self.name):
            return reference_problems(self.name, 'name')
        return super()._name_problems()
