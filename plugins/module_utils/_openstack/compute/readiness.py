# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readiness of servers: they run, have an address, answer SSH, have finished their first boot."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Dict

from ..._cloud import CloudError, Gone
from ..._cloud.several import Several, deleted_meanwhile
from ..._model import guest
from ..._model.change import AFTER_APPLY
from ..._model.first_boot import DONE, FirstBoot, from_console
from ..._model.server import Server
from ..._model.status import Status
from ..api.api import Api
from ..api.parallel import together
from ..api.polling import Reason
from ..api.services import COMPUTE

_CONNECT = 2.0  # seconds at most
_BANNER = 5.0  # seconds at most


def reasons(
    api: Api,
    servers: Sequence[Server],
    names: Sequence[str],
    wait_for: str,
    seconds: float,
) -> Mapping[str, str]:
    """Return why servers are not ready yet; empty if they are. They are checked side by side.

    Raises CloudError for servers that never will be.
    """
    there = [server.name for server in servers]
    missing = set(names) - set(there)
    if missing:
        raise deleted_meanwhile('server', missing, wait_for)
    deadline = time.monotonic() + seconds
    checks = [partial(_checked, api, server, wait_for, deadline) for server in servers]
    results = together(checks)
    errors = [result for result in results if isinstance(result, CloudError)]
    if errors:
        raise Several(errors)
    return dict(zip(there, map(str, results)))


def _checked(
    api: Api,
    server: Server,
    wait_for: str,
    deadline: float,
) -> Reason:
    try:
        return _missing(api, server, wait_for, deadline)
    except CloudError as error:
        return CloudError(f'server {server.name}: {error}', kind='server', name=server.name)


def _missing(
    api: Api,
    server: Server,
    wait_for: str,
    deadline: float,
) -> str:
    """Why a server is not ready. Raises CloudError if it never will be."""
    if server.status == Status.ERROR:
        raise CloudError('; '.join(server.faults))
    if server.status != Status.ACTIVE:
        return f'its status is {server.status}'
    if wait_for == 'running':
        return ''
    if wait_for == 'init':
        return _missing_init(api, server)
    address = _address(server)
    if not address:
        return 'it has no address yet'
    if wait_for == 'ssh':
        return _missing_ssh(address, deadline)
    return ''  # whether the guest uses its address is not visible from outside


def _address(server: Server) -> str:
    """The address to connect to: the floating one, else the first fixed one."""
    fixed = [nic.fixed_ip for nic in server.networks]
    for address in (server.floating_ip, *fixed):
        if address and address != AFTER_APPLY:
            return address
    return ''


def _missing_ssh(address: str, deadline: float) -> str:
    left = max(0.5, deadline - time.monotonic())
    seconds = min(_CONNECT, left)
    try:
        with socket.create_connection((address, 22), seconds) as stream:
            stream.settimeout(min(_BANNER, left))
            banner = stream.recv(4)
    except OSError as error:
        return f'ssh at {address} does not answer ({error})'
    if banner != b'SSH-':
        return f'the service at {address} port 22 is not SSH'
    return ''


def _missing_init(api: Api, server: Server) -> str:
    boot = first_boot(api, server)
    failure = boot.failure()
    if failure:
        raise CloudError(failure)
    if boot.state != DONE:
        return 'its first boot is not finished yet'
    return ''


def first_boots(api: Api, servers: Sequence[Server]) -> Mapping[str, FirstBoot]:
    """Return the results of the first boots of those of these servers that run."""
    running = [server for server in servers if server.status == Status.ACTIVE]
    boots = together([partial(_boot_if_there, api, server) for server in running])
    found: Dict[str, FirstBoot] = {}
    for server, boot in zip(running, boots):
        if boot:
            found[server.name] = boot
    return found


def _boot_if_there(api: Api, server: Server) -> FirstBoot | None:
    try:
        return first_boot(api, server)
    except Gone:
        return None


def first_boot(api: Api, server: Server) -> FirstBoot:
    """Return the first boot by what cloud-init prints on the console."""
    body = {'os-getConsoleOutput': {'length': None}}
    answer = api.post(COMPUTE, f'/servers/{server.id}/action', body)
    console: bytes = answer['output'].encode()
    return from_console(console[-guest.MAX_BYTES :])
