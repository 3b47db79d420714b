# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server is, and what a user may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Set, Tuple

from .change import AFTER_APPLY, FIXED, LIVE, RESTART, Effect, Table, fixed, live, plain_fields
from .checks import (
    DEFAULT_GROUP,
    address_problems,
    description_problems,
    group_problems,
    host_name_problems,
    key_problems,
    label_problems,
    mac_problems,
    name_problems,
    size_problems,
)
from .user_data import HIDDEN, UserDataHash, user_data_problems

STATES = ('present', 'started', 'stopped', 'restarted', 'absent')
# What a new member of a group has as the others, unless something else is said; networks, too.
INHERITED_OPTIONS = (
    'flavor',
    'image',
    'key_names',
    'init_script',
    'security_groups',
    'guest_agent',
    'delete_protection',
    'description',
    'labels',
)
RUNNING = ('started', 'restarted')  # states after which it runs
DISK_MISSING, SEED_MISSING = 'its root disk is gone', 'its first-boot disk is gone'
MAX_MEMBERS = 500
MAX_NETWORKS = 8


@dataclass(frozen=True)
class Nic:
    """A server's connection to a network, by the network's name. ``port``: the port that was made for it beforehand.

    ``security_groups``: its own; None: it has the server's.
    """

    name: str
    fixed_ip: str = AFTER_APPLY
    mac: str = AFTER_APPLY
    port: str | None = None
    security_groups: Tuple[str, ...] | None = None

    def public(self) -> Dict[str, Any]:
        """The connection as a result shows it."""
        return plain_fields(self)

    def task_form(self) -> Dict[str, Any]:
        """The connection as a task says it: what is not chosen is left out, and a port says it all."""
        if self.port:
            return {'port': self.port}
        return {
            option: value
            for option, value in vars(self).items()
            if value not in (None, AFTER_APPLY)
        }


@dataclass(frozen=True)
class Server:
    """A server as it is, or as it should be: one shape, so that the two compare.

    ``memory`` is in MiB, ``volume_size`` in GB (2^30 bytes). ``user_data`` is a keyed hash
    (Sealed). ``power`` is started, stopped or paused. ``member_of`` is the group it was made in
    with count. ``faults``: what its real machine no longer has of what is recorded. ``reason``: why
    it stands still. ``seeded``: its first-boot disk is there.
    """

    name: str
    power: str = 'started'
    flavor: str | None = None
    vcpus: int = 0
    memory: int = 0
    image: str = ''
    key_names: Tuple[str, ...] = ()
    user_data: str | None = None
    init_script: str | None = None
    volume_size: int = 0
    security_groups: Tuple[str, ...] = (DEFAULT_GROUP,)
    networks: Tuple[Nic, ...] = (Nic('default'),)
    floating_ip: str | None = None
    volumes: Tuple[str, ...] = ()
    delete_protection: bool = False
    guest_agent: bool = True
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    member_of: str | None = None
    id: str = AFTER_APPLY
    task_state: str | None = None
    faults: Tuple[str, ...] = ()
    reason: str = ''
    seeded: bool = True
    outdated: Tuple[str, ...] = ()  # options that mean something else now than when it was made
    launched: bool = (
        True  # false while it is being made and its machine does not run: nothing would be lost
    )
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def status(self) -> str:
        """The status, in Nova's words; UNMANAGED is ours: the real machine is no longer what was recorded."""
        if self.task_state == 'creating':
            return 'BUILD'
        if self.faults:
            return 'UNMANAGED'
        return {'started': 'ACTIVE', 'stopped': 'SHUTOFF'}.get(self.power, 'PAUSED')

    def public(self) -> Dict[str, Any]:
        """The server as a result shows it."""
        shown = plain_fields(self, 'faults', 'reason', 'seeded', 'launched', 'power')
        first = self.networks[0].fixed_ip if self.networks else None
        billable = self.status in ('ACTIVE', 'SHUTOFF', 'PAUSED') and self.task_state != 'deleting'
        why = '; '.join(self.faults) or self.reason or None
        shown['user_data'] = HIDDEN if self.user_data else None
        shown['key_name'] = self.key_names[0] if self.key_names else None
        return {
            **shown,
            'status': self.status,
            'status_reason': why,
            'billable': billable,
            'fixed_ip': first,
        }


