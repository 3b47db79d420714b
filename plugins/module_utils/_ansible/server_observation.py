# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module server reads from a cloud before it plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, Mapping, Set, Tuple

from .._cloud import Cloud, Names
from .._model.server import Server
from .._model.server_request import ServerRequest
from .._model.status import TaskState, is_incomplete
from .._plan.server_observations import FloatingAddress, ObservedServers
from .clouds import supported
from .options import by_name, profile_for
from .references import References
from .things import NamedThing

if TYPE_CHECKING:
    from .._cloud.items import Items
    from .._model.floating_ip import FloatingIp
    from .._model.user_data import UserDataHash


def observe(cloud: Cloud, requested: ServerRequest) -> Tuple[ObservedServers, Names]:
    """Return the servers and what they refer to, with the names to lock."""
    if requested.repair:
        supported(cloud, cloud.repairs, 'repair')
    member_names = {requested.name, *requested.members()}
    if requested.like and requested.state != 'absent':
        member_names.add(requested.like)
    servers = by_name('server', cloud.servers.list(member_names, requested.name))
    names = {('server', name) for name in member_names | set(servers)}
    names |= {('port', name) for name in _ports(requested)}
    if requested.state == 'absent':
        return ObservedServers(servers), names
    found = _with_asked(cloud, requested, _with_references(cloud, requested, servers))
    # An image that another run is creating is awaited by its lock.
    pending = {('image', name) for name, image in found.images.items() if image.task_state}
    return found, names | pending


def _with_asked(cloud: Cloud, requested: ServerRequest, found: ObservedServers) -> ObservedServers:
    if requested.root_password is not None:
        from .root_password import with_root_password

        found = with_root_password(cloud, requested.root_password, requested.members(), found)
    if requested.grow:
        from .server_growth import with_root_volumes

        found = with_root_volumes(cloud, requested, found)
    return found


def _with_references(
    cloud: Cloud, requested: ServerRequest, servers: Mapping[str, Server]
) -> ObservedServers:
    """The servers and what they refer to; only the kinds that the plan looks up are listed."""
    options = requested.new_options(servers)
    has_new_member = _has_new_member(requested, servers)
    reconnects = _reconnects(requested, servers)
    connects = has_new_member or reconnects
    completes = _completes_servers(requested, servers)
    needs_script = 'init_script' in options or completes or _has_unseeded(servers)
    needs_image = 'image' in options or completes or requested.on_drift == 'recreate'
    needs_image = needs_image or _needs_discs(requested, options)
    kinds = _needed_for_networks(requested, options)
    return ObservedServers(
        servers,
        hardware_choices=cloud.servers.hardware_choices() if 'hardware' in options else {},
        user_data=_user_data_hash(cloud, requested.user_data),
        init_scripts=_listed('init_script', lambda: cloud.init_scripts, needs_script),
        ports=_listed('port', lambda: cloud.ports, 'port' in kinds),
        keypairs=_listed('keypair', lambda: cloud.keypairs, 'key_names' in options),
        flavors=_listed('flavor', lambda: cloud.flavors, 'flavor' in options),
        images=_listed('image', lambda: cloud.images, needs_image),
        networks=_listed('network', lambda: cloud.networks, 'network' in kinds),
        groups=_listed('security_group', lambda: cloud.security_groups, 'security_group' in kinds),
        lbs=_listed('lb', lambda: cloud.lbs, reconnects),
        owners=_address_owners(cloud, requested, connects),
        dns_owners=_dns_owners(cloud, requested, connects),
        attached=_attached(cloud) if reconnects else {},
        floating=_floating_address(cloud, requested),
        free=_free_addresses(cloud, requested, servers),
        grows_mounted=_grows_mounted(cloud, requested),
        profile=profile_for(cloud, has_new_member and requested.networks is None),
    )


def _grows_mounted(cloud: Cloud, requested: ServerRequest) -> bool:
    return 'volume_size' not in requested.options or cloud.volumes.grows_mounted()


def _ports(requested: ServerRequest) -> Tuple[str, ...]:
    """The names of the requested ports."""
    return tuple(nic.port for nic in requested.networks or () if nic.port)


