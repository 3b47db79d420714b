# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes networks: each step may have been done by a run that was killed."""

from __future__ import annotations

from typing import List

from ..._cloud import Busy, NoAnswer, Outcomes, Refused
from ..._model.change import Change, Changes
from ..._model.network import Network
from ..api.api import Api, Raw
from ..api.lists import all_networks
from ..api.marks import protection_mark
from ..api.names import is_own, item_of, precedence, with_name
from ..api.parallel import each
from ..api.services import NETWORK
from .network_items import ipv4_subnets
from .port_users import is_of_router
from .routers import delete_if_unused, router_id
from .tags import created_once, is_ours, marks_of, write_description, write_tags

_PATH = '/networks'


class _RangeTaken(Busy):
    """The router has a network with this range by now."""

    def __init__(self) -> None:
        super().__init__('another run has chosen the same range meanwhile; run the task again')


class NetworkWriter:
    """Creates, updates and deletes networks."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Create networks, or complete them."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        try:
            self._complete(change)
        except _RangeTaken:
            if not self._begun(change.name):
                raise
            self._complete(change)  # the network of this name that another run creates

    def _complete(self, change: Change) -> None:
        """Create what is missing of a network; the tags, which say that it is complete, last."""
        wanted = change.new(Network)
        api = self.api
        router = router_id(api)
        network = self._network(wanted)
        subnet = self._subnet(network, wanted)
        is_connected = network['subnets'] and self._interfaces(network)
        if router and not is_connected:
            self._connect(router, subnet, network)
        own = {
            'created_by': marks_of(network).created_by,
            'delete_protection': protection_mark(wanted),
        }
        write_tags(api, _PATH, network, wanted.labels, own)
        write_description(api, _PATH, 'network', network, wanted.description)

    def _network(self, wanted: Network) -> Raw:
        """Return the network, which an earlier run may have created."""
        api = self.api
        begun = self._begun(wanted.name)
        if begun:
            return min(begun, key=precedence)
        body = {'name': wanted.name}
        marks = {
            'created_by': api.actor,
            'unfinished': 'creating',
            'cidr': wanted.cidr,
            'gateway': wanted.gateway,
        }
        return created_once(api, _PATH, 'network', body, marks)

    def _begun(self, name: str) -> List[Raw]:
        """The networks with a name that runs of this collection created."""
        project = self.api.project_id
        named = with_name(all_networks(self.api), name)
        own = [raw for raw in named if is_own(raw, project)]
        return list(filter(is_ours, own))

    def _subnet(self, network: Raw, wanted: Network) -> str:
        """Return the id of the subnet; one with another range was requested by an earlier run."""
        existing = self._subnets(network) if network['subnets'] else ()
        for subnet in existing:
            identity = str(subnet['id'])
            if (subnet['cidr'], subnet['gateway_ip']) == (wanted.cidr, wanted.gateway):
                return identity
            self._disconnect(network)
            self.api.delete(NETWORK, f'/subnets/{identity}')
        body = {
            'network_id': network['id'],
            'name': wanted.name,
            'ip_version': 4,
            'cidr': wanted.cidr,
            'gateway_ip': wanted.gateway,
        }
        try:
            answer = self.api.post(NETWORK, '/subnets', {'subnet': body})
        except (NoAnswer, Refused):
            # Another run may be creating the same network: its subnet overlaps this one.
            for subnet in self._subnets(network):
                if subnet['cidr'] == wanted.cidr:
                    return str(subnet['id'])
            raise
        return str(answer['subnet']['id'])

    def _subnets(self, network: Raw) -> List[Raw]:
        """The IPv4 subnets of a network."""
        identity = network['id']
        found = self.api.pages(NETWORK, '/subnets', 'subnets', network_id=identity)
        return ipv4_subnets(identity, found)

    def _connect(self, router: str, subnet: str, network: Raw) -> None:
        """Connect a subnet with a router.

        A new network with a range that another run has chosen at the same time is deleted.
        """
        path = f'/routers/{router}/add_router_interface'
        try:
            self.api.put(NETWORK, path, {'subnet_id': subnet})
        except (Busy, NoAnswer, Refused) as error:
            if self._interfaces(network):  # another run has connected it
                return
            if 'overlaps' not in str(error) or not is_ours(network):
                raise
            self.api.delete(NETWORK, f'{_PATH}/{network["id"]}')
            raise _RangeTaken from error

    def _interfaces(self, network: Raw) -> List[Raw]:
        """The ports of routers in a network."""
        identity = network['id']
        ports = self.api.pages(NETWORK, '/ports', 'ports', network_id=identity)
        return list(filter(is_of_router, ports))

    def _disconnect(self, network: Raw) -> List[str]:
        """Disconnect a network from routers; return their ids."""
        routers: List[str] = []
        for port in self._interfaces(network):
            router = port['device_id']
            path = f'/routers/{router}/remove_router_interface'
            body = {'port_id': port['id']}
            self.api.call(NETWORK, 'PUT', path, body, allowed=(404,))
            routers.append(router)
        return routers

    def update(self, changes: Changes) -> Outcomes:
        """Update descriptions and labels."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        wanted = change.new(Network)
        network = self._found(change)
        own = {**marks_of(network).own, 'delete_protection': protection_mark(wanted)}
        write_tags(self.api, _PATH, network, wanted.labels, own)
        write_description(self.api, _PATH, 'network', network, wanted.description)

    def _found(self, change: Change) -> Raw:
        networks = all_networks(self.api)
        return item_of(change, networks, self.api.project_id)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete networks with their subnets; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        """Delete a network; a mark says that this has begun, because it loses its router first."""
        api = self.api
        found = [raw for raw in all_networks(api) if raw['id'] == change.id]
        for network in found:
            marks = marks_of(network)
            own = {**marks.own, 'unfinished': 'deleting'}
            write_tags(api, _PATH, network, marks.labels, own)
            routers = self._disconnect(network)
            api.delete(NETWORK, f'{_PATH}/{network["id"]}')
            for router in routers:
                delete_if_unused(api, router)
