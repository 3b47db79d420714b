# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cloud in memory: what the contract asks of a cloud, and nothing else.

It does what the plan says at once, and fills in what only a cloud knows. What holds things together
(who uses what, which address belongs to whom) is computed when items are listed.
"""

from __future__ import annotations

import hashlib
import io
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any, BinaryIO

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import (
    CloudError,
    Gone,
    Names,
    Outcome,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.access import (
    ADMIN,
    Access,
    access_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.application import Application
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup import Backup
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.checks import GIB
from ansible_collections.hanok.cloud.plugins.module_utils._model.console_log import (
    ConsoleLog,
    newest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import LIVE
from ansible_collections.hanok.cloud.plugins.module_utils._model.first_boot import FirstBoot
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import Flavor
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import (
    FixedIp,
    FloatingIp,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.guest_disk import GuestDisk
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import (
    OK,
    HistoryEntry,
    HistoryRequest,
    Origin,
    timestamp,
    utc,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import (
    DIGITS,
    OF_CLOUD,
    Image,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.init_script import InitScript
from ansible_collections.hanok.cloud.plugins.module_utils._model.keypair import fingerprint
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    ERROR,
    NO_MONITOR,
    ONLINE,
    HealthCheck,
    Lb,
    MemberHealth,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.needs import (
    BALANCER_MEMORY,
    Limit,
    Supply,
    disk_of,
    held_by,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Surroundings
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import Profile
from ansible_collections.hanok.cloud.plugins.module_utils._model.project import (
    QUOTAS,
    RESOURCES,
    Project,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.root_volume import root_name
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.security_group import (
    SecurityGroup,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    Nic,
    Server,
    is_on_bridges_only,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_snapshot import (
    ServerSnapshot,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_type import VM
from ansible_collections.hanok.cloud.plugins.module_utils._model.sharing import is_visible
from ansible_collections.hanok.cloud.plugins.module_utils._model.sides import sides
from ansible_collections.hanok.cloud.plugins.module_utils._model.snapshot import full_name, own_name
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import (
    Status,
    VolumeStatus,
    is_leaving,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import UserDataHash
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import DEFAULT_TYPE, Volume
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_snapshot import (
    VolumeSnapshot,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_type import VolumeType
from ansible_collections.hanok.cloud.plugins.module_utils._plan.fold import fold

POOL = IPv4Network('198.18.0.0/24')
CREATED_AT = '2026-01-01T00:00:00Z'
Things = dict[str, Any]
TYPES = (DEFAULT_TYPE, 'fast')  # of volumes
LIMITS = {'disk_iops': 900}  # of the second one
FLAVORS = (
    Flavor('g1.nano', vcpus=1, memory=128, disk=1, visibility='public', built_in=True),
    Flavor('g1.micro', vcpus=1, memory=512, disk=4, visibility='public', built_in=True),
)


class Memory:
    """What outlives a task: the items of one project by kind and name."""

    def __init__(self, others: dict[str, Memory] | None = None) -> None:
        """Start with a default group and two flavors. ``others``: all projects by name."""
        self.secret = str(uuid.uuid4())
        self.projects = {'default': self} if others is None else others
        self.admins: list[str] | None = None  # of the host, in the project default
        self.history: list[HistoryEntry] = []
        self.limits: dict[str, int] = {}
        self.backed_up: dict[str, str] = {}  # servers by their backups, both by id
        self.consoles: dict[str, bytes] = {}  # what servers printed, by id
        self.kinds: dict[str, Things] = {kind: {} for kind in KINDS}
        self.kinds['flavor'] = {one.name: self.known(one, 'memory') for one in FLAVORS}
        group = SecurityGroup('default')
        self.first_boots: dict[str, InitScript] = {}
        self.kinds['security_group']['default'] = self.known(group, 'memory')

    def used(self) -> dict[str, int]:
        """What is used of everything that may be limited."""
        counts = {kind.plural: len(self.kinds[kind.name]) for kind in KINDS.values()}
        servers, volumes = self.kinds['server'].values(), self.kinds['volume'].values()
        return {
            **counts,
            'vcpus': sum(server.vcpus for server in servers),
            'memory': sum(server.memory for server in servers),
            'volume_size': sum(volume.size for volume in volumes),
            **self.held(),
        }

    def held(self) -> dict[str, int]:
        """What the servers, balancers and volumes of all projects hold of the host."""
        servers = [
            held_by(one.vcpus, one.memory, one.resized_from)
            for one in self.of_all('server')
            if one.status != Status.SHELVED_OFFLOADED
        ]
        balancers = len(self.of_all('lb'))
        return {
            'host_vcpus': sum(vcpus for vcpus, _memory in servers),
            'host_memory': sum(memory for _vcpus, memory in servers) + balancers * BALANCER_MEMORY,
            **{disk_of(name): 0 for name in TYPES},
            **self.disk_space(),
        }

    def disk_space(self) -> dict[str, int]:
        """The sizes of all volumes by their types."""
        found = Counter[str]()
        for volume in self.of_all('volume'):
            found[disk_of(volume.volume_type)] += volume.size
        return found

    def usage(self) -> dict[str, int]:
        """What the project holds, without what every project has."""
        items = {kind.plural: list(self.kinds[kind.name].values()) for kind in KINDS.values()}
        groups, servers = items['security_groups'], items['servers']
        nics = [nic for server in servers for nic in server.networks]
        found = {
            **self.used(),
            'flavors': len([one for one in items['flavors'] if not one.built_in]),
            'security_groups': len(groups) - 1,
            'security_group_rules': sum(len(group.rules) for group in groups),
            'volumes': len([one for one in items['volumes'] if not one.bootable]),
            'ports': len(items['ports'])
            + len([one for one in nics if not (one.port or one.bridge)]),
        }
        others = ('images', 'flavors', 'keypairs', 'init_scripts', 'volume_snapshots', 'backups')
        return {one: found[one] for one in (*QUOTAS, *others) if found[one]}

    def access(self, actor: str) -> Access | None:
        """What a user may do in this project."""
        (name,) = [name for name, one in self.projects.items() if one is self]
        (members,) = [one.members for one in self.kinds['project'].values()] or [None]
        return access_of(actor, name, members, self.projects['default'].admins)

    def quotas(self) -> Mapping[str, int]:
        """The quotas of the project."""
        (quotas,) = [one.quotas for one in self.kinds['project'].values()] or [{}]
        return quotas

    def of_all(self, kind: str) -> list[Any]:
        """The items of a kind in all projects."""
        return [*self.kinds[kind].values(), *self.of_others(kind)]

    def of(self, project: str) -> Memory:
        """The items of a project."""
        if project not in self.projects:
            self.projects[project] = Memory(self.projects)
        return self.projects[project]

    def shared(self, kind: str) -> Things:
        """The images or flavors of others that the project sees, by name."""
        (name,) = [name for name, one in self.projects.items() if one is self]
        return {
            item.name: replace(item, owner=owner)
            for owner, memory in self.projects.items()
            if memory is not self
            for item in memory.kinds[kind].values()
            if is_visible(item.visibility, item.shared_with, name)
            and item.name not in self.kinds[kind]
        }

    def of_others(self, kind: str) -> list[Any]:
        """The items of a kind in other projects."""
        others = [memory for memory in self.projects.values() if memory is not self]
        return [item for memory in others for item in memory.kinds[kind].values()]

    def known(self, item: Any, actor: str) -> Any:
        """Fill in what only a cloud knows, and end what is under way."""
        values = {
            'id': str(uuid.uuid4()),
            'created_by': actor,
            'created_at': CREATED_AT,
            'size': 2**20,
            'min_disk': 1,
            'bridge': '',
            'serial': uuid.uuid4().hex[:20],
        }
        if getattr(item, 'public_key', None):
            values['fingerprint'] = fingerprint(item.public_key)
        known = {
            one.name: values[one.name]
            for one in fields(item)
            if one.name in values and getattr(item, one.name) == AFTER_APPLY
        }
        if values.get('fingerprint'):
            known['fingerprint'] = values['fingerprint']
        if hasattr(item, 'task_state'):
            known['task_state'] = known['unfinished'] = None
        found = replace(item, **known)
        if isinstance(found, Volume) and found.device == AFTER_APPLY:
            found = replace(found, device=f'/dev/disk/by-id/virtio-{found.serial}')
        return found

    def end_other_runs(self) -> None:
        """Complete what other runs are working on: items that have a task state."""
        for items in self.kinds.values():
            for name, item in list(items.items()):
                if getattr(item, 'task_state', None) is not None:
                    del items[name]
                    if not is_leaving(item):
                        items[name] = item.completed()
                    elif isinstance(item, Server):
                        self.kinds['volume'].pop(root_name(name), None)

    def addresses(self, network: str) -> set[str]:
        """The fixed addresses of a network that are in use."""
        nics = [nic for server in self.kinds['server'].values() for nic in server.networks]
        found = {nic.fixed_ip for nic in nics if nic.name == network}
        found |= {lb.address for lb in self.kinds['lb'].values() if lb.network == network}
        found |= {port.fixed_ip for port in self.kinds['port'].values() if port.network == network}
        return found | {self.kinds['network'][network].gateway}

    def free_address(self, network: str, taken: Iterable[str] = ()) -> str:
        """The first free fixed address of a network, apart from some that are taken."""
        taken = {*taken, *self.addresses(network)}
        hosts = IPv4Network(self.kinds['network'][network].cidr).hosts()
        return next(str(host) for host in hosts if str(host) not in taken)

    def free_floating(self) -> list[str]:
        """The floating addresses that nobody has."""
        items = [*self.kinds['floating_ip'].values(), *self.of_others('floating_ip')]
        taken = {item.address for item in items}
        return [str(address) for address in POOL.hosts() if str(address) not in taken]


def mac() -> str:
    """A MAC address of QEMU's range."""
    octets = uuid.uuid4().bytes[:3]
    return '52:54:00:' + ':'.join(f'{octet:02x}' for octet in octets)


