# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server shows of how far it has come."""

from __future__ import annotations

import json
import socket
from typing import Any

from .._cloud import CloudError
from . import agent
from .host import Host


def missing(host: Host, identity: str, address: str, mac: str, wait_for: str) -> str:
    """What a server lacks of what is waited for, in words; empty: nothing."""
    import libvirt

    try:
        machine = host.hypervisor.qemu.lookupByUUIDString(identity)
        if not machine.isActive():
            return 'it does not run'
        if wait_for == 'init':
            return _init(machine)
        return _ssh(address) if wait_for == 'ssh' else _address(machine, address, mac) if wait_for == 'ip' else ''
    except libvirt.libvirtError as error:
        return str(error)


def _address(machine: Any, address: str, mac: str) -> str:
    """By the guest agent: that the guest really has the address, not only that it was offered one."""
    for interface in agent.ask(machine, 'guest-network-get-interfaces') or []:
        if interface.get('hardware-address') == mac and address in [item['ip-address'] for item in interface.get('ip-addresses', [])]:
            return ''
    return f'it does not have the address {address} yet'


def _ssh(address: str) -> str:
    try:
        with socket.create_connection((address, 22), 2) as stream:
            stream.settimeout(5)
            return '' if stream.recv(4) == b'SSH-' else f'what answers at {address} port 22 is not ssh'
    except OSError as error:
        return f'ssh at {address} does not answer ({error})'


def _init(machine: Any) -> str:
    """cloud-init writes its result when it is done, with what went wrong. Raises CloudError then."""
    text = agent.read(machine, '/run/cloud-init/result.json')
    if not text:
        return 'its first boot is not done yet'
    errors = json.loads(text).get('v1', {}).get('errors') or []
    if errors:
        raise CloudError('its first boot went wrong: ' + '; '.join(str(error) for error in errors))
    return ''
