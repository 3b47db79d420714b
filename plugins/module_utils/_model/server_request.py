# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests for servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, List, Set, Tuple

from .checks import (
    description_problems,
    host_name_problems,
    label_excesses,
    label_problems,
    length_problems,
    reference_problems,
    size_problems,
    turn_problems,
)
from .key_checks import key_excesses, key_problems
from .problem import Problem, invalid
from .profile import Profile
from .secret import Secrets
from .server import Server
from .server_type import OF_CONTAINERS
from .status import Status, is_incomplete

if TYPE_CHECKING:
    from .nic_request import NicRequest

STATES = ('present', 'started', 'stopped', 'restarted', 'paused', 'shelved', 'absent')
RUNNING_STATES = ('started', 'restarted')  # states after which a server runs
STOPPED_STATES = ('stopped', 'shelved')  # states in which a new server is not started
STATUS_OF_STATE = {
    'started': Status.ACTIVE,
    'restarted': Status.ACTIVE,
    'stopped': Status.SHUTOFF,
    'paused': Status.PAUSED,
    'shelved': Status.SHELVED_OFFLOADED,
}


def has_state(status: Status, state: str) -> bool:
    """Whether a server with a status is in a requested state; ``present`` is any.

    A cloud takes back the memory of a shelved server when its operator wants that.
    """
    if status == Status.SHELVED:
        status = Status.SHELVED_OFFLOADED
    return STATUS_OF_STATE.get(state, status) == status


ON_CRASH = ('restart', 'stop')
ON_DRIFT = ('fail', 'ignore', 'recreate')
MAX_NETWORKS = 8


