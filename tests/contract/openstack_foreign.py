# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Items of an OpenStack that other programs created: without anything that this collection adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.hanok.cloud.tests.contract.openstack_services import (
    Raw,
    Services,
    await_that,
)

CIDR = '10.66.0.0/24'


def create(services: Services, kind: str, name: str) -> str:
    """Create an item; return its id."""
    item = CREATE[kind](services, name)
    found: str = item['id']
    return found


def _network(services: Services, name: str) -> Raw:
    body = {'network': {'name': name}}
    network: Raw = services.send('POST', 'network', '/v2.0/networks', body)['network']
    subnet = {'network_id': network['id'], 'ip_version': 4, 'cidr': CIDR}
    services.send('POST', 'network', '/v2.0/subnets', {'subnet': subnet})
    return network


def _security_group(services: Services, name: str) -> Raw:
    body = {'security_group': {'name': name}}
    group: Raw = services.send('POST', 'network', '/v2.0/security-groups', body)['security_group']
    return group


def _port(services: Services, name: str) -> Raw:
    body = {'name': name, 'network_id': services.named('networks', 'default')['id']}
    port: Raw = services.send('POST', 'network', '/v2.0/ports', {'port': body})['port']
    return port


def _image(services: Services, name: str) -> Raw:
    body = {'name': name, 'disk_format': 'raw', 'container_format': 'bare'}
    image = services.send('POST', 'image', '/v2/images', body)
    services.upload(f'/v2/images/{image["id"]}/file', bytes(512))
    return image


def _volume(services: Services, name: str) -> Raw:
    body = {'volume': {'name': name, 'size': 1}}
    volume: Raw = services.send('POST', 'block-storage', '/volumes', body)['volume']
    _await_status(services, 'block-storage', f'/volumes/{volume["id"]}', 'volume', 'available')
    return volume


def _server(services: Services, name: str) -> Raw:
    images = services.send('GET', 'image', '/v2/images?visibility=public')['images']
    body = {
        'name': name,
        'imageRef': images[0]['id'],
        'flavorRef': services.named('flavors', 'g1.nano')['id'],
        'networks': [{'uuid': services.named('networks', 'default')['id']}],
    }
    server: Raw = services.send('POST', 'compute', '/servers', {'server': body})['server']
    _await_status(services, 'compute', f'/servers/{server["id"]}', 'server', 'ACTIVE')
    return server


def _await_status(services: Services, service: str, path: str, key: str, status: str) -> None:
    await_that(
        lambda: services.send('GET', service, path)[key]['status'] == status,
        f'{path} does not become {status}',
    )


CREATE: Mapping[str, Callable[[Services, str], Raw]] = {
    'network': _network,
    'security_group': _security_group,
    'port': _port,
    'image': _image,
    'volume': _volume,
    'server': _server,
}
