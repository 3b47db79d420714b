# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are containers: what all of them have, and what they lack."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Tuple

from .kinds import Verb
from .server_type import CONTAINER

# What containers have of the options that describe a machine. A crashed one stays off: libvirt-LXC
# does not tell a crash from a shutdown.
COMMON: Mapping[str, object] = {
    'guest_agent': False,
    'on_crash': 'stop',
    'hardware': None,
    'max_vcpus': None,
    'max_memory': None,
}
_WHY: Mapping[str, str] = {
    'guest_agent': 'the host sees into it without one',
    'on_crash': 'libvirt does not tell whether it crashed or was shut down',
    'hardware': 'it runs on the kernel of the host',
}
_LACKS: Mapping[Verb, str] = {
    Verb.RESCUE: 'has no disk to boot another system from; its files are on the host',
}


# What only containers have, and how a virtual machine gets it.
_WHY_OF_CONTAINERS: Mapping[str, str] = {
    'dns_servers': 'DHCP of its network tells it the DNS server; set others by user_data',
    'dns_domain': 'its files are its own; set the domain by user_data',
    'swap': 'the guest of a virtual machine makes its own; create it by user_data',
    'root_password': 'set that of a virtual machine by user_data (chpasswd of cloud-init)',
}


def options_of_containers(options: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """The options with values that no virtual machine has, and why."""
    for option, why in _WHY_OF_CONTAINERS.items():
        if options.get(option):
            yield option, f'{option}: only a container has it: {why}, and omit it'


def lacked_options(options: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """The options with values that no container has, and why."""
    for option, why in _WHY.items():
        value = options.get(option)
        if value is not None and value != COMMON[option]:
            yield option, f'{option}: a container does not have it: {why}; omit it'


def lack(name: str, type_of_server: str, verb: Verb) -> str:
    """Why a verb is not possible with a server, because of its type; empty if it is."""
    if type_of_server != CONTAINER or verb not in _LACKS:
        return ''
    return f'server {name} is a container, which {_LACKS[verb]}'


def growth_refusal(server: str) -> str:
    """Why a file system is not extended, on a host that may not do that in use."""
    return (
        'this host may not extend a file system that is in use (it lacks CAP_SYS_RESOURCE); stop '
        f'server {server} first (state: stopped)'
    )
