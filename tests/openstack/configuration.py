# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration of all services, and clouds.yaml for those who use them."""

from __future__ import annotations

import json
from string import Template

import layout
from layout import HERE, LOGS, STATE, VENV

# The sections with which a service logs in to the others.
LOGINS = {
    'keystone': (),
    'glance': ('keystone_authtoken',),
    'placement': ('keystone_authtoken',),
    'nova': ('keystone_authtoken', 'placement', 'neutron', 'cinder', 'service_user'),
    'neutron': ('keystone_authtoken', 'nova', 'placement'),
    'cinder': ('keystone_authtoken', 'nova', 'service_user'),
    'octavia': ('keystone_authtoken', 'service_auth', 'neutron'),
}
# The names in clouds.yaml, with user (the password is the same) and project.
USERS = {
    'devstack': ('demo', 'demo'),
    'devstack-other': ('other', 'other'),
    'devstack-admin': ('admin', 'admin'),
}


def write() -> None:
    """Write all files, for the ports of this run."""
    for service in layout.SERVICES:
        layout.configuration_of(service).write_text(text_of(service))
    # JSON is YAML, too.
    layout.CLOUDS.write_text(json.dumps({'clouds': clouds()}, indent=2) + '\n')


def text_of(service: str) -> str:
    """Return the configuration of a service; sections that come twice are one."""
    texts = [_filled('common', service), _filled(service, service)]
    if service != 'keystone':
        texts.append(_filled('tokens', service))
    login = _filled('login', service)
    texts += [f'[{section}]\n{login}' for section in LOGINS[service]]
    return ''.join(texts)


def _filled(name: str, service: str) -> str:
    text = (HERE / 'etc' / f'{name}.conf').read_text()
    addresses = {each: layout.url(each) for each in layout.SERVICES}
    return Template(text).substitute(
        addresses,
        service=service,
        state=STATE,
        logs=LOGS,
        venv=VENV,
        region=layout.REGION,
        database='mysql+pymysql://root@localhost',
        socket=f'?unix_socket={layout.SOCKET}',
    )


def clouds() -> dict[str, object]:
    """Return the entries of clouds.yaml."""
    return {
        name: {
            'auth': {
                'auth_url': f'{layout.url("keystone")}/v3',
                'username': user,
                'password': user,
                'project_name': project,
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            },
            'region_name': layout.REGION,
            'identity_api_version': '3',
        }
        for name, (user, project) in USERS.items()
    }
