# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from .._model.change import AFTER_APPLY, COMPLETES_INTERRUPTED_RUN, Draft, Plan
from .._model.checks import DEFAULT_GROUP
from .._model.firewall import Firewall
from .._model.server import (
    DISK_MISSING,
    INHERITED_OPTIONS,
    RUNNING,
    TABLE,
    Nic,
    NicRequest,
    Server,
    ServerRequest,
    has_value,
)
from .common import (
    DnsOwners,
    check_dns_name,
    check_fixed_ip,
    check_free_floating_ips,
    check_image_disk,
    check_not_in_use,
    repair_firewall,
)

if TYPE_CHECKING:
    from .._model.flavor import Flavor
    from .._model.image import Image
    from .._model.init_script import InitScript
    from .._model.keypair import Keypair
    from .._model.network import Network
    from .._model.port import Port
    from .._model.security_group import SecurityGroup
    from .._model.user_data import UserDataHash

ORDER = tuple(
    ('server', verb)
    for verb in ('delete', 'create', 'repair', 'resume', 'stop', 'power_off', 'update', 'start')
)


@dataclass(frozen=True)
class FloatingAddress:
    """A floating address that the request names: who holds it, and whether a pool has it at all."""

    address: str
    server: str | None = None
    taken: bool = False
    in_pool: bool = False


@dataclass(frozen=True)
class ObservedServers:
    """What is there of what a request is about. ``owners``: who has a fixed address or MAC that is asked for. ``free``: floating addresses left.

    ``user_data``: what was given, as it would be recorded.
    """

    servers: Mapping[str, Server]
    keypairs: Mapping[str, Keypair] = field(default_factory=dict)
    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    owners: Mapping[Tuple[str, str], str] = field(default_factory=dict)
    floating: FloatingAddress | None = None
    free: int = 0
    firewall: Firewall = field(default_factory=Firewall)
    init_scripts: Mapping[str, InitScript] = field(default_factory=dict)
    user_data: UserDataHash | None = None
    ports: Mapping[str, Port] = field(default_factory=dict)
    dns_owners: DnsOwners = field(default_factory=dict)


def plan(request: ServerRequest, observed: ObservedServers) -> Plan:
    """All members are planned, and all that is wrong with any of them is said."""
    draft = Draft()
    if request.state != 'absent':
        _references(request, observed, draft)
    for name in _members(request, observed, draft):
        _one(name, request, observed, draft)
    _floating(request, observed, draft)
    _tell_outdated(draft)
    repair_firewall(observed.firewall, draft)
    return draft.finish(*ORDER)


def _tell_outdated(draft: Draft) -> None:
    """A script that was changed is for servers that will be made: those that are there have been set up by the older text."""
    older: Dict[str, List[str]] = {}
    for server in draft.result:
        if 'init_script' in server.outdated:
            older.setdefault(server.init_script, []).append(server.name)
    for script, names in older.items():
        draft.notes.append(
            f'server {", ".join(names)}: made with an older text of init script {script}, which ran once, at the first boot; '
            'to have the new one, delete the server and make it again'
        )


def _named(observed: ObservedServers) -> Tuple[Tuple[str, str, Mapping[str, Any]], ...]:
    return (
        ('flavor', 'flavor', observed.flavors),
        ('image', 'image', observed.images),
        ('init_script', 'init_script', observed.init_scripts),
    )


