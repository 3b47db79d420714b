# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server shows of how far it has come."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from .._cloud import CloudError
from .._model.first_boot import DONE, FirstBoot, from_console, from_result
from . import agent
from .host import Host

_START = '-- hanok.cloud starts the server'


def missing(host: Host, identity: str, address: str, mac: str, console: str, wait_for: str) -> str:
    """What a server lacks of what is waited for, in words; empty: nothing. ``console``: the file of its console."""
    import libvirt

    try:
        machine = host.hypervisor.qemu.lookupByUUIDString(identity)
        if not machine.isActive():
            return 'it does not run'
        if wait_for == 'init':
            return _init(machine, console)
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


def first_boot(machine: Any, console: str) -> FirstBoot:
    """By the guest agent; where none answers, by the console."""
    text = agent.read(machine, '/run/cloud-init/result.json') if machine.isActive() else None
    if text:
        return from_result(text, agent.read(machine, '/var/log/cloud-init-output.log') or '')
    return from_console(_end(console))


def mark_start(console: str) -> None:
    """Write into the file of a console that a boot begins here: what stands above is of earlier ones."""
    with open(os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 'a', encoding='utf-8') as file:
        file.write(f'\n{_START}, {time.strftime("%Y-%m-%d %H:%M:%S")} --\n')


def _end(path: str) -> str:
    """The end of the file of a console, of the last boot only; it may not be there."""
    try:
        with open(path, 'rb') as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - agent.MOST))
            return file.read().decode(errors='replace').rpartition(_START)[2]
    except OSError:
        return ''


def _init(machine: Any, console: str) -> str:
    """Raises CloudError when it went wrong: waiting longer would not help."""
    boot = first_boot(machine, console)
    if boot.complaint():
        raise CloudError(boot.complaint())
    return '' if boot.state == DONE else 'its first boot is not done yet'