@dataclass(frozen=True)
class NicRequest:
    """What a user asked for of one connection: a network by its name, or a port."""

    name: str = ''
    fixed_ip: str | None = None
    mac: str | None = None
    port: str | None = None
    security_groups: Tuple[str, ...] | None = None

    @property
    def own_groups(self) -> Tuple[str, ...] | None:
        """The groups of the connection itself; none by an empty list too: it has those of the server."""
        return self.security_groups or None

    def matches(self, nic: Nic) -> bool:
        """Whether a connection is the one that was asked for, whatever its groups."""
        if self.port:
            return nic.port == self.port
        return (
            (nic.name, nic.port) == (self.name, None)
            and self.fixed_ip in (None, nic.fixed_ip)
            and self.mac in (None, nic.mac)
        )

    def with_groups(self, nic: Nic) -> Nic:
        """The connection that is there, with the groups that were asked for."""
        return (
            nic if self.security_groups is None else replace(nic, security_groups=self.own_groups)
        )

    def to_nic(self) -> Nic:
        """Another connection than is there."""
        return Nic(
            self.name or AFTER_APPLY,
            self.fixed_ip or AFTER_APPLY,
            self.mac or AFTER_APPLY,
            self.port,
            self.own_groups,
        )

    def problems(self, place: str) -> List[str]:
        """What is wrong with it, whatever is there."""
        problems = name_problems(
            self.port or self.name, f'{place}.{"port" if self.port else "name"}'
        )
        if self.port and (
            self.name or self.fixed_ip or self.mac or self.security_groups is not None
        ):
            problems.append(
                f'{place}: a port has its network, address, MAC and groups already; give port alone'
            )
        problems += address_problems(self.fixed_ip, f'{place}.fixed_ip')
        problems += mac_problems(self.mac, f'{place}.mac')
        return problems + group_problems(self.own_groups, f'{place}.security_groups')


@dataclass(frozen=True)
class ServerRequest:
    """What a user asked for. ``options`` has only what was said: the rest is not managed. ``user_data`` is the text, and not in options."""

    name: str
    state: str
    options: Mapping[str, Any]
    count: int | None = None
    networks: Tuple[NicRequest, ...] | None = None
    floating_ip: str | None = None
    user_data: str | None = field(default=None, repr=False)
    wait_for: str = 'running'
    allow_restart: bool = False
    allow_shrink: bool = False
    force: bool = False
    repair: bool = False

    def members(self) -> Tuple[str, ...]:
        """The names of the servers that are asked for."""
        return (
            (self.name,)
            if self.count is None
            else tuple(f'{self.name}-{number}' for number in range(1, self.count + 1))
        )

    def has_requested_networks(self, current: Server) -> bool:
        """Whether a server has the connections that are asked for, whatever their groups."""
        networks = self.networks
        return networks is None or (
            len(networks) == len(current.networks)
            and all(nic.matches(there) for nic, there in zip(networks, current.networks))
        )

    def new_options(self, servers: Mapping[str, Server]) -> Set[str]:
        """The options by which some member is to get what it does not have yet. What every member has is there, because the record keeps what is in use."""
        there = [servers.get(name) for name in self.members()]
        new_options = {
            option
            for option, wanted in self.options.items()
            if any(
                current is None
                or current.task_state is not None
                or not has_value(current, option, wanted)
                for current in there
            )
        }
        if any(
            current is None
            or current.task_state is not None
            or not self.has_requested_networks(current)
            for current in there
        ):
            new_options.add('networks')
        if any(nic.security_groups for nic in self.networks or ()):
            new_options.add('security_groups')
        return new_options

    def requested_groups(self) -> Tuple[str, ...]:
        """The security groups that are asked for, of the server and of its connections."""
        own = [group for nic in self.networks or () for group in nic.security_groups or ()]
        return tuple(dict.fromkeys([*self.options.get('security_groups', ()), *own]))

    def requested_addresses(self) -> List[Tuple[str, str]]:
        """The addresses and MACs that are asked for, each with its network."""
        return [
            (nic.name, place)
            for nic in self.networks or ()
            for place in (nic.fixed_ip, nic.mac)
            if nic.name and place
        ]

    def problems(self) -> List[str]:
        """What is wrong with the request, whatever is there."""
        problems = host_name_problems(self.name)
        problems += self._count_problems()
        for option in ('flavor', 'image', 'init_script'):
            if self.options.get(option) is not None:
                problems += name_problems(self.options[option], option)
        problems += key_problems(self.options.get('key_names', ()))
        problems += size_problems(self.options.get('volume_size'), 'volume_size')
        problems += group_problems(self.options.get('security_groups'))
        problems += _network_problems(self.networks)
        problems += _floating_problems(self.floating_ip)
        problems += user_data_problems(self.user_data)
        return (
            problems
            + description_problems(self.options.get('description'))
            + label_problems(self.options.get('labels'))
        )

    def _count_problems(self) -> List[str]:
        if self.count is None:
            return []
        problems = []
        if not 0 <= self.count <= MAX_MEMBERS:
            problems.append(f'count: {self.count} is out of range; give 0 to {MAX_MEMBERS}')
        elif self.count and not problems:
            problems += host_name_problems(self.members()[-1], 'name of the last member')
        if self.count > 1:
            once = [
                f'networks: fixed_ip {nic.fixed_ip}' for nic in self.networks or () if nic.fixed_ip
            ]
            once += [f'networks: mac {nic.mac}' for nic in self.networks or () if nic.mac]
            once += [f'networks: port {nic.port}' for nic in self.networks or () if nic.port]
            once += (
                [f'floating_ip: {self.floating_ip}']
                if self.floating_ip not in (None, 'auto', 'none')
                else []
            )
            problems += [
                f'{what} can be given to one server only, and count is {self.count}'
                for what in once
            ]
        return problems


