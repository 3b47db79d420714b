# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pairs of tasks that are in each other's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Task = tuple[str, dict[str, Any]]
Conflict = tuple[list[Task], Task, Task]
KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln crowd'


class Tasks:
    """Tasks of a crowd."""

    def __init__(self, image: str) -> None:
        """``image``: of all servers."""
        self.image = image

    def server(self, name: str, **options: Any) -> Task:
        """The task that creates a stopped server."""
        return 'server', {
            'name': name,
            'image': self.image,
            'flavor': 'g1.nano',
            'state': 'stopped',
            **options,
        }


CONFLICTS: dict[str, Callable[[Tasks, str], Conflict]] = {
    # The existing resources, the task that uses one, and the task that deletes it (or competes for
    # it).
    'a volume is attached, its server is deleted': lambda crowd, name: (
        [crowd.server(name), ('volume', {'name': name, 'size': 1})],
        ('volume', {'name': name, 'state': 'attached', 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'a volume is attached, the volume is deleted': lambda crowd, name: (
        [crowd.server(name), ('volume', {'name': name, 'size': 1})],
        ('volume', {'name': name, 'state': 'attached', 'server': name}),
        ('volume', {'name': name, 'state': 'absent'}),
    ),
    'a server joins a group that is deleted': lambda crowd, name: (
        [('security_group', {'name': name})],
        crowd.server(name, security_groups=[name]),
        ('security_group', {'name': name, 'state': 'absent'}),
    ),
    'a rule names a group that is deleted': lambda _crowd, name: (
        [('security_group', {'name': name}), ('security_group', {'name': name + '-names'})],
        (
            'security_group',
            {'name': name + '-names', 'rules': [{'protocol': 'tcp', 'remote': name}]},
        ),
        ('security_group', {'name': name, 'state': 'absent'}),
    ),
    'a server gets a key pair that is deleted': lambda crowd, name: (
        [('keypair', {'name': name, 'public_key': KEY})],
        crowd.server(name, key_name=name),
        ('keypair', {'name': name, 'state': 'absent'}),
    ),
    'a server runs an init script that is deleted': lambda crowd, name: (
        [('init_script', {'name': name, 'content': '#!/bin/sh\n'})],
        crowd.server(name, init_script=name),
        ('init_script', {'name': name, 'state': 'absent'}),
    ),
    'a server gets a port that is deleted': lambda crowd, name: (
        [('port', {'name': name})],
        crowd.server(name, networks=[{'port': name}]),
        ('port', {'name': name, 'state': 'absent'}),
    ),
    'two servers get the same port': lambda crowd, name: (
        [('port', {'name': name})],
        crowd.server(name, networks=[{'port': name}]),
        crowd.server(name + '-too', networks=[{'port': name}]),
    ),
    'two servers get the same floating IP': lambda crowd, name: (
        [
            (
                'floating_ip',
                {'name': name, 'address': f'198.18.0.{100 + int(name.rpartition("-")[2])}'},
            )
        ],
        crowd.server(name, floating_ip=f'198.18.0.{100 + int(name.rpartition("-")[2])}'),
        crowd.server(name + '-too', floating_ip=f'198.18.0.{100 + int(name.rpartition("-")[2])}'),
    ),
    'a floating IP is attached to a server that is deleted': lambda crowd, name: (
        [crowd.server(name), ('floating_ip', {'name': name})],
        ('floating_ip', {'name': name, 'state': 'attached', 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'a floating IP is attached while it is released': lambda crowd, name: (
        [crowd.server(name), ('floating_ip', {'name': name})],
        ('floating_ip', {'name': name, 'state': 'attached', 'server': name}),
        ('floating_ip', {'name': name, 'state': 'absent'}),
    ),
    'a port is created in a network that is deleted': lambda _crowd, name: (
        [('network', {'name': name})],
        ('port', {'name': name, 'network': name}),
        ('network', {'name': name, 'state': 'absent'}),
    ),
    'a balancer gets a member that is deleted': lambda crowd, name: (
        [crowd.server(name)],
        ('lb', {'name': f'{name}-lb', 'listeners': [{'port': 80}], 'members': [name]}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
    'a server is created from an image that is deleted': lambda crowd, name: (
        [crowd.server(name), ('image', {'name': name, 'server': name})],
        crowd.server(name + '-too', image=name),
        ('image', {'name': name, 'state': 'absent'}),
    ),
    'an image is created from a server that is deleted': lambda crowd, name: (
        [crowd.server(name)],
        ('image', {'name': name, 'server': name}),
        ('server', {'name': name, 'state': 'absent'}),
    ),
}