class Items:
    """The items of one kind."""

    def __init__(self, memory: Memory, kind: str, actor: str) -> None:
        """``actor``: who runs the task."""
        self.memory, self.kind, self.actor = memory, kind, actor

    @property
    def stored(self) -> Things:
        """The items by name."""
        return self.memory.kinds[self.kind]

    def list(self, names: Iterable[str] | None = None) -> tuple[Any, ...]:
        """List all items, or those with these names."""
        wanted = None if names is None else set(names)
        found = [item for item in self.stored.values() if wanted is None or item.name in wanted]
        return tuple(map(self.shown, sorted(found, key=lambda item: (len(item.name), item.name))))

    def shown(self, item: Any) -> Any:
        """An item with what follows from others."""
        users = [
            _owner(self.memory, kind, user)
            for kind, option in USERS.get(self.kind, ())
            for user in self.memory.kinds[kind].values()
            if item.name in option(user)
        ]
        return (
            replace(item, used_by=tuple(sorted(set(users)))) if hasattr(item, 'used_by') else item
        )

    def store(self, item: Any) -> None:
        """Store an item, with all that only a cloud knows."""
        self.stored[item.name] = self.memory.known(item, self.actor)

    def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Store what the changes lead to."""
        return [Outcome(change, self.apply_one(change)) for change in changes]

    def apply_one(self, change: Change) -> Gone | None:
        """Store what a change leads to; its error."""
        listed = {item.name: item for item in self.list()}
        known = {name: item for name, item in listed.items() if not getattr(item, 'owner', '')}
        if change.before is not None and change.before.id != AFTER_APPLY:
            found = known.get(change.name)
            if found is None or found.id != change.before.id:
                return Gone()
        after = fold(self.kind, [_since_created(change, known)], known)
        if change.name in after:
            self.store(after[change.name])
        else:
            self.remove(self.stored[change.name])
        return None

    create = update = delete = apply

    def remove(self, item: Any) -> None:
        """Remove an item."""
        del self.stored[item.name]


def _since_created(change: Change, known: Mapping[str, Any]) -> Change:
    """A change of what an earlier change of the plan created, with what is known by now."""
    found = known.get(change.name)
    if found is None or change.before is None or change.before.id != AFTER_APPLY:
        return change
    values = {one.name: getattr(change.after, one.name) for one in fields(found)}
    planned = {name: value for name, value in values.items() if value != AFTER_APPLY}
    return replace(change, before=found, after=replace(found, **planned))


def _owner(memory: Memory, kind: str, user: Any) -> str:
    """The name of what uses an item; a port belongs to its server."""
    servers = memory.kinds['server'].values() if kind == 'port' else ()
    of_port = [one.name for one in servers if user.name in [nic.port for nic in one.networks]]
    other = user.name if kind == 'server' else f'{kind} {user.name}'
    return of_port[0] if of_port else other


def _networks(user: Any) -> Sequence[str]:
    return [nic.place for nic in user.networks] if isinstance(user, Server) else [user.network]


def _images(server: Server) -> Sequence[str]:
    return [server.image, *((server.hardware and server.hardware.cdroms) or ())]


def _groups(user: Any) -> Sequence[str]:
    nics = user.networks if isinstance(user, Server) else ()
    own = [group for nic in nics for group in nic.security_groups or ()]
    return [*user.security_groups, *own]


# By kind: the kinds that use its items, and the names that one of those uses.
USERS: Mapping[str, Sequence[tuple[str, Callable[[Any], Sequence[str]]]]] = {
    'keypair': [('server', lambda server: server.key_names)],
    'flavor': [('server', lambda server: [server.flavor])],
    'image': [('server', _images)],
    'network': [('server', _networks), ('lb', _networks), ('port', _networks)],
    'security_group': [('server', _groups), ('port', _groups)],
}


class SharedItems(Items):
    """Items that projects share; a server has the one of their ``kind`` that it names."""

    def list(self, names: Iterable[str] | None = None) -> tuple[Any, ...]:
        """List the own items, and those that others share."""
        wanted = None if names is None else set(names)
        others = self.memory.shared(self.kind).values()
        found = [one for one in others if wanted is None or one.name in wanted]
        return (*super().list(names), *map(super().shown, found))

    def shown(self, item: Any) -> Any:
        """An item with the servers of others that use it."""
        found = super().shown(item)
        users = [
            f'{project}/{server.name}'
            for project, memory in self.memory.projects.items()
            if memory is not self.memory
            and getattr(memory.shared(self.kind).get(item.name), 'id', None) == item.id
            for server in memory.kinds['server'].values()
            if getattr(server, self.kind) == item.name
        ]
        return replace(found, used_by=tuple(sorted({*found.used_by, *users})))


class Flavors(SharedItems):
    """Flavors, of which no machine needs anything."""

    def sharing_problem(self, current: Flavor, wanted: Flavor) -> str:
        """What another project shares has its name."""
        for project, memory in self.memory.projects.items():
            one = memory.kinds['flavor'].get(wanted.name)
            is_shared = one is not None and not one.built_in and one.visibility != 'private'
            if wanted.visibility != 'private' and is_shared and memory is not self.memory:
                return f'visibility: the project {project} shares a flavor {wanted.name}, too'
        return ''

    def limit_problem(self, limits: Iterable[str]) -> str:
        """Any limit will do."""
        return ''


# What all OCI images run.
APPLICATION = Application(('/app',), {'HOME': '/root', 'PATH': '/bin'}, '/', 0, 0, 15)


class Images(SharedItems):
    """Images, of whose content only the digests are stored."""

    of_attached = True

    def source_problem(self, source: str, disk_format: str) -> str:
        """Any source will do."""
        return ''

    def source_digests(self, name: str, source: str) -> Mapping[str, str]:
        """The digests of the content of a path or a URL; what is in the cloud has none here."""
        how, _colon, place = source.partition(':')
        content = b'' if how in ('', *OF_CLOUD) else _content(place)
        return {kind: hashlib.new(kind, content).hexdigest() for kind in DIGITS}

    def resolve_checksum(self, checksum: str, source: str) -> str:
        """A checksum, which may be in a checksum file."""
        kind, _colon, url = checksum.partition(':')
        if '/' not in url:
            return checksum
        lines = [line.split() for line in _content(url).decode().splitlines()]
        digests = {name: digest for digest, name in lines}
        return f'{kind}:{digests[source.rpartition("/")[2]]}'

    def opened(self, name: str) -> BinaryIO:
        """The content is not stored: an image from a server has none."""
        (image,) = self.list([name])
        kind, _colon, place = image.source.partition(':')
        return io.BytesIO(_content(place) if kind in ('path', 'url') else b'')

    def store(self, item: Any) -> None:
        """Check the content of a new image."""
        if item.size == AFTER_APPLY:
            item = replace(item, digests=self.source_digests(item.name, item.source))
            if item.application:
                item = replace(item, application=APPLICATION)
            if item.checksum:
                _check(self.resolve_checksum(item.checksum, item.source), item.digests)
            item = self._with_size(item)
        super().store(item)

    def _with_size(self, item: Image) -> Image:
        """An image of a volume, or of a snapshot, has its size."""
        how, _colon, name = item.source.partition(':')
        kind = {'volume': 'volume', 'snapshot': 'volume_snapshot'}.get(how)
        if kind is None:
            return item
        size = self.memory.kinds[kind][name].size
        return replace(item, size=size * GIB, min_disk=size)


def _content(place: str) -> bytes:
    with urllib.request.urlopen(place if '://' in place else f'file://{place}') as file:  # noqa: S310
        return bytes(file.read())


def _check(checksum: str, digests: Mapping[str, str]) -> None:
    kind, _colon, digest = checksum.partition(':')
    if digests[kind] != digest:
        raise CloudError(f'checksum mismatch: got {kind}:{digests[kind]}, expected {checksum}')


class Networks(Items):
    """Networks that nothing surrounds."""

    def default(self) -> str:
        """The network of what is created without one."""
        return 'default'

    def used_ranges(self, name: str) -> Mapping[str, str]:
        """The ranges of the other networks."""
        others = {
            network.cidr: 'a network of another project'
            for network in self.memory.of_others('network')
        }
        return others | {
            network.cidr: f'the network {network.name}'
            for network in self.stored.values()
            if network.name != name
        }

    def surroundings(self) -> Surroundings:
        """No host is there that could reach something else."""
        return Surroundings()


class SecurityGroups(Items):
    """Security groups."""

    def store(self, item: Any) -> None:
        """Store a group; foreign rules are kept or removed, never written."""
        before = self.stored[item.name].rules if item.name in self.stored else ()
        assert all(isinstance(rule, Rule) for rule in set(item.rules) - set(before))
        super().store(item)

    def shown(self, item: Any) -> Any:
        """A group with those whose rules name it."""
        named_by = [
            group.name
            for group in self.stored.values()
            if group.name != item.name and item.name in self._named_groups(group)
        ]
        return replace(super().shown(item), named_by=tuple(named_by))

    def _named_groups(self, group: SecurityGroup) -> Sequence[str | None]:
        return [rule.remote_group for rule in group.rules if isinstance(rule, Rule)]


class Ports(Items):
    """Ports that were created by name."""

    def shown(self, item: Any) -> Any:
        """A port with its server and floating IP."""
        owner = _owner(self.memory, 'port', item)
        server = owner if owner in self.memory.kinds['server'] else None
        return replace(item, server=server, floating_ip=_floating_of(self.memory, item.fixed_ip))

    def store(self, item: Any) -> None:
        """Give it an address and a MAC, and its groups to its server."""
        if item.fixed_ip == AFTER_APPLY:
            item = replace(item, fixed_ip=self.memory.free_address(item.network))
        super().store(replace(item, mac=mac()) if item.mac == AFTER_APPLY else item)
        servers = self.memory.kinds['server']
        for server in list(servers.values()):
            nics = [
                replace(nic, security_groups=item.security_groups) if nic.port == item.name else nic
                for nic in server.networks
            ]
            servers[server.name] = replace(server, networks=tuple(nics))


def _floating_of(memory: Memory, fixed_ip: str) -> str | None:
    items = memory.kinds['floating_ip'].values()
    return next((item.address for item in items if item.fixed_ip == fixed_ip), None)


class FloatingIps(Items):
    """Floating IPs from one pool."""

    def list(self, names: Iterable[str] | None = None) -> tuple[FloatingIp, ...]:
        """List them by name or address."""
        wanted = None if names is None else set(names)
        found = [
            item
            for item in self.stored.values()
            if wanted is None or {item.name, item.address} & wanted
        ]
        return tuple(map(self.shown, sorted(found, key=lambda item: item.name)))

    def shown(self, item: Any) -> FloatingIp:
        """A floating IP with the server and the port that have its fixed address."""
        places = [place for place in self.fixed_ips() if place.fixed_ip == item.fixed_ip]
        if not places:
            return replace(item, server=None, lb=None, port=None)
        (place,) = places
        return replace(item, server=place.server, lb=place.lb, port=place.port)

    def fixed_ips(self) -> tuple[FixedIp, ...]:
        """The fixed addresses."""
        memory = self.memory
        places = [
            FixedIp(nic.fixed_ip, server=server.name, port=nic.port)
            for server in memory.kinds['server'].values()
            for nic in server.networks
            if not nic.bridge
        ]
        plugged = {place.fixed_ip for place in places}
        places += [
            FixedIp(port.fixed_ip, port=port.name)
            for port in memory.kinds['port'].values()
            if port.fixed_ip not in plugged
        ]
        places += [FixedIp(lb.address, lb=lb.name) for lb in memory.kinds['lb'].values()]
        places += [
            FixedIp('', server=server.name)
            for server in memory.kinds['server'].values()
            if is_on_bridges_only(server.networks)
        ]
        return tuple(
            place._replace(floating_ip=_floating_of(memory, place.fixed_ip)) for place in places
        )

    def pools(self) -> tuple[str, ...]:
        """The pool."""
        return ('default',)

    def free(self, pool: str | None = None) -> int:
        """How many are free."""
        return len(self.memory.free_floating())

    def in_pool(self, address: str) -> bool:
        """Whether it is in the pool."""
        return address in map(str, POOL.hosts())

    def store(self, item: Any) -> None:
        """Give it an address, which is its name too if it has none."""
        if item.address == AFTER_APPLY:
            item = replace(item, address=self.memory.free_floating()[0])
        if item.name == AFTER_APPLY:
            item = replace(item, name=item.address)
        super().store(replace(item, pool='default'))

    def give(self, address: str | None, **holder: Any) -> None:
        """Make a holder have this address (after apply: a free one), and no other one."""
        for item in list(self.stored.values()):
            if item.fixed_ip == holder['fixed_ip'] and item.address != address:
                self.release(item)
        if address is None:
            return
        known = {item.address: item for item in self.stored.values()}
        item = known.get(address) or FloatingIp(address, address, automatic=True)
        self.store(replace(item, **holder))

    def release(self, item: FloatingIp) -> None:
        """Take it from its holder; delete it if it was made for that."""
        if item.automatic:
            del self.stored[item.name]
        else:
            self.store(replace(item, server=None, lb=None, port=None, fixed_ip=None))


class Volumes(Items):
    """Volumes."""

    attach = detach = Items.apply

    def shown(self, item: Any) -> Volume:
        """A volume with its snapshots; one of a shelved server is reserved."""
        servers = [self.memory.kinds['server'].get(name) for name in item.servers]
        away = (Status.SHELVED, Status.SHELVED_OFFLOADED)
        is_reserved = bool(servers) and all(one and one.status in away for one in servers)
        snapshots = self.memory.kinds['server_snapshot'].values()
        found: Volume = replace(
            super().shown(item),
            filled=None,
            cloud_status=VolumeStatus.RESERVED if is_reserved else None,
            server_snapshots=tuple(one.name for one in snapshots if item.name in one.volumes),
            snapshots=tuple(
                own_name(one.name)
                for one in self.memory.kinds['volume_snapshot'].values()
                if one.volume == item.name
            ),
        )
        return found

    def types(self) -> Sequence[VolumeType]:
        """The types of a host."""
        return [VolumeType(DEFAULT_TYPE), VolumeType('fast', limits=LIMITS)]

    def is_mounted(self, name: str, server: str) -> bool:
        """No guest mounts anything."""
        return False

    def grows_mounted(self) -> bool:
        """There is no file system."""
        return True

    def mount_problem(self, server: str, path: str) -> str:
        """Containers have no files."""
        return ''

    def apply_one(self, change: Change) -> Gone | None:
        """Store what a change leads to: it begins at what only tasks that ask for it see."""
        if isinstance(change.before, Volume):
            change = replace(change, before=replace(change.before, filled=None))
        return super().apply_one(change)

    def guest_disk(self, name: str) -> GuestDisk:
        """A disk that is filled if a task has asked for that since it grew."""
        (item,) = (one for one in self.stored.values() if one.name == name)
        return GuestDisk(filled=bool(item.filled))


def _is_hidden(memory: Memory, actor: str) -> bool:
    """Whether a user may not see a project."""
    found = memory.access(actor)
    return found is not None and not found.role


class Projects(Items):
    """Projects: those that were declared, and those that something is in."""

    trusts_actor = True

    def list(self, names: Iterable[str] | None = None) -> tuple[Project, ...]:
        """List all projects, or those with these names."""
        wanted = None if names is None else set(names)
        found = [
            self._of(name, memory)
            for name, memory in sorted(self.memory.projects.items())
            if wanted is None or name in wanted
        ]
        return tuple(
            one
            for one in found
            if (one.is_declared or one.used or one.name == 'default')
            and not _is_hidden(self.memory.of(one.name), self.actor)
        )

    def request_problem(self, options: Mapping[str, Any]) -> str:
        """Nothing: all quotas are possible."""
        return ''

    def _of(self, name: str, memory: Memory) -> Project:
        unknown = Project(name, id='', created_by='', created_at='')
        item: Project = memory.kinds['project'].get(name, unknown)
        return replace(item, used=memory.usage())

    def apply_one(self, change: Change) -> Gone | None:
        """Declare a project that may exist, update it, or take it back."""
        if change.after is None:
            self.stored.pop(change.name, None)
        else:
            self.store(change.after)
        return None

    create = update = delete = Items.apply


class VolumeSnapshots(Items):
    """Snapshots of volumes without content."""

    latest_only = False

    def list(
        self, names: Iterable[str] | None = None, volume: str | None = None
    ) -> tuple[VolumeSnapshot, ...]:
        """List all snapshots, or those with these names, or of a volume."""
        wanted = None if names is None else set(names)
        found = sorted(self.stored.values(), key=lambda one: one.volume)
        return tuple(
            one
            for one in found
            if volume in (None, one.volume) and (wanted is None or one.name in wanted)
        )

    def restore(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Restore the sizes of volumes."""
        for change in changes:
            snapshot = change.new(VolumeSnapshot)
            volumes = self.memory.kinds['volume']
            volumes[snapshot.volume] = replace(volumes[snapshot.volume], size=snapshot.size)
        return self.apply(changes)