@dataclass(frozen=True)
class ServerRequest:
    """The requested state of one server, or of a group of servers with ``count``.

    ``options`` has only those specified: others are not managed. ``user_data`` is the text, and
    ``root_password`` the password; neither is in the options. ``like``: the server whose
    values a new one takes. ``on_drift``: what is done about options that differ and are fixed
    (ON_DRIFT).
    """

    name: str
    state: str
    options: Mapping[str, Any]
    count: int | None = None
    networks: Tuple[NicRequest, ...] | None = None
    floating_ip: str | None = None
    user_data: str | None = field(default=None, repr=False)
    root_password: str | None = field(default=None, repr=False)
    wait_for: str = 'running'
    allow_restart: bool = False
    allow_shrink: bool = False
    force: bool = False
    repair: bool = False
    like: str | None = None
    delete_snapshots: bool = False
    on_drift: str = 'fail'
    max_unavailable: int = 1
    grow: bool = False

    @property
    def secrets(self) -> Secrets:
        """The first-boot content, and the password of root."""
        return Secrets(user_data=self.user_data, root_password=self.root_password)

    def excesses(self, profile: Profile) -> List[Problem]:
        """What is more than the cloud allows."""
        labels = label_excesses(self.options.get('labels'), profile.max_label)
        keys = key_excesses(self.options.get('key_names', ()), profile.max_key_names)
        user_data = length_problems('user_data', self.user_data, profile.max_user_data)
        return [*labels, *keys, *user_data]

    def members(self) -> Tuple[str, ...]:
        """The names of the requested servers."""
        if self.count is None:
            return (self.name,)
        return tuple(f'{self.name}-{index}' for index in range(1, self.count + 1))

    def has_requested_networks(self, current: Server) -> bool:
        """Whether a server has the requested connections, regardless of order and groups."""
        if self.networks is None:
            return True
        from .nic_request import compared

        found = compared(self.networks, current.networks)
        return len(found.kept) == len(current.networks) and not found.new

    def new_options(self, servers: Mapping[str, Server]) -> Set[str]:
        """The options that give some member a value that it does not have yet.

        References of other options need no check, because the record does not lose what is in use.
        """
        members = self.members()
        existing = [servers[name] for name in members if name in servers]
        complete = [server for server in existing if not is_incomplete(server)]
        options = self._differing_options(complete)
        if len(complete) < len(members):
            options |= {*self.options, 'networks'}
        if any(nic.security_groups for nic in self.networks or ()):
            options.add('security_groups')
        return options

    def _differing_options(self, servers: Sequence[Server]) -> Set[str]:
        differing = {
            option
            for option, value in self.options.items()
            if not _all_have(servers, option, value)
        }
        if not all(map(self.has_requested_networks, servers)):
            differing.add('networks')
        return differing

    def requested_groups(self) -> Tuple[str, ...]:
        """The requested security groups, of the server and of its connections."""
        own = [group for nic in self.networks or () for group in nic.security_groups or ()]
        return tuple(dict.fromkeys([*self.options.get('security_groups', ()), *own]))

    def requested_addresses(self) -> List[Tuple[str, str]]:
        """The requested addresses and MACs, each with its network."""
        return [
            (nic.place, address)
            for nic in self.networks or ()
            for address in (nic.fixed_ip, nic.mac)
            if not nic.port and address
        ]

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = host_name_problems(self.name)
        if self.count is not None:
            from .group_checks import count_problems

            last = f'{self.name}-{self.count}'
            problems += count_problems(self.count, last, self.networks or (), self.floating_ip)
        references = {**self.options, 'like': self.like}
        for option in ('flavor', 'image', 'init_script', 'like'):
            if references.get(option) is not None:
                problems += reference_problems(references[option], option)
        problems += key_problems(self.options.get('key_names', ()))
        problems += size_problems(self.options.get('volume_size'), 'volume_size')
        problems += turn_problems(self.max_unavailable)
        if self.grow and self.state not in ('present', 'started'):
            text = f'it requires state: present or started, not {self.state}; omit it'
            problems.append(invalid('grow', text))
        problems += self._machine_problems()
        problems += self._connection_problems()
        if self.user_data is not None:
            from .user_data_format import user_data_problems

            problems += user_data_problems(self.user_data)
        if self.root_password is not None:
            from .root_password import root_password_problems

            problems += root_password_problems(self.root_password)
        problems += description_problems(self.options.get('description'))
        return problems + label_problems(self.options.get('labels'))

    def _connection_problems(self) -> List[Problem]:
        """Check groups and connections; the checks are imported only for tasks that set some."""
        problems: List[Problem] = []
        if 'security_groups' in self.options:
            from .interface_checks import group_problems

            problems += group_problems(self.options['security_groups'])
        if self.networks is not None:
            from .network_checks import network_problems

            problems += network_problems(self.networks, MAX_NETWORKS)
        if self.floating_ip is not None:
            from .network_checks import floating_problems

            problems += floating_problems(self.floating_ip)
        return problems

    def _machine_problems(self) -> List[Problem]:
        """Check what few tasks set of the machine; the checks are imported only for those."""
        problems: List[Problem] = []
        if 'vcpus' in self.options or 'memory' in self.options:
            from .machine_size import machine_size_problems

            problems += machine_size_problems(self.options)
        if 'start_order' in self.options or 'start_delay' in self.options:
            from .start_order import start_problems

            problems += start_problems(self.options)
        if not OF_CONTAINERS.isdisjoint(self.options):
            from .container_checks import container_problems

            problems += container_problems(self.options)
        if 'hardware' in self.options:
            from .hardware_checks import hardware_problems

            problems += hardware_problems(self.options['hardware'])
        return problems


def has_value(server: Server, option: str, value: Any) -> bool:
    """Whether a server has the requested value of an option; the order of key pairs is ignored."""
    if option == 'key_names':
        return set(server.key_names) == set(value)
    if option == 'hardware' and server.hardware:
        return server.hardware.overlaid(value).settled(server.most_vcpus) == server.hardware
    return bool(getattr(server, option) == value)


def _all_have(servers: Iterable[Server], option: str, value: Any) -> bool:
    return all(has_value(server, option, value) for server in servers)