def has_value(server: Server, option: str, wanted: Any) -> bool:
    """Whether a server has what is asked for. Key pairs are a set: their order says nothing."""
    if option == 'key_names':
        return set(server.key_names) == set(wanted)
    return bool(getattr(server, option) == wanted)


def _network_problems(networks: Tuple[NicRequest, ...] | None) -> List[str]:
    problems: List[str] = []
    if networks is not None and not 1 <= len(networks) <= MAX_NETWORKS:
        problems.append(f'networks: name 1 to {MAX_NETWORKS}')
    for number, nic in enumerate(networks or ()):
        problems += nic.problems(f'networks[{number}]')
    return problems + _twice(networks or ())


def _twice(networks: Tuple[NicRequest, ...]) -> List[str]:
    """What two connections of one server cannot both have. A guest knows its interfaces by their MACs."""
    given = [('port', nic.port or '') for nic in networks]
    given += [('mac', nic.mac or '') for nic in networks]
    given += [
        ('fixed_ip', f'{nic.fixed_ip} of {nic.name}' if nic.fixed_ip else '') for nic in networks
    ]
    twice = sorted({entry for entry in given if entry[1] and given.count(entry) > 1})
    return [f'networks: {option} {value} is named twice' for option, value in twice]


def _floating_problems(floating_ip: str | None) -> List[str]:
    if floating_ip in (None, 'auto', 'none'):
        return []
    return [
        f'{problem}; give one, or auto, or none'
        for problem in address_problems(floating_ip, 'floating_ip')
    ]


def _user_data(before: str | None, after: str | None, current: Server) -> Effect:
    if isinstance(after, UserDataHash) and after.supersedes(before):
        return Effect(LIVE, 'its user_data is recorded by a keyed hash from now on')
    return Effect(
        FIXED,
        'first-boot content runs once, at the first boot; delete the server and make it again',
    )


def _flavor(before: str | None, after: str, current: Server) -> Effect:
    if current.power == 'paused':
        return Effect(
            FIXED,
            'a paused server is not resized; start it (state: started) or pull its plug (state: stopped, force: true) first',
        )
    if current.power == 'stopped':
        return Effect(LIVE, f'flavor {before} becomes {after}')
    return Effect(RESTART, f'flavor {before} becomes {after}, which needs a restart')


def _guest_agent(before: bool, after: bool, current: Server) -> Effect:
    if current.power == 'paused':
        return Effect(
            FIXED,
            'a paused server is not changed; start it (state: started) or pull its plug (state: stopped, force: true) first',
        )
    what = (
        'the channel of the guest agent is added'
        if after
        else 'the channel of the guest agent is taken away'
    )
    return (
        Effect(LIVE, what)
        if current.power == 'stopped'
        else Effect(RESTART, f'{what}, which needs a restart')
    )


def _volume_size(before: int, after: int, current: Server) -> Effect:
    if after < before:
        return Effect(FIXED, 'a disk does not shrink; leave the option out, or make a new server')
    return Effect(LIVE)


def _networks(before: Tuple[Nic, ...], after: Tuple[Nic, ...], current: Server) -> Effect:
    if [replace(nic, security_groups=None) for nic in before] == [
        replace(nic, security_groups=None) for nic in after
    ]:
        return Effect(LIVE)
    return Effect(
        FIXED, 'the networks of a server are chosen when it is made; delete it and make it again'
    )


TABLE: Table = {
    'flavor': _flavor,
    'image': fixed('a server keeps the disk it was made with; delete it and make it again'),
    'key_names': fixed('a key is put in at the first boot; delete the server and make it again'),
    'user_data': _user_data,
    'init_script': fixed(
        'an init script runs once, at the first boot; delete the server and make it again'
    ),
    'networks': _networks,
    'volume_size': _volume_size,
    'security_groups': live,
    'floating_ip': live,
    'delete_protection': live,
    'guest_agent': _guest_agent,
    'description': live,
    'labels': live,
}
