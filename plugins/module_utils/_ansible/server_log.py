# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module server_log: what a server prints on its console, also told when it is not ready."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, Mapping, Sequence

from .._cloud import Cloud, CloudError, Missing, RefusedTask
from .._model.console_log import ConsoleLogRequest
from .info import run_reading
from .options import NAME

ARGUMENTS: Dict[str, Any] = {'name': NAME, 'lines': {'type': 'int', 'default': 100}}
_LAST_LINES = 5
_READ_LINES = 50  # some may be blank
_MAX_WIDTH = 240  # characters of one of these lines


def server_log(cloud: Cloud, params: Dict[str, Any]) -> Mapping[str, object]:
    """Return the newest lines of the console of a server."""
    name = params['name']
    wanted = ConsoleLogRequest(params['lines'])
    problems = wanted.problems()
    if problems:
        raise RefusedTask(problems)
    logs = cloud.servers.console_logs([name], wanted.lines)
    if name not in logs:
        raise Missing(f'server {name} does not exist', 'name', 'server', name)
    return logs[name].public()


def last_seen(cloud: Cloud, has_status: bool, names: Sequence[str]) -> Mapping[str, str]:
    """Return what to say about servers that are not ready: their status, the end of their consoles.

    ``has_status``: the status is told already. Of what cannot be read now nothing is said.
    """
    with suppress(CloudError):
        servers = () if has_status else cloud.servers.list(names)
        statuses = {server.name: f'its status is {server.status}, and ' for server in servers}
        logs = cloud.servers.console_logs(names, _READ_LINES)
        return {name: f'; {statuses.get(name, "")}{_end(log.lines)}' for name, log in logs.items()}
    return {}


def _end(lines: Sequence[str]) -> str:
    printed = [line[:_MAX_WIDTH] for line in lines if line.strip()][-_LAST_LINES:]
    if not printed:
        return 'its console is empty'
    return '\n'.join(['the end of its console:', *(f'| {line}' for line in printed)])


def main() -> None:
    """Run the module server_log."""
    run_reading(ARGUMENTS, server_log, is_networked=False, kind='server')
