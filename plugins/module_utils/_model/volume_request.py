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

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems() + size_problems(self.options.get('size'), 'size')
        if 'volume_type' in self.options:
            problems += reference_problems(self.options['volume_type'], 'volume_type')
        if self.server is not None:
            problems += reference_problems(self.server, 'server')
        if self.state == 'attached' and self.server is None:
            problems.append(invalid('server', 'specify the server to attach it to'))
        if self.state in ('present', 'absent') and self.server is not None:
            problems.append(
                invalid('server', f'it requires state: attached or detached, not {self.state}')
            )
        if self.grow and self.state not in ('present', 'attached'):
            text = f'it requires state: present or attached, not {self.state}; omit it'
            problems.append(invalid('grow', text))
        return problems + self._source_problems()

    def _source_problems(self) -> List[Problem]:
        kind, _colon, name = self.options.get('source', '').partition(':')
        if not kind:
            return []
        if self.state == 'absent':
            return [invalid(kind, 'it is for new volumes, not for state: absent; omit it')]
        if kind == 'source_volume' and name == self.name:
            return [invalid(kind, f'{name} cannot be a copy of itself; use another name')]
        return reference_problems(name, kind)

    def _name_problems(self) -> List[Problem]:
        if root_server(self.name):
            return reference_problems(self.name, 'name')
        return super()._name_problems()
