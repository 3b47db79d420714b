# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The consoles of servers, as Nova returns what hypervisors keep of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..._model.console_log import ConsoleLog, newest
from ..._model.server import Server
from ..api.api import Api
from ..api.parallel import together
from ..api.services import COMPUTE

# Nova answers so for a server that has no host (yet, or no longer), and for one without a console.
_NONE = (404, 409)


def console_logs(api: Api, servers: Sequence[Server], lines: int) -> Mapping[str, ConsoleLog]:
    """Return the newest lines of the consoles of servers, which are requested side by side."""
    logs = together([partial(_log, api, server.id, lines) for server in servers])
    return dict(zip([server.name for server in servers], logs))


def _log(api: Api, identity: str, lines: int) -> ConsoleLog:
    # One line more, to know whether there is one, and the empty one after the last line break.
    body = {'os-getConsoleOutput': {'length': lines + 2}}
    answer = api.call(COMPUTE, 'POST', f'/servers/{identity}/action', body, _NONE)
    return newest((answer.get('output') or '').encode(), lines, is_whole=True)
