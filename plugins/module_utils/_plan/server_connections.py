# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connections of new servers: networks, addresses, ports and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Dict, Tuple

from .._model.change import AFTER_APPLY, Draft
from .._model.nic_request import NicRequest, compared, in_order
from .._model.server import Nic, Server, is_on_bridges_only
from .._model.server_request import ServerRequest
from .checks import check_dns_name, check_fixed_ip, check_not_in_use
from .server_observations import ObservedServers


def new_networks(
    networks: Tuple[NicRequest, ...], observed: ObservedServers, draft: Draft
) -> Tuple[Nic, ...]:
    """Return new connections; refuse addresses and ports that are in use or invalid."""
    return in_order(_new_nic(nic, observed, draft) for nic in networks)


def _new_nic(nic: NicRequest, observed: ObservedServers, draft: Draft) -> Nic:
    if nic.port:
        return _port_nic(nic.port, observed, draft)
    if nic.bridge:
        _check_bridge(nic, nic.bridge, observed, draft)
        return nic.to_nic()
    network = observed.networks.get(nic.name)
    if network and nic.fixed_ip:
        owner = observed.address_owner(nic.name, nic.fixed_ip)
        check_fixed_ip(network, nic.fixed_ip, owner, 'networks: fixed_ip', draft)
    if network and nic.mac:
        owner = observed.address_owner(nic.name, nic.mac)
        check_not_in_use(nic.mac, owner, 'networks: mac', draft)
    return nic.to_nic()


def _check_bridge(nic: NicRequest, bridge: str, observed: ObservedServers, draft: Draft) -> None:
    """Refuse a bridge that the operator has not given to servers, or that is none."""
    profile = observed.profile
    if bridge not in profile.bridges:
        listed = ', '.join(profile.bridges) or 'none'
        draft.refuse(
            'networks',
            f'networks: {profile.place} has no bridge {bridge} for servers (it has {listed}); '
            f'{profile.more_bridges}',
        )
    elif profile.bridges[bridge] is None:
        draft.refuse('networks', f'networks: {bridge} is no bridge of {profile.place}; create it')
    elif nic.vlan and not profile.bridges[bridge]:
        draft.refuse(
            'networks',
            f'networks: {bridge} has no VLANs; turn on its vlan_filtering (ip link set), then run '
            'the role hanok.cloud.host',
        )
    if nic.mac:
        owner = observed.address_owner(nic.place, nic.mac)
        check_not_in_use(nic.mac, owner, 'networks: mac', draft)


def _port_nic(name: str, observed: ObservedServers, draft: Draft) -> Nic:
    """Return a connection by a named port; refuse one that another server has."""
    if not draft.require('port', name, observed.ports, 'networks'):
        return Nic(AFTER_APPLY, port=name, security_groups=())
    port = observed.ports[name]
    if port.server and not observed.releases(port.server):
        draft.refuse(
            'networks',
            f'networks: port {name} is attached to server {port.server}; use another port',
        )
    return Nic(port.network, port.fixed_ip, port.mac, name, port.security_groups)


def change_networks(
    options: Dict[str, Any],
    request: ServerRequest,
    current: Server,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """Set the connections of an existing server: those that stay, then new ones."""
    found = compared(request.networks or (), current.networks)
    networks = in_order((*found.kept, *new_networks(found.new, observed, draft)))
    options['networks'] = networks
    check_balancers(current.name, networks, observed, draft)
    check_server_name(replace(current, networks=networks), observed, draft)
    attached = _attached_to(found.new, observed)
    if attached and request.floating_ip not in (None, 'auto', attached):
        _refuse_other_address(request.floating_ip, attached, draft)
    elif attached and not current.floating_ip:
        options['floating_ip'] = attached
    _check_released(request, current, networks, observed, draft)


def _check_released(
    request: ServerRequest,
    current: Server,
    networks: Tuple[Nic, ...],
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """Refuse to remove a connection with a floating address, unless the task says what of it."""
    staying = {nic.fixed_ip for nic in networks}
    for nic in current.networks:
        address = observed.attached.get((current.name, nic.fixed_ip))
        if address is None or nic.fixed_ip in staying:
            continue
        if address != current.floating_ip:
            way_out = 'detach it first (floating_ip: state: detached)'
        elif request.floating_ip is None and is_on_bridges_only(networks):
            way_out = 'also set floating_ip: none'
        elif request.floating_ip is None:
            way_out = (
                f'also set floating_ip: {address} to move it to the first one that stays, or '
                'floating_ip: none'
            )
        else:
            continue
        draft.refuse(
            'networks',
            f'networks: server {current.name} would lose its connection {nic.fixed_ip} '
            f'({nic.name}), which has the floating address {address}; {way_out}',
            name=current.name,
        )


def check_balancers(
    name: str, networks: Tuple[Nic, ...], observed: ObservedServers, draft: Draft
) -> None:
    """Refuse other connections of a server without the network of a balancer that it belongs to."""
    connected = [nic.name for nic in networks]
    for lb in observed.lbs.values():
        if name in lb.members and lb.network not in connected:
            draft.refuse(
                'networks',
                f'networks: server {name} is a member of lb {lb.name}, in network {lb.network}; '
                'connect it to that, or remove it from the members first',
                name=name,
            )


def check_server_name(server: Server, observed: ObservedServers, draft: Draft) -> None:
    """Refuse a name that is in use in the DNS of a network of the server."""
    networks = [nic.name for nic in server.networks]
    check_dns_name('server', server.name, networks, observed.dns_owners, draft)


def new_floating_ip(request: ServerRequest, observed: ObservedServers, draft: Draft) -> str | None:
    """Return the floating address of a new server; that of a port of its own counts as its own."""
    attached = _attached_to(request.networks or (), observed)
    requested = request.floating_ip
    if attached is None and requested == 'auto':
        return AFTER_APPLY
    if attached is None:
        return None if requested == 'none' else requested
    if requested not in (None, 'auto', attached):
        _refuse_other_address(requested, attached, draft)
    return attached


def _refuse_other_address(requested: str | None, attached: str, draft: Draft) -> None:
    draft.refuse(
        'floating_ip',
        f'floating_ip: {requested} is requested, but {attached} is attached to a port of the '
        'server; detach that first, or omit floating_ip',
    )


def _attached_to(networks: Sequence[NicRequest], observed: ObservedServers) -> str | None:
    """Return the first floating address that is attached to a requested port."""
    for nic in networks:
        port = observed.ports.get(nic.port or '')
        if port and port.floating_ip:
            return port.floating_ip
    return None


def assign_own_groups(options: Dict[str, Any], draft: Draft) -> None:
    """Clear the groups of a new server of whose connections each has its own."""
    if all(nic.security_groups is not None for nic in options['networks']):
        if options.get('security_groups'):
            draft.refuse(
                'security_groups',
                'security_groups: each of networks has its own groups, by its port or its '
                'security_groups; change those',
            )
        options['security_groups'] = ()
