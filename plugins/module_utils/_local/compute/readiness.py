# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readiness of a server: it runs, has its address, answers SSH, has finished its first boot."""

from __future__ import annotations

import socket
import time
from typing import Any, NamedTuple

from ..._cloud import CloudError, Missing
from ..._model.first_boot import DONE, FirstBoot, from_console, from_result
from ..._model.server_type import CONTAINER
from ..host.agent import Agent
from ..record.host import Host
from .console import Console


class Watched(NamedTuple):
    """A server to wait for; MAC, address, bridge and gateway are those of its first connection.

    They are empty if that is to a bridge of the host. ``type``: see server_type.py.
    """

    identity: str
    type: str
    address: str
    mac: str
    console: Console
    bridge: str
    gateway: str
    guest_agent: bool


def missing(
    host: Host,
    server: Watched,
    wait_for: str,
    deadline: float,
) -> str:
    """Why a condition (running, ip, ssh, init) is not met; empty if it is.

    ``deadline``: when the guest must have responded (monotonic). Raises CloudError when waiting
    longer is futile.
    """
    import libvirt

    try:
        machine = lookup(host, server.type, server.identity)
        if not machine.isActive():
            return 'it is not running'
        if wait_for == 'init':
            return _missing_init(machine, server, deadline)
        if wait_for != 'running' and not server.address:  # since this task was planned
            raise CloudError('it is no longer in a network')
        if wait_for == 'ssh':
            return _missing_ssh(server.address, deadline)
        return _missing_address(machine, server, deadline) if wait_for == 'ip' else ''
    except OSError as error:
        return f'no ARP request can be sent on the bridge {server.bridge} ({error})'
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise Missing('its machine no longer exists') from error
        return str(error)


def lookup(host: Host, type_of_server: str, identity: str) -> Any:
    """The domain of a server. Raises libvirtError if it does not exist."""
    is_container = type_of_server == CONTAINER
    driver = host.hypervisor.lxc if is_container else host.hypervisor.qemu
    return driver.lookupByUUIDString(identity)


def _missing_address(machine: Any, server: Watched, deadline: float) -> str:
    """By the guest agent or else ARP: a DHCP lease does not prove that the guest uses it."""
    if server.guest_agent:
        addresses = Agent(machine, deadline).addresses() or {}
        if server.address in addresses.get(server.mac, ()):
            return ''
        return f'it does not have the address {server.address} yet'
    from ..network.arp import has_address

    left = max(0.2, min(1.0, deadline - time.monotonic()))
    if has_address(server.bridge, server.gateway, server.mac, server.address, left):
        return ''
    return f'no ARP reply for {server.address} yet (it has no guest agent)'


def _missing_ssh(address: str, deadline: float) -> str:
    left = max(0.5, deadline - time.monotonic())
    try:
        with socket.create_connection((address, 22), min(2, left)) as stream:
            stream.settimeout(min(5, left))
            if stream.recv(4) == b'SSH-':
                return ''
            return f'the service at {address} port 22 is not SSH'
    except OSError as error:
        return f'ssh at {address} does not answer ({error})'


def _missing_init(machine: Any, server: Watched, deadline: float) -> str:
    """Raises CloudError when the first boot failed."""
    boot = first_boot(machine, server, deadline)
    if boot.failure():
        raise CloudError(boot.failure())
    return '' if boot.state == DONE else 'its first boot is not finished yet'


def first_boot(machine: Any, server: Watched, deadline: float) -> FirstBoot:
    """The first boot by the guest agent, or by the console without a valid response.

    What a container has written is read from its files.
    """
    if server.type == CONTAINER:
        from .container_files import first_boot_of

        return first_boot_of(machine)
    if machine.isActive():
        agent = Agent(machine, deadline)
        result = agent.file('/run/cloud-init/result.json')
        if result:
            output = agent.file('/var/log/cloud-init-output.log') or b''
            boot = from_result(result, output)
            if boot:
                return boot
    return from_console(server.console.last_boot())
