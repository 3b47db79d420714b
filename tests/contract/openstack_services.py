# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of an OpenStack, reached without the backend."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

Raw = dict[str, Any]
Ids = Mapping[str, list[str]]
SECONDS = 60  # for what a service does after it answered


class Listing(NamedTuple):
    """A list of a service. ``key``: of the items in the answer."""

    service: str
    path: str
    key: str


# In the order in which items can be deleted.
LISTS = (
    Listing('load-balancer', '/v2/lbaas/loadbalancers', 'loadbalancers'),
    Listing('load-balancer', '/v2/lbaas/listeners', 'listeners'),
    Listing('load-balancer', '/v2/lbaas/pools', 'pools'),
    Listing('load-balancer', '/v2/lbaas/healthmonitors', 'healthmonitors'),
    Listing('compute', '/servers/detail', 'servers'),
    Listing('compute', '/os-keypairs', 'keypairs'),
    Listing('compute', '/flavors/detail', 'flavors'),
    Listing('image', '/v2/images', 'images'),
    Listing('image', '/v2/images?os_hidden=true', 'images'),
    Listing('block-storage', '/volumes/detail', 'volumes'),
    Listing('block-storage', '/snapshots/detail', 'snapshots'),
    Listing('network', '/v2.0/floatingips', 'floatingips'),
    Listing('network', '/v2.0/ports', 'ports'),
    Listing('network', '/v2.0/networks', 'networks'),
    Listing('network', '/v2.0/subnets', 'subnets'),
    Listing('network', '/v2.0/routers', 'routers'),
    Listing('network', '/v2.0/security-groups', 'security_groups'),
)
# What is deleted with others, or not by members.
PARTS = ('listeners', 'pools', 'healthmonitors', 'flavors', 'subnets')
MICROVERSIONS = {'compute': '2.83', 'block-storage': '3.42'}


def await_that(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition that a service fulfills."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def id_of(item: Raw) -> str:
    """The id of an item; key pairs have only their names."""
    found: str = item.get('id', item.get('name'))
    return found


class Services:
    """The services of an OpenStack as the user of an entry of clouds.yaml reaches them."""

    def __init__(self, entry: str, project: str | None = None) -> None:
        """Sign in to a project; without one, to that of the entry."""
        from openstack.config import OpenStackConfig

        scope = {'auth': {'project_name': project}} if project else {}
        self.session = OpenStackConfig().get_one(cloud=entry, **scope).get_session()
        self.project_id: str = self.session.get_project_id()

    def send(self, method: str, service: str, path: str, body: object = None) -> Raw:
        """Send a request; return the answer, which may be empty."""
        from keystoneauth1.exceptions import HttpError

        options: Raw = {} if body is None else {'json': body}
        try:
            answer = self.session.request(
                path,
                method,
                endpoint_filter={'service_type': service, 'interface': 'public'},
                microversion=MICROVERSIONS.get(service),
                **options,
            )
        except HttpError as error:
            error.add_note(f'{method} {service} {path}: {error.response.text}')
            raise
        found: Raw = answer.json() if answer.content else {}
        return found

    def let_in(self, user: Services, name: str) -> None:
        """Create a project in which a user has the roles that he has in his own."""
        who = user.session.get_user_id()
        query = f'user.id={who}&scope.project.id={user.project_id}'
        roles = self.send('GET', 'identity', f'/role_assignments?{query}')['role_assignments']
        found = self.send('GET', 'identity', f'/projects?name={name}')['projects']
        if not found:
            body = {'project': {'name': name, 'domain_id': 'default'}}
            found = [self.send('POST', 'identity', '/projects', body)['project']]
        for role in roles:
            path = f'/projects/{found[0]["id"]}/users/{who}/roles/{role["role"]["id"]}'
            self.send('PUT', 'identity', path)

    def upload(self, path: str, content: bytes) -> None:
        """Send the content of an image."""
        self.session.put(
            path,
            endpoint_filter={'service_type': 'image', 'interface': 'public'},
            headers={'Content-Type': 'application/octet-stream'},
            data=content,
        )

    def list(self, listing: Listing) -> list[Raw]:
        """The items of a list that are those of the project, or of no project."""
        items = self.send('GET', listing.service, listing.path)[listing.key]
        items = [item.get('keypair', item) for item in items]
        owners = ('project_id', 'tenant_id', 'owner')
        own = {None, self.project_id}
        return [item for item in items if {item.get(owner) for owner in owners} <= own]

    def named(self, key: str, name: str) -> Raw:
        """The only item of a name in one of the lists."""
        listing = next(listing for listing in LISTS if listing.key == key)
        (found,) = (item for item in self.list(listing) if item['name'] == name)
        return found

    def everything(self) -> dict[str, list[Raw]]:
        """All lists, side by side."""
        with ThreadPoolExecutor(len(LISTS)) as pool:
            return {
                listing.path: in_order(items)
                for listing, items in zip(LISTS, pool.map(self.list, LISTS), strict=True)
            }

    def ids(self) -> Ids:
        """The ids of all items by list."""
        return {path: sorted(map(id_of, items)) for path, items in self.everything().items()}

    def clean(self, before: Ids) -> None:
        """Delete what was not there before."""
        for listing in LISTS:
            if listing.key in PARTS:
                continue
            new = {id_of(item) for item in self.list(listing)} - set(before[listing.path])
            for item in new:
                self._delete(listing, item)
            await_that(
                lambda listing=listing, new=new: not new & set(map(id_of, self.list(listing))),
                f'{listing.key} are not deleted',
            )

    def _delete(self, listing: Listing, item: str) -> None:
        from keystoneauth1.exceptions import NotFound

        if listing.key == 'networks':
            self._leave_routers(item)
        path = listing.path.partition('?')[0].removesuffix('/detail')
        query = '?cascade=true' if listing.key == 'loadbalancers' else ''
        with contextlib.suppress(NotFound):  # deleted with another item
            self.send('DELETE', listing.service, f'{path}/{item}{query}')

    def _leave_routers(self, network: str) -> None:
        ports = self.send('GET', 'network', f'/v2.0/ports?network_id={network}')['ports']
        for port in ports:
            if port['device_owner'] == 'network:router_interface':
                path = f'/v2.0/routers/{port["device_id"]}/remove_router_interface'
                self.send('PUT', 'network', path, {'port_id': port['id']})


def in_order(value: Any) -> Any:
    """A value with its lists in order: Neutron has none in the rules of a group."""
    if isinstance(value, dict):
        return {key: in_order(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=repr)
    return value
