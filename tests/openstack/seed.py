# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator gives to his users: projects, endpoints, flavors, networks, an image.

Each function makes what is missing, so that it can run at every start.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import layout
from api import Api

# Type and path of the endpoint; keystone itself is there from its bootstrap.
ENDPOINTS = {
    'keystone': ('identity', '/v3'),
    'glance': ('image', ''),
    'placement': ('placement', ''),
    'nova': ('compute', '/v2.1'),
    'neutron': ('network', ''),
    'cinder': ('block-storage', '/v3'),
    'octavia': ('load-balancer', ''),
}
MEMBER = ('member', 'load-balancer_member')
# Projects of one user each, who has the name of the project, and their roles.
PROJECTS = {'service': ('admin', 'service'), 'demo': MEMBER, 'other': MEMBER}
# Name: vCPUs, MiB, GiB. Those of the local cloud, and one that it does not have.
FLAVORS = {'g1.nano': (1, 128, 1), 'g1.micro': (1, 512, 4), 'm1.tiny': (1, 512, 1)}
PUBLIC_IMAGE = 'Debian 13'


def identity(api: Api) -> None:
    """Users with their projects, and the endpoints at the ports of this run."""
    names = {role for roles in PROJECTS.values() for role in roles}
    roles = {name: _ensure(api, 'role', name) for name in sorted(names)}
    for name, wanted in PROJECTS.items():
        project = _ensure(api, 'project', name, domain_id='default')
        user = _ensure(api, 'user', name, domain_id='default', password=name)
        for role in wanted:
            path = f'/v3/projects/{project}/users/{user}/roles/{roles[role]}'
            api.send('PUT', 'keystone', path)
    known = {one['service_id']: one for one in api.get('keystone', '/v3/endpoints')['endpoints']}
    for name, (kind, path) in ENDPOINTS.items():
        service = _ensure(api, 'service', name, type=kind)
        _ensure_endpoint(api, service, known.get(service), f'{layout.url(name)}{path}')


def _ensure_endpoint(api: Api, service: str, known: Mapping[str, Any] | None, url: str) -> None:
    if known is None:
        values = {'interface': 'public', 'region_id': layout.REGION}
        body = {'endpoint': {**values, 'service_id': service, 'url': url}}
        api.send('POST', 'keystone', '/v3/endpoints', body)
    elif known['url'] != url:
        body = {'endpoint': {'url': url}}
        api.send('PATCH', 'keystone', f'/v3/endpoints/{known["id"]}', body)


def _ensure(api: Api, kind: str, name: str, **values: str) -> str:
    """Return the id of something in keystone."""
    path = f'/v3/{kind}s'
    found = api.get('keystone', f'{path}?name={name}')[f'{kind}s']
    if not found:
        found = [api.send('POST', 'keystone', path, {kind: {'name': name, **values}})[kind]]
    identifier: str = found[0]['id']
    return identifier


def flavors(api: Api) -> None:
    """Flavors for all."""
    there = {flavor['name'] for flavor in api.get('nova', '/v2.1/flavors')['flavors']}
    for name, (vcpus, ram, disk) in FLAVORS.items():
        if name not in there:
            flavor = {'name': name, 'vcpus': vcpus, 'ram': ram, 'disk': disk}
            api.send('POST', 'nova', '/v2.1/flavors', {'flavor': flavor})


def networks(api: Api) -> None:
    """The external network for all, and a network of each project with a router to it."""
    external = {
        'router:external': True,
        'provider:network_type': 'flat',
        'provider:physical_network': 'public',
    }
    public = _ensure_network(api, 'network', 'public', external)
    subnet = {'network_id': public, 'ip_version': 4, 'enable_dhcp': False}
    addresses = {'cidr': '198.51.100.0/24', 'gateway_ip': '198.51.100.1'}
    _ensure_network(api, 'subnet', 'public', {**subnet, **addresses})
    for project in ('demo', 'other'):
        _project_network(api, _ensure(api, 'project', project), public)


def _project_network(api: Api, project: str, public: str) -> None:
    owner = {'project_id': project}
    network = _ensure_network(api, 'network', 'default', owner)
    addresses = {'ip_version': 4, 'cidr': '192.168.0.0/24'}
    subnet = {**owner, **addresses, 'network_id': network}
    subnet_id = _ensure_network(api, 'subnet', 'default', subnet)
    gateway = {**owner, 'external_gateway_info': {'network_id': public}}
    router = _ensure_network(api, 'router', 'default', gateway)
    ports = api.get('neutron', f'/v2.0/ports?device_id={router}&network_id={network}')['ports']
    if not ports:
        path = f'/v2.0/routers/{router}/add_router_interface'
        api.send('PUT', 'neutron', path, {'subnet_id': subnet_id})


def _ensure_network(api: Api, kind: str, name: str, values: Mapping[str, Any]) -> str:
    """Return the id of something in neutron, of a project or of the admin."""
    path = f'/v2.0/{kind}s'
    query = {'name': name}
    if 'project_id' in values:
        query['project_id'] = values['project_id']
    found = api.get('neutron', f'{path}?{urlencode(query)}')[f'{kind}s']
    if not found:
        found = [api.send('POST', 'neutron', path, {kind: {'name': name, **values}})[kind]]
    identifier: str = found[0]['id']
    return identifier


def image(api: Api) -> None:
    """An image for all: a disk without content."""
    if not layout.IMAGE.exists():
        command = ('qemu-img', 'create', '-q', '-f', 'qcow2')
        subprocess.run([*command, layout.IMAGE, '1M'], check=True)
    query = urlencode({'name': PUBLIC_IMAGE})
    if not api.get('glance', f'/v2/images?{query}')['images']:
        formats = {'disk_format': 'qcow2', 'container_format': 'bare'}
        values = {'name': PUBLIC_IMAGE, 'visibility': 'public', **formats}
        made = api.send('POST', 'glance', '/v2/images', values)
        api.upload('glance', f'/v2/images/{made["id"]}/file', layout.IMAGE.read_bytes())


# Each needs a service of its own.
OF_SERVICES = (flavors, networks)