class Backups(Items):
    """Backups of servers without content, in one store."""

    def stores(self) -> Mapping[str, str]:
        """The store, which can be used."""
        return {'disk': ''}

    def bases(self, server: str) -> Mapping[str, str]:
        """No server has checkpoints: nothing is written to disks."""
        return {one.name: 'it has no checkpoint' for one in self.list() if one.server == server}

    def list(self, names: Iterable[str] | None = None) -> tuple[Backup, ...]:
        """List all backups, or those with these names."""
        wanted = None if names is None else set(names)
        found = map(self.shown, self.stored.values())
        return tuple(one for one in found if wanted is None or one.name in wanted)

    def shown(self, item: Any) -> Backup:
        """A backup, and its server as it is today."""
        identity = self.memory.backed_up[item.id]
        servers = self.memory.kinds['server'].values()
        names = [server.name for server in servers if server.id == identity]
        name = names[0] if names else item.server
        found: Backup = replace(item, server=name, server_exists=bool(names))
        return found

    def store(self, item: Any) -> None:
        """Copy nothing."""
        if item.size == AFTER_APPLY:
            done = {'size': 1, 'checksum': 'sha256:0'}
            volumes = tuple(replace(volume, **done) for volume in item.volumes)
            item = replace(item, **done, volumes=volumes)
        super().store(item)
        server = self.memory.kinds['server'].get(item.server)
        if server:
            self.memory.backed_up.setdefault(self.stored[item.name].id, server.id)

    def restore(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Restore nothing."""
        return self.apply(changes)

    def interrupt(self, name: str) -> None:
        """Nobody else makes any."""

    def shortage(self, name: str, makes_image: bool = False) -> str:
        """There is room for all."""
        return ''


class Schedules(Items):
    """Schedules that nothing runs."""

    def obstacle(self) -> str:
        """Nothing is in the way."""
        return ''

    def next_run(self, on_calendar: str) -> str | None:
        """The same time for all, in the future or, for a date of an earlier year, never."""
        return None if on_calendar < CREATED_AT else '2199-01-01T00:00:00Z'


class ServerSnapshots(Items):
    """Snapshots of servers without content."""

    def shortage(self, name: str) -> str:
        """There is room for all."""
        return ''

    def list(
        self, names: Iterable[str] | None = None, server: str | None = None
    ) -> tuple[ServerSnapshot, ...]:
        """List all snapshots, or those with these names, or of a server."""
        wanted = None if names is None else set(names)
        found = sorted(map(self.shown, self.stored.values()), key=lambda one: one.server)
        return tuple(
            one
            for one in found
            if server in (None, one.server) and (wanted is None or one.name in wanted)
        )

    def shown(self, item: Any) -> ServerSnapshot:
        """A snapshot of which no disk has bytes."""
        found: ServerSnapshot = replace(item, size=0, changed_since=0)
        return found

    def store(self, item: Any) -> None:
        """Store a snapshot, which the server comes from if that is new."""
        before = self.stored.get(item.name)
        if item.current and not (before and before.current):
            for other in self.list(server=item.server):
                self.stored[other.name] = replace(other, current=False)
        super().store(item)

    def restore(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Restore the sizes of volumes; a server that was paused, or has its memory, runs."""
        for change in changes:
            snapshot = change.new(ServerSnapshot)
            volumes = self.memory.kinds['volume']
            for name, size in snapshot.volumes.items():
                volumes[name] = replace(volumes[name], size=size)
            servers = self.memory.kinds['server']
            if change.effect == LIVE or servers[snapshot.server].power == 'paused':
                servers[snapshot.server] = servers[snapshot.server].powered('started')
        return self.apply(changes)

    def remove(self, item: Any) -> None:
        """Remove a snapshot; what came from it comes from its parent, then."""
        name = own_name(item.name)
        super().remove(item)
        for other in self.list(server=item.server):
            if other.parent == name:
                self.stored[other.name] = replace(other, parent=item.parent)
            elif item.current and own_name(other.name) == item.parent:
                self.stored[other.name] = replace(other, current=True)


class Lbs(Items):
    """Load balancers."""

    def shown(self, item: Any) -> Lb:
        """A balancer with its floating IP, and the health of its members."""
        health = tuple(self._health(name, item.health_check) for name in item.members)
        floating = _floating_of(self.memory, item.address)
        found: Lb = replace(item, floating_ip=floating, health=health)
        return found

    def _health(self, name: str, check: HealthCheck | None) -> MemberHealth:
        """A member that runs is healthy."""
        if check is None:
            return MemberHealth(name, NO_MONITOR)
        if self.memory.kinds['server'][name].power == 'started':
            return MemberHealth(name, ONLINE)
        return MemberHealth(name, ERROR, 'it does not run')

    def store(self, item: Any) -> None:
        """Give it its addresses."""
        if item.address == AFTER_APPLY:
            item = replace(item, address=self.memory.free_address(item.network))
        super().store(item)
        ips = FloatingIps(self.memory, 'floating_ip', self.actor)
        ips.give(item.floating_ip, lb=item.name, fixed_ip=item.address)

    def remove(self, item: Any) -> None:
        """Remove a balancer, and release its floating IP."""
        FloatingIps(self.memory, 'floating_ip', self.actor).give(None, fixed_ip=item.address)
        super().remove(item)


class Servers(Items):
    """Servers that start and stop at once."""

    def act(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Give servers the state after the changes, or another name."""
        outcomes = self.apply(changes)
        for change in changes:
            if change.verb == Verb.RENAME and change.after:
                self._rename(change.name, change.after.name)
            if change.verb == Verb.REBUILD:
                self._delete_snapshots(change.name)
        return outcomes

    def _delete_snapshots(self, server: str) -> None:
        snapshots = self.memory.kinds['server_snapshot']
        for name in [one.name for one in snapshots.values() if one.server == server]:
            del snapshots[name]

    def _rename(self, old: str, new: str) -> None:
        kinds = self.memory.kinds
        del self.stored[old]
        volumes = kinds['volume']
        volumes.pop(root_name(new), None)
        root = volumes.pop(root_name(old), None)
        if root:  # a container has none
            volumes[root_name(new)] = replace(root, name=root_name(new), server=new)
        for kind in ('volume', 'floating_ip'):
            for name, item in kinds[kind].items():
                if item.server == old:
                    kinds[kind][name] = replace(item, server=new)
        for name, item in volumes.items():
            readers = [new if one == old else one for one in item.readers]
            volumes[name] = replace(item, readers=tuple(sorted(readers)))
        snapshots = kinds['server_snapshot']
        for snapshot in [one for one in snapshots.values() if one.server == old]:
            del snapshots[snapshot.name]
            sizes = {
                root_name(new) if name == root_name(old) else name: size
                for name, size in snapshot.volumes.items()
            }
            name = full_name(new, own_name(snapshot.name))
            snapshots[name] = replace(snapshot, name=name, volumes=sizes)
        for name, balancer in kinds['lb'].items():
            members = tuple(new if one == old else one for one in balancer.members)
            kinds['lb'][name] = replace(balancer, members=members)

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> tuple[Server, ...]:
        """List all servers, or those with these names and the members of a group."""
        if names is None:
            return super().list()
        members = {
            one.name for one in self.stored.values() if member_of and one.member_of == member_of
        }
        return super().list({*names, *members})

    def shown(self, item: Any) -> Server:
        """A server with its volumes and its floating IP, and whether its init script is older."""
        kind = self.memory.kinds['volume']
        volumes = [one for one in kind.values() if item.name in one.servers and not one.bootable]
        size = kind[root_name(item.name)].size if item.type == VM else item.volume_size
        addresses = [_floating_of(self.memory, nic.fixed_ip) for nic in item.networks]
        floating = next((address for address in addresses if address), None)
        names = tuple(volume.name for volume in volumes)
        read_only = tuple(volume.name for volume in volumes if volume.readers)
        current = self.memory.kinds['init_script'].get(item.init_script)
        first = self.memory.first_boots.get(item.name)
        is_older = first and current and first.content != current.content
        snapshots = self.memory.kinds['server_snapshot'].values()
        images = {**self.memory.shared('image'), **self.memory.kinds['image']}
        found: Server = replace(
            item,
            volumes=names,
            read_only_volumes=read_only,
            floating_ip=floating,
            volume_size=size,
            outdated=('init_script',) if is_older else (),
            snapshots=tuple(own_name(one.name) for one in snapshots if one.server == item.name),
            node='memory',
            os_admin_user=getattr(images.get(item.image), 'os_admin_user', None),
            is_application=getattr(images.get(item.image), 'application', None) is not None,
        )
        return found

    def store(self, item: Any) -> None:
        """Give it its addresses."""
        nics: list[Nic] = []
        for nic in item.networks:
            nics.append(self._plugged(nic, [other.fixed_ip for other in nics]))
        item = replace(item, networks=tuple(nics))
        before = self.stored.get(item.name)
        super().store(item)
        script = self.memory.kinds['init_script'].get(item.init_script)
        if script:
            self.memory.first_boots.setdefault(item.name, script)
        if item.type == VM:
            name, volumes = root_name(item.name), Volumes(self.memory, 'volume', self.actor)
            root = volumes.stored.get(name) or Volume(name, server=item.name, bootable=True)
            volumes.store(replace(root, size=item.volume_size))
        ips = FloatingIps(self.memory, 'floating_ip', self.actor)
        if item.floating_ip is None or item.floating_ip != self.shown(item).floating_ip:
            lost = [nic for nic in before.networks if nic not in nics] if before else []
            for nic in [nic for nic in (*lost, *nics[1:]) if not nic.bridge]:
                ips.give(None, fixed_ip=nic.fixed_ip)
            if not nics[0].bridge:
                holder = {'server': item.name, 'port': nics[0].port, 'fixed_ip': nics[0].fixed_ip}
                ips.give(item.floating_ip, **holder)

    def _plugged(self, nic: Nic, taken: Sequence[str]) -> Nic:
        if nic.fixed_ip == AFTER_APPLY:
            nic = replace(nic, fixed_ip=self.memory.free_address(nic.name, taken))
        return replace(nic, mac=mac()) if nic.mac == AFTER_APPLY else nic

    def remove(self, item: Any) -> None:
        """Remove a server with its root volume; its other volumes and ports stay."""
        ips, volumes = (
            FloatingIps(self.memory, 'floating_ip', self.actor),
            self.memory.kinds['volume'],
        )
        for nic in item.networks:
            if nic.port is None and nic.bridge is None:
                ips.give(None, fixed_ip=nic.fixed_ip)
        self.memory.first_boots.pop(item.name, None)
        self.memory.consoles.pop(item.id, None)
        volumes.pop(root_name(item.name), None)
        self._delete_snapshots(item.name)
        for volume in [one for one in volumes.values() if item.name in one.servers]:
            volumes[volume.name] = volume.released((item.name,))
        super().remove(item)

    def password_weakness(self, password: str) -> str:
        """What contains itself backwards is weak."""
        return 'it is weak' if password == password[::-1] else ''

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """User data as it would be recorded."""
        return UserDataHash.of(user_data, self.memory.secret)

    def address_owners(self, wanted: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The owners of fixed IPs and MACs, by network and address."""
        owners: dict[tuple[str, str], str] = {}
        for server in self.stored.values():
            for nic in server.networks:
                for address in (nic.fixed_ip, nic.mac):
                    owners[nic.place, address] = f'server {server.name}'
        for port in self.memory.kinds['port'].values():
            for address in (port.fixed_ip, port.mac):
                owners.setdefault((port.network, address), f'port {port.name}')
        for lb in self.memory.kinds['lb'].values():
            owners[lb.network, lb.address] = f'lb {lb.name}'
        return {place: owners[place] for place in wanted if place in owners}

    def hardware_choices(self) -> Mapping[str, tuple[str, ...]]:
        """Some CPU models."""
        return {'cpu_model': ('default', 'host-model', 'maximum', 'qemu64')}

    def dns_owners(self, names: Iterable[str]) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The servers and balancers with these DNS names."""
        wanted = {name.lower() for name in names}
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for kind in ('server', 'lb'):
            for item in self.memory.kinds[kind].values():
                for network in _networks(item) if item.name.lower() in wanted else ():
                    key = (network, item.name.lower())
                    found[key] = (*found.get(key, ()), f'{kind} {item.name}')
        return found

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Mapping[str, str]:
        """No guest runs that could be ready."""
        return dict.fromkeys(names, 'it has no guest')

    def first_boots(self, names: Sequence[str]) -> Mapping[str, FirstBoot]:
        """No guest has booted."""
        return {}

    def console_logs(self, names: Sequence[str], lines: int) -> Mapping[str, ConsoleLog]:
        """What a test has printed."""
        consoles = self.memory.consoles
        return {
            server.name: newest(consoles.get(server.id, b''), lines, is_whole=True)
            for server in self.list(names)
        }


CLASSES = {
    'flavor': Flavors,
    'image': Images,
    'network': Networks,
    'security_group': SecurityGroups,
    'port': Ports,
    'floating_ip': FloatingIps,
    'volume': Volumes,
    'volume_snapshot': VolumeSnapshots,
    'lb': Lbs,
    'project': Projects,
    'server_snapshot': ServerSnapshots,
    'backup': Backups,
    'schedule': Schedules,
    'server': Servers,
}


class MemoryHistory:
    """What was changed."""

    def __init__(self, memory: Memory, actor: str) -> None:
        """``actor``: who runs the task."""
        self.memory, self.actor = memory, actor

    def list(self, wanted: HistoryRequest) -> Sequence[HistoryEntry]:
        """List changes, the latest first."""
        since, until = (text and timestamp(text) for text in (wanted.since, wanted.until))
        found = [
            entry
            for entry in reversed(self.memory.history)
            if wanted.name in (None, entry.name)
            and wanted.kind in (None, entry.kind)
            and wanted.changed_by in (None, entry.changed_by)
            and (since or entry.began_at) <= entry.began_at <= (until or entry.began_at)
            and not (wanted.unfinished and entry.result)
        ]
        return found[: wanted.limit]

    def keep(
        self,
        origin: Origin,
        changes: Sequence[Change],
        apply: Callable[[Sequence[Change]], Sequence[Outcome]],
    ) -> Sequence[Outcome]:
        """Apply changes, and add them."""
        began_at = utc(datetime.now(UTC))
        try:
            outcomes = apply(changes)
        except CloudError as error:
            outcomes = [Outcome(change, error) for change in changes]
        for change, error, _seconds in outcomes:
            before, after = sides(change)
            found = self.memory.kinds[change.kind].get(change.name)
            self.memory.history.append(
                HistoryEntry(
                    began_at=began_at,
                    kind=change.kind,
                    name=change.name,
                    verb=change.verb.value,
                    changed_by=self.actor,
                    module=origin.module,
                    id=getattr(change.before or found, 'id', None),
                    job=origin.job,
                    why=change.why,
                    before=before,
                    after=after,
                    ended_at=utc(datetime.now(UTC)),
                    seconds=0.0,
                    result=error.code if error else OK,
                    error=str(error) if error else None,
                )
            )
        return outcomes


class MemoryCloud:
    """A cloud for one task."""

    name = 'memory'
    upkeep = None
    repairs = None  # nobody can alter its servers by hand
    records = None
    profile = Profile(
        here='203.0.113.7',
        poll_interval=0.01,
        bridges={'br0': False, 'br1': True},
        node='memory',
    )

    def __init__(self, memory: Memory, actor: str) -> None:
        """``memory``: what earlier tasks left."""
        self.memory, self.actor = memory, actor
        self.notes: list[str] = []
        self.history = MemoryHistory(memory, actor)
        for kind in KINDS.values():
            items = CLASSES.get(kind.name, Items)(memory, kind.name, actor)
            if kind.name != 'firewall':
                setattr(self, kind.plural, items)

    @contextmanager
    def locked(self, observe: Callable[[], tuple[Any, Names]]) -> Iterator[Any]:
        """Wait for the other runs that are working on something: their work ends here."""
        self.memory.end_other_runs()
        yield observe()[0]

    def limits(self, resources: Collection[str]) -> Sequence[Limit]:
        """The limits that a test has set, and the quotas of the project."""
        used = self.memory.used()
        supply = {resource: Supply(used[resource]) for resource in self.memory.held()}
        limits = [
            Limit(resource, total, used[resource], supply=supply.get(resource))
            for resource, total in self.memory.limits.items()
        ]
        usage = self.memory.usage()
        limits += [
            Limit(RESOURCES[quota], total, usage.get(quota, 0))
            for quota, total in self.memory.quotas().items()
        ]
        return [limit for limit in limits if limit.resource in resources]

    @property
    def access(self) -> Access | None:
        """What the user may do."""
        return self.memory.access(self.actor)

    def each_project(self) -> Iterator[tuple[str, MemoryCloud]]:
        """All projects."""
        for name, memory in sorted(self.memory.projects.items()):
            found = memory.access(self.actor)
            if found is None or found.role == ADMIN:
                yield name, MemoryCloud(memory, self.actor)

    def obstacles(self) -> Sequence[str]:
        """Nothing is in the way."""
        return ()

    def __enter__(self) -> MemoryCloud:
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open, and no error is known."""


def memory_opener(memory: Memory) -> Callable[..., MemoryCloud]:
    """What opens a cloud in memory in place of one by its name."""
    return lambda _name, project, actor, *_rest: MemoryCloud(memory.of(project), actor)