def _needed_for_networks(requested: ServerRequest, options: Set[str]) -> Set[str]:
    """The kinds that the plan looks up for the connections of servers."""
    kinds = set()
    if 'networks' in options and _ports(requested):
        kinds.add('port')
    has_ssh_check = requested.wait_for == 'ssh'
    if 'networks' in options or has_ssh_check:
        kinds.add('network')
    if 'security_groups' in options or has_ssh_check:
        kinds.add('security_group')
    return kinds


def _needs_discs(requested: ServerRequest, options: Set[str]) -> bool:
    """Whether servers get images as CDs."""
    return 'hardware' in options and bool(requested.options['hardware'].cdroms)


def _address_owners(
    cloud: Cloud, requested: ServerRequest, is_needed: bool
) -> Mapping[Tuple[str, str], str]:
    """The owners of the fixed IPs and MAC addresses of the task."""
    if not is_needed:
        return {}
    return cloud.servers.address_owners(requested.requested_addresses())


def _dns_owners(
    cloud: Cloud, requested: ServerRequest, is_needed: bool
) -> Mapping[Tuple[str, str], Tuple[str, ...]]:
    """The owners of the names that the servers of the task would have in DNS."""
    if not is_needed:
        return {}
    return cloud.servers.dns_owners(requested.members())


def _listed(
    kind: str, items: Callable[[], Items[NamedThing]], is_needed: bool
) -> Dict[str, NamedThing]:
    """Items by name; of a kind that is not needed, not even the code is loaded."""
    return References(kind, items().list()) if is_needed else {}


def _has_new_member(requested: ServerRequest, servers: Mapping[str, Server]) -> bool:
    """Whether a requested server does not exist, or is being created or deleted."""
    return any(name not in servers or is_incomplete(servers[name]) for name in requested.members())


def _reconnects(requested: ServerRequest, servers: Mapping[str, Server]) -> bool:
    """Whether a server may get other connections."""
    return requested.networks is not None and not all(
        server.launched and requested.has_requested_networks(server) for server in servers.values()
    )


def _attached(cloud: Cloud) -> Mapping[Tuple[str, str], str]:
    """The floating addresses of servers, by server and fixed address."""
    return {
        (item.server, item.fixed_ip): item.address
        for item in cloud.floating_ips.list()
        if item.server and item.fixed_ip
    }


def _completes_servers(requested: ServerRequest, servers: Mapping[str, Server]) -> bool:
    """Whether a server is created from values of the record.

    A new member of a group inherits those of the first member, and one that is to be like another
    server those of that; a creation that was interrupted is completed with its own.
    """
    if any(server.unfinished == TaskState.CREATING for server in servers.values()):
        return True
    if not _has_new_member(requested, servers):
        return False
    if requested.like is not None:
        return True
    if requested.count is None:
        return False
    return any(server.member_of == requested.name for server in servers.values())


def _has_unseeded(servers: Mapping[str, Server]) -> bool:
    return not all(server.seeded for server in servers.values())


def _user_data_hash(cloud: Cloud, user_data: str | None) -> UserDataHash | None:
    """User data as it would be recorded."""
    return None if user_data is None else cloud.servers.hash_user_data(user_data)


def _floating_address(cloud: Cloud, requested: ServerRequest) -> FloatingAddress | None:
    address = requested.floating_ip
    if address is None or address in ('auto', 'none'):
        return None
    holder = next((_holder(item) for item in cloud.floating_ips.list([address])), None)
    return FloatingAddress(address, holder, holder is not None, cloud.floating_ips.in_pool(address))


def _holder(item: FloatingIp) -> str | None:
    """The name of the server, or the load balancer, that the floating IP is attached to."""
    return item.server or (item.lb and item.holder)


def _free_addresses(
    cloud: Cloud, requested: ServerRequest, servers: Mapping[str, Server]
) -> int | None:
    """The number of free floating IPs, counted only if a server needs one."""
    if requested.floating_ip != 'auto':
        return None
    has_all = all(server.floating_ip for server in servers.values())
    if has_all and not _has_new_member(requested, servers):
        return None
    return cloud.floating_ips.free()
