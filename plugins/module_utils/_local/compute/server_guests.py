# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the guests of servers report, for those who wait for it or ask for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Dict

from ..._cloud import CloudError
from ..._cloud.several import Several, deleted_meanwhile
from ..host.devices import bridge_name
from ..host.hypervisor import tolerate
from . import readiness
from .server_queries import WATCHED

if TYPE_CHECKING:
    from ..._model.first_boot import FirstBoot
    from ..record.host import Host
    from .row_types import WatchedServer


def reasons(host: Host, names: Sequence[str], wait_for: str, seconds: float) -> Dict[str, str]:
    """Why servers are not ready yet; empty if they are. ``seconds``: the time for the check."""
    rows = host.record.named(WATCHED, names)
    deadline = time.monotonic() + max(1.0, seconds)
    missing = set(names) - {row['name'] for row in rows}
    if missing:
        raise deleted_meanwhile('server', missing, wait_for)

    def check(row: WatchedServer) -> str | CloudError:
        server = readiness.Watched(
            identity=row['uuid'],
            address=row['address'],
            mac=row['mac'],
            console=_console(host, row),
            bridge=bridge_name(row['network_id']),
            gateway=row['gateway'],
            guest_agent=bool(row['guest_agent']),
        )
        try:
            return host.with_retry(lambda: readiness.missing(host, server, wait_for, deadline))
        except CloudError as error:
            text = f'server {row["name"]}: {error}'
            return type(error)(text, error.option, 'server', row['name'])

    found = dict(zip([row['name'] for row in rows], host.work.in_parallel(check, rows)))
    errors = [answer for answer in found.values() if isinstance(answer, CloudError)]
    if errors:
        raise Several(errors)
    return {name: answer for name, answer in found.items() if isinstance(answer, str)}


def first_boots(host: Host, names: Sequence[str]) -> Dict[str, FirstBoot]:
    """The results of the first boots of those of these servers that have a machine."""
    deadline = time.monotonic() + max(1, host.timeout)
    machines = host.with_retry(host.hypervisor.machines)
    rows = [row for row in host.record.named(WATCHED, names) if row['uuid'] in machines]

    def result(row: WatchedServer) -> FirstBoot | None:
        with tolerate('NO_DOMAIN'):  # it was deleted meanwhile
            machine = host.hypervisor.qemu.lookupByUUIDString(row['uuid'])
            return readiness.first_boot(machine, _console(host, row), deadline)
        return None

    found = dict(zip([row['name'] for row in rows], host.work.in_parallel(result, rows)))
    return {name: boot for name, boot in found.items() if boot}


def _console(host: Host, row: WatchedServer) -> str:
    return host.settings.path('servers', row['uuid'], 'console.log')