def _references(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    options, new_options = request.options, request.new_options(observed.servers)
    for kind, option, there in _named(observed):
        if option in new_options and options[option] is not None:
            draft.require(kind, options[option], there)
    for key in options['key_names'] if 'key_names' in new_options else ():
        draft.require('keypair', key, observed.keypairs)
    for group in request.requested_groups() if 'security_groups' in new_options else ():
        draft.require('security_group', group, observed.groups)
    for nic in request.networks or ():
        if 'networks' in new_options and not nic.port:
            draft.require('network', nic.name, observed.networks)


def _members(request: ServerRequest, observed: ObservedServers, draft: Draft) -> Tuple[str, ...]:
    """The names that are to be as asked; what is too many is planned away here."""
    group = tuple(
        sorted(
            (
                server.name
                for server in observed.servers.values()
                if server.member_of == request.name
            ),
            key=lambda name: (len(name), name),
        )
    )
    single = observed.servers.get(request.name)
    if request.count is None:
        if request.state == 'absent':
            return (*group, *([request.name] if single else []))
        if group:
            draft.refused.append(
                f'name: {request.name} is a group of {len(group)} servers; give count, or the name of a member ({group[0]}, ...)'
            )
        return () if group else (request.name,)
    if single:
        draft.refused.append(
            f'name: {request.name} is a server of its own, not a group; leave out count, or choose another name'
        )
    members = request.members()
    draft.refused += [
        f'name: {name} is a server of its own, not a member of {request.name}; choose another name'
        for name in members
        if name in observed.servers and observed.servers[name].member_of != request.name
    ]
    if request.state == 'absent':
        return group
    _shrink(request, [observed.servers[name] for name in group if name not in members], draft)
    return members


def _shrink(request: ServerRequest, surplus: List[Server], draft: Draft) -> None:
    if surplus and not request.allow_shrink:
        names = ', '.join(server.name for server in surplus)
        draft.refused.append(
            f'count: {request.count} is less than there are; allow_shrink: true removes {names}'
        )
    for server in surplus:
        _delete(server, request, draft)


def _one(name: str, request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    """What an earlier run left is finished first; then what is there is compared with what was asked, as always."""
    current = observed.servers.get(name)
    if request.state == 'absent':
        return _delete(current, request, draft) if current else None
    if current and current.task_state == 'deleting':
        current = draft.add('server', 'delete', current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        return draft.result.append(
            draft.add(
                'server',
                'create',
                None,
                _new(name, _as_its_group(name, request, observed, draft), observed, draft),
            )
        )
    stops = request.state == 'stopped' or (
        request.state == 'restarted' and current.task_state != 'creating'
    )
    if current.task_state == 'creating':
        current = _finish(current, request, observed, draft)
    if current.faults or current.task_state == 'repairing':
        current = _repaired(current, request, observed, draft)
    if current.task_state in ('powering-off', 'resuming'):
        current = _power_again(current, request, draft)
    if request.state == 'started' and current.power == 'paused':
        current = draft.add(
            'server', 'resume', current, replace(current, power='started', reason='')
        )
    if stops and current.power != 'stopped':
        if current.power == 'paused' and not request.force:
            draft.refused.append(
                f'server {current.name} is paused, and a paused guest hears nothing; start it (state: started), or pull its plug with force: true'
            )
        current = draft.add(
            'server',
            'power_off' if request.force else 'stop',
            current,
            replace(current, power='stopped'),
        )
    current = draft.update(
        'server', current, _changed(request, current, observed, draft), TABLE, request.allow_restart
    )
    if request.state in RUNNING and current.power != 'started':
        current = draft.add('server', 'start', current, replace(current, power='started'))
    draft.result.append(current)


def _repaired(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """A machine that somebody altered is made again as recorded when that was asked for; a disk that is gone nobody makes again."""
    why, again = '; '.join(current.faults), current.task_state == 'repairing'
    if DISK_MISSING in current.faults:
        draft.refused.append(
            f'server {current.name} is UNMANAGED: {why}, with what was on it; delete the server (state: absent) and make it again'
        )
    elif not request.repair and not again:
        draft.refused.append(
            f'server {current.name} is UNMANAGED: {why}; repair: true makes its machine again as recorded, state: absent deletes it'
        )
    else:
        _first_boot(current, request, observed, draft)
    repaired: Server = draft.add(
        'server',
        'repair',
        current,
        replace(current, task_state=None, faults=(), seeded=True),
        why=COMPLETES_INTERRUPTED_RUN if again else why,
    )
    return repaired


def _power_again(current: Server, request: ServerRequest, draft: Draft) -> Server:
    """A stop that was interrupted may have been asked of the guest already: it is gone through with, before anything else."""
    if current.task_state == 'resuming':
        resumed: Server = draft.add(
            'server',
            'resume',
            current,
            replace(current, task_state=None, power='started', reason=''),
            why=COMPLETES_INTERRUPTED_RUN,
        )
        return resumed
    stopped: Server = draft.add(
        'server',
        'power_off' if request.force else 'stop',
        current,
        replace(current, task_state=None, power='stopped'),
        why=COMPLETES_INTERRUPTED_RUN,
    )
    return stopped


def _first_boot(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> None:
    """Its first-boot disk is made again with all that was on it, or not at all."""
    if (
        current.init_script
        and not current.seeded
        and current.init_script not in observed.init_scripts
    ):
        draft.missing.append(
            f'server {current.name} has no first-boot disk, and its init script {current.init_script} is gone; make that again, or delete the server'
        )
    if current.user_data and not current.seeded and request.user_data is None:
        draft.refused.append(
            f'server {current.name} has no first-boot disk, and of user_data only a hash is recorded; give user_data again, or delete it'
        )


def _finish(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """What never ran becomes what is asked now; what runs already, first what was recorded."""
    finished = replace(current, task_state=None, seeded=True, launched=True)
    after = (
        finished
        if current.launched
        else replace(_otherwise(finished, request, observed, draft), outdated=())
    )
    if after == finished:
        _first_boot(current, request, observed, draft)
    else:
        _check_dns_name(after, observed, draft)
        _first_boot(replace(after, seeded=False), request, observed, draft)
    created: Server = draft.add('server', 'create', None, after, why=COMPLETES_INTERRUPTED_RUN)
    return created


def _otherwise(
    current: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> Server:
    """A server of which nothing was made yet, with the options that were said now in place of those that are recorded."""
    options = _options(request, observed)
    if options.get('user_data'):
        options['init_script'] = None
    elif options.get('init_script'):
        options['user_data'] = None
    if request.networks is not None and request.has_requested_networks(current):
        options['networks'] = tuple(
            nic.with_groups(there) for nic, there in zip(request.networks, current.networks)
        )
    elif request.networks is not None:
        options['networks'] = tuple(_nic(nic, observed, draft) for nic in request.networks)
        options.setdefault('security_groups', current.security_groups or (DEFAULT_GROUP,))
        if all(nic.security_groups is not None for nic in options['networks']):
            options['security_groups'] = ()
    options.setdefault('image', current.image)
    if options.get('flavor') in (None, current.flavor):
        options.setdefault('volume_size', current.volume_size)
    _sized(options, observed, draft)
    stays = request.floating_ip in (None, 'auto') and current.floating_ip
    options['floating_ip'] = stays or _new_floating(request, observed, draft)
    if request.state != 'present':
        options['power'] = 'started' if request.state in RUNNING else 'stopped'
    return replace(current, **options)


def _as_its_group(
    name: str, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> ServerRequest:
    """A request in which a new member has what its group has, where nothing else was said."""
    there = [
        server
        for server in observed.servers.values()
        if server.member_of == request.name and server.task_state != 'deleting'
    ]
    if request.count is None or not there:
        return request
    like = there[0]
    options = {option: getattr(like, option) for option in INHERITED_OPTIONS}
    if request.options.get('flavor') in (None, like.flavor):
        options.update(vcpus=like.vcpus, memory=like.memory, volume_size=like.volume_size)
    if request.user_data is not None:
        del options['init_script']
    elif like.user_data and not request.options.get('init_script'):
        draft.refused.append(
            f'user_data: {like.name} has some, of which only a hash is recorded; give it again, so that {name} is made with it too'
        )
    options.update(request.options)
    if request.user_data is None and options['init_script']:
        draft.require('init_script', options['init_script'], observed.init_scripts)
    networks = request.networks
    if networks is None:
        networks = tuple(
            NicRequest(nic.name, security_groups=nic.security_groups) for nic in like.networks
        )
    inherits = 'security_groups' not in request.options
    if inherits and (not options['security_groups'] or all(map(_has_own_groups, networks))):
        options['security_groups'] = None
    return replace(
        request,
        networks=networks,
        options={option: value for option, value in options.items() if value is not None},
    )


def _new(name: str, request: ServerRequest, observed: ObservedServers, draft: Draft) -> Server:
    options = _options(request, observed)
    absent = [option for option in ('flavor', 'image') if options.get(option) is None]
    if absent:
        draft.refused.append(
            f'server {name} does not exist; to create it, also set {" and ".join(absent)}'
        )
    networks = request.networks
    if networks is None:
        draft.require('network', 'default', observed.networks)
    else:
        options['networks'] = tuple(_nic(nic, observed, draft) for nic in networks)
        _own_groups(options, draft)
    _sized(options, observed, draft)
    options['floating_ip'] = _new_floating(request, observed, draft)
    member_of = request.name if request.count is not None else None
    server = Server(
        name=name,
        power='stopped' if request.state == 'stopped' else 'started',
        member_of=member_of,
        **options,
    )
    _check_dns_name(server, observed, draft)
    _reachable(server, request, observed, draft)
    return server


def _check_dns_name(server: Server, observed: ObservedServers, draft: Draft) -> None:
    networks = [nic.name for nic in server.networks]
    check_dns_name('server', server.name, networks, observed.dns_owners, draft)


def _sized(options: Dict[str, Any], observed: ObservedServers, draft: Draft) -> None:
    """What the flavor and the image mean for a server that is to be made."""
    flavor, image = (
        observed.flavors.get(options.get('flavor', '')),
        observed.images.get(options.get('image', '')),
    )
    check_image_disk(image, draft)
    if image and image.task_state:
        draft.refused.append(
            f'image {image.name} is not ready ({image.task_state}); run the task that makes it again'
        )
    if flavor:
        options.update(vcpus=flavor.vcpus, memory=flavor.memory)
        options.setdefault('volume_size', max(flavor.disk, _least(image)))
    if image and options.get('volume_size', _least(image)) < _least(image):
        draft.refused.append(
            f'volume_size: {options["volume_size"]} GB is less than the image {image.name} needs; give {_least(image)} at least'
        )


def _new_floating(request: ServerRequest, observed: ObservedServers, draft: Draft) -> str | None:
    """One that leads to a port of the server already is the server's."""
    ports = [
        observed.ports[nic.port]
        for nic in request.networks or ()
        if nic.port and nic.port in observed.ports
    ]
    has = next((port.floating_ip for port in ports if port.floating_ip), None)
    if has is None:
        return (
            None
            if request.floating_ip == 'none'
            else AFTER_APPLY
            if request.floating_ip == 'auto'
            else request.floating_ip
        )
    if request.floating_ip not in (None, 'auto', has):
        draft.refused.append(
            f'floating_ip: {request.floating_ip} was asked, and {has} leads to a port of the server; detach that first, or leave floating_ip out'
        )
    return has


def _has_own_groups(nic: NicRequest) -> bool:
    return nic.port is not None or nic.own_groups is not None


def _own_groups(options: Dict[str, Any], draft: Draft) -> None:
    """The server's groups are those of its connections that have none of their own."""
    if all(nic.security_groups is not None for nic in options['networks']):
        if options.get('security_groups'):
            draft.refused.append(
                'security_groups: each of networks has groups of its own, by its port or its security_groups; change those'
            )
        options['security_groups'] = ()


def _least(image: Image | None) -> int:
    return image.min_disk if image and isinstance(image.min_disk, int) else 1


def _nic(nic: NicRequest, observed: ObservedServers, draft: Draft) -> Nic:
    if nic.port:
        return _port(nic.port, observed, draft)
    network = observed.networks.get(nic.name)
    if network and nic.fixed_ip:
        check_fixed_ip(
            network,
            nic.fixed_ip,
            _owner(nic.name, nic.fixed_ip, observed),
            'networks: fixed_ip',
            draft,
        )
    if network and nic.mac:
        check_not_in_use(nic.mac, _owner(nic.name, nic.mac, observed), 'networks: mac', draft)
    return Nic(
        nic.name,
        nic.fixed_ip or AFTER_APPLY,
        nic.mac or AFTER_APPLY,
        security_groups=nic.own_groups,
    )


def _owner(network: str, place: str, observed: ObservedServers) -> str | None:
    """Who has an address or a MAC. A server that is deleted first, or made otherwise, does not have it then."""
    owner = observed.owners.get((network, place))
    return None if _gives_back(owner, observed) else owner


def _gives_back(owner: str | None, observed: ObservedServers) -> bool:
    server = observed.servers.get(owner or '')
    return server is not None and (server.task_state == 'deleting' or not server.launched)


def _port(name: str, observed: ObservedServers, draft: Draft) -> Nic:
    """A connection by a port that was made beforehand, and that nobody has."""
    if not draft.require('port', name, observed.ports):
        return Nic(AFTER_APPLY, port=name, security_groups=())
    port = observed.ports[name]
    if port.server and not _gives_back(port.server, observed):
        draft.refused.append(
            f'networks: port {name} belongs to server {port.server}; name another port'
        )
    return Nic(port.network, port.fixed_ip, port.mac, name, port.security_groups)


def _reachable(
    server: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> None:
    """Waiting for ssh makes no sense where the groups do not let this host in."""
    if request.wait_for != 'ssh' or request.state == 'stopped':
        return
    first = server.networks[0]
    network = observed.networks.get(first.name)
    names_of = server.security_groups if first.security_groups is None else first.security_groups
    groups = [observed.groups[name] for name in names_of if name in observed.groups]
    if network is None or len(groups) < len(names_of) or network.cidr == AFTER_APPLY:
        return
    if not lets_in(groups, network, 'tcp', 22):
        names = ', '.join(group.name for group in groups)
        draft.refused.append(
            f'wait_for: ssh would wait in vain, because no rule of {names} lets this host in at tcp 22; add a rule (preset: ssh), or wait for init'
        )


def lets_in(groups: List[SecurityGroup], network: Network, protocol: str, port: int | None) -> bool:
    """Whether groups let the host itself in. Rules that name a group are about servers, and do not."""
    from .._model.datapath import Datapath, Group
    from .._model.datapath import Network as Wire
    from .._model.datapath import Port as Plug
    from .._model.verdict import HOST, evaluate

    made = [
        Group(str(number), tuple(rule for rule in group.rules if rule.remote_group is None))
        for number, group in enumerate(groups)
    ]
    free = next(
        str(address)
        for address in IPv4Network(network.cidr).hosts()
        if str(address) != network.gateway
    )
    wire = Wire('hk0', network.cidr, network.gateway)
    plug = Plug('hkp0', '52:54:00:00:00:01', free, 'hk0', tuple(group.id for group in made))
    return evaluate(Datapath((wire,), tuple(made), (plug,)), HOST, free, protocol, port).allowed


def _options(request: ServerRequest, observed: ObservedServers) -> Dict[str, Any]:
    """What was said, with first-boot content as it would be recorded."""
    return {
        **request.options,
        **({'user_data': observed.user_data} if observed.user_data is not None else {}),
    }


def _changed(
    request: ServerRequest, current: Server, observed: ObservedServers, draft: Draft
) -> Dict[str, Any]:
    """The options that were said, in the shape of a server, so that they compare with what is there."""
    options = _options(request, observed)
    if 'key_names' in options and has_value(current, 'key_names', options['key_names']):
        del options['key_names']  # in whatever order
    flavor = observed.flavors.get(options.get('flavor', ''))
    if flavor and flavor.name != current.flavor:
        options.update(vcpus=flavor.vcpus, memory=flavor.memory)
        options.setdefault('volume_size', max(flavor.disk, current.volume_size))
    networks = request.networks
    if networks is not None:
        options['networks'] = (
            tuple(nic.with_groups(there) for nic, there in zip(networks, current.networks))
            if request.has_requested_networks(current)
            else tuple(nic.to_nic() for nic in networks)
        )
    if request.floating_ip == 'none':
        options['floating_ip'] = None
    elif request.floating_ip == 'auto' and current.floating_ip is None:
        options['floating_ip'] = AFTER_APPLY
    elif request.floating_ip not in (None, 'auto'):
        options['floating_ip'] = request.floating_ip
    _groups_of_server(options, current, draft)
    changed = {
        option: options[option] for option in ('security_groups', 'networks') if option in options
    }
    _reachable(replace(current, **changed), request, observed, draft)
    return options


def _groups_of_server(options: Dict[str, Any], current: Server, draft: Draft) -> None:
    """A server has groups of its own as long as one of its connections has none."""
    networks = options.get('networks', current.networks)
    if any(nic.security_groups is None for nic in networks):
        if not current.security_groups:
            options.setdefault('security_groups', (DEFAULT_GROUP,))
        return
    if options.get('security_groups'):
        draft.refused.append(
            f'security_groups: each network of {current.name} has groups of its own, by its port or its security_groups; change those'
        )
    elif current.security_groups:
        options['security_groups'] = ()


def _floating(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    """A pool that is empty, and an address that is somebody else's, are seen beforehand."""
    wanted = [
        change
        for change in draft.changes
        if change.after is not None and change.after.floating_ip == AFTER_APPLY
    ]
    wanted = [
        change
        for change in wanted
        if change.before is None or change.before.floating_ip != AFTER_APPLY
    ]
    needed = len({change.name for change in wanted})
    check_free_floating_ips(needed, observed.free, draft)
    address = observed.floating
    if address is None or request.state == 'absent':
        return
    if not address.in_pool:
        draft.refused.append(f'floating_ip: {address.address} is in no pool of this cloud')
    elif address.taken and address.server not in (None, *request.members()):
        draft.refused.append(
            f'floating_ip: {address.address} is attached to {address.server}; detach it first (floating_ip: state: detached)'
        )


def _delete(server: Server, request: ServerRequest, draft: Draft) -> None:
    if request.options.get('delete_protection', server.delete_protection):
        draft.refused.append(
            f'server {server.name} is protected; delete_protection: false, in this task too, allows its deletion'
        )
    draft.add(
        'server',
        'delete',
        server,
        None,
        why=COMPLETES_INTERRUPTED_RUN if server.task_state == 'deleting' else '',
    )
