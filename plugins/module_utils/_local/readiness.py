# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server shows of how far it has come."""

from __future__ import annotations

import os
import re
import socket
import time
from typing import Any, NamedTuple

from .._cloud import CloudError
from .._model import guest
from .._model.first_boot import DONE, FirstBoot, from_console, from_result
from .agent import Agent
from .host import Host

_START = '-- hanok.cloud starts the server'
_BEGINS = re.compile(f'^{_START}, .*$'.encode(), re.MULTILINE)


class Watched(NamedTuple):
    """A server that is waited for: its machine and console; of its first connection address, MAC, bridge and gateway."""

    identity: str
    address: str
    mac: str
    console: str
    bridge: str
    gateway: str
    guest_agent: bool


def missing(host: Host, server: Watched, wait_for: str, until: float) -> str:
    """What a server lacks of what is waited for, in words; empty: nothing. ``until``: when the guest must have answered."""
    import libvirt

    try:
        machine = host.hypervisor.qemu.lookupByUUIDString(server.identity)
        if not machine.isActive():
            return 'it does not run'
        if wait_for == 'init':
            return _init(machine, server.console, until)
        if wait_for == 'ssh':
            return _ssh(server.address, until)
        return _address(machine, server, until) if wait_for == 'ip' else ''
    except OSError as error:
        return f'the bridge {server.bridge} cannot be asked ({error})'
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise CloudError('its machine no longer exists') from error
        return str(error)


def _address(machine: Any, server: Watched, until: float) -> str:
    """By the guest agent, else on the wire: that the guest really has the address, not only that it was offered one."""
    if not server.guest_agent:
        from .arp import has_address

        left = max(0.2, min(1.0, until - time.monotonic()))
        has = has_address(server.bridge, server.gateway, server.mac, server.address, left)
        return (
            ''
            if has
            else f'nobody answers for {server.address} yet (it has no guest agent; asked by ARP)'
        )
    there = Agent(machine, until).addresses() or {}
    return (
        ''
        if server.address in there.get(server.mac, ())
        else f'it does not have the address {server.address} yet'
    )


def _ssh(address: str, until: float) -> str:
    left = max(0.5, until - time.monotonic())
    try:
        with socket.create_connection((address, 22), min(2, left)) as stream:
            stream.settimeout(min(5, left))
            return (
                '' if stream.recv(4) == b'SSH-' else f'what answers at {address} port 22 is not ssh'
            )
    except OSError as error:
        return f'ssh at {address} does not answer ({error})'


def first_boot(machine: Any, console: str, until: float) -> FirstBoot:
    """By the guest agent; where none answers, or nothing that is an answer, by the console."""
    if machine.isActive():
        agent = Agent(machine, until)
        result = agent.file('/run/cloud-init/result.json')
        told = (
            from_result(result, agent.file('/var/log/cloud-init-output.log') or b'')
            if result
            else None
        )
        if told:
            return told
    return from_console(_end(console))


def mark_start(console: str) -> None:
    """Write into the file of a console that a boot begins here: what stands above is of earlier ones."""
    with open(
        os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 'a', encoding='utf-8'
    ) as file:
        file.write(f'\n{_START}, {time.strftime("%Y-%m-%d %H:%M:%S")} --\n')


def _end(path: str) -> bytes:
    """The end of the file of a console, of the last boot only; it may not be there."""
    try:
        with open(path, 'rb') as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - guest.MAX_BYTES))
            return _BEGINS.split(file.read(guest.MAX_BYTES))[-1]
    except OSError:
        return b''


def _init(machine: Any, console: str, until: float) -> str:
    """Raises CloudError when it went wrong: waiting longer would not help."""
    boot = first_boot(machine, console, until)
    if boot.failure():
        raise CloudError(boot.failure())
    return '' if boot.state == DONE else 'its first boot is not done yet'
