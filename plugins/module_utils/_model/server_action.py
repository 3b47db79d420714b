# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests for actions on servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import List, NamedTuple, Tuple

from .checks import host_name_problems, label_problems, reference_problems, turn_problems
from .kinds import Verb
from .machine_size import machine_size_problems
from .problem import Problem, invalid
from .profile import Profile
from .secret import NO_SECRETS, Secrets


class Action(NamedTuple):
    """An action: its verb, and the options that it has beside those that select servers.

    ``is_event``: it is done by each task, whatever the state of the server is.
    """

    verb: Verb
    required: Tuple[str, ...] = ()
    possible: Tuple[str, ...] = ()
    is_event: bool = False


ACTIONS: Mapping[str, Action] = {
    'start': Action(Verb.START),
    'stop': Action(Verb.STOP, possible=('force',)),
    'reboot_soft': Action(Verb.REBOOT, possible=('force',), is_event=True),
    'reboot_hard': Action(Verb.HARD_REBOOT, is_event=True),
    'pause': Action(Verb.PAUSE),
    'unpause': Action(Verb.RESUME),
    'shelve': Action(Verb.SHELVE, possible=('force',)),
    'unshelve': Action(Verb.UNSHELVE),
    'resize': Action(Verb.RESIZE, possible=('flavor', 'vcpus', 'memory', 'force')),
    'confirm_resize': Action(Verb.CONFIRM_RESIZE),
    'revert_resize': Action(Verb.REVERT_RESIZE, possible=('force',)),
    'rebuild': Action(Verb.REBUILD, possible=('image',), is_event=True),
    'rescue': Action(Verb.RESCUE, possible=('image', 'force')),
    'unrescue': Action(Verb.UNRESCUE, possible=('force',)),
    'rename': Action(Verb.RENAME, required=('new_name',)),
}
_OPTIONS = ('flavor', 'vcpus', 'memory', 'image', 'new_name', 'force')


@dataclass(frozen=True)
class ServerActionRequest:
    """An action on servers: on the one of a name or the members of that group, and on others."""

    action: str
    name: str | None = None
    names: Tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    flavor: str | None = None
    vcpus: int | None = None
    memory: int | None = None
    image: str | None = None
    new_name: str | None = None
    force: bool = False
    wait_for: str = 'running'
    max_unavailable: int = 1

    @property
    def secrets(self) -> Secrets:
        """What the cloud needs and may not record."""
        return NO_SECRETS

    @property
    def verb(self) -> Verb:
        """What is done with the servers."""
        if self.force and self.action == 'stop':
            return Verb.POWER_OFF
        if self.force and self.action == 'reboot_soft':
            return Verb.HARD_REBOOT
        return ACTIONS[self.action].verb

    def excesses(self, profile: Profile) -> List[Problem]:
        """What is more than the cloud allows: nothing, because nothing is created."""
        return []

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = label_problems(self.labels) + turn_problems(self.max_unavailable)
        references = [(option, getattr(self, option)) for option in ('name', 'flavor', 'image')]
        references += [('names', name) for name in self.names]
        for option, name in references:
            if name is not None:
                problems += reference_problems(name, option)
        if self.new_name is not None:
            problems += host_name_problems(self.new_name, 'new_name')
        if self.action == 'rename' and (self.name is None or self.names or self.labels):
            problems.append(invalid('action', 'rename needs name, and neither names nor labels'))
        return problems + self._option_problems()

    def _option_problems(self) -> List[Problem]:
        action = ACTIONS[self.action]
        specified = [option for option in _OPTIONS if getattr(self, option) not in (None, False)]
        allowed = (*action.required, *action.possible)
        missing = [option for option in action.required if option not in specified]
        surplus = [option for option in specified if option not in allowed]
        return [
            *(invalid(option, f'action: {self.action} needs it') for option in missing),
            *(invalid(option, f'action: {self.action} does not have it') for option in surplus),
            *self._size_problems(),
        ]

    def _size_problems(self) -> List[Problem]:
        if self.action == 'resize' and (self.flavor, self.vcpus, self.memory) == (None, None, None):
            return [invalid('flavor', 'action: resize needs it, or vcpus and memory')]
        return machine_size_problems(vars(self))
