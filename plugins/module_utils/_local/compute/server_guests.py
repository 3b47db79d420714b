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
from ..record.database import Query
from . import readiness
from .console import console_of

if TYPE_CHECKING:
    from ..._model.first_boot import FirstBoot
    from ..record.host import Host
    from .row_types import WatchedServer

# With the first connection to a network, if there is one. ?1: names as a JSON array.
_WATCHED: Query[WatchedServer] = Query("""SELECT s.*, i.application,
  coalesce(p.address, '') AS address, coalesce(p.mac, '') AS mac,
  coalesce(p.network_id, 0) AS network_id, coalesce(n.gateway, '') AS gateway
  FROM server s LEFT JOIN main.image i ON i.id = s.image_id
  LEFT JOIN port p ON p.server_id = s.id AND p.position = 0
  LEFT JOIN network n ON n.id = p.network_id
  WHERE s.name IN (SELECT value FROM json_each(?1))""")


def reasons(
    host: Host,
    names: Sequence[str],
    wait_for: str,
    seconds: float,
) -> Dict[str, str]:
    """Why servers are not ready yet; empty if they are. ``seconds``: the time for the check."""
    rows = host.record.named(_WATCHED, names)
    deadline = time.monotonic() + max(1.0, seconds)
    there = [row['name'] for row in rows]
    missing = set(names) - set(there)
    if missing:
        raise deleted_meanwhile('server', missing, wait_for)

    def check(row: WatchedServer) -> str | CloudError:
        server = _watched(host, row)
        try:
            return host.with_retry(lambda: readiness.missing(host, server, wait_for, deadline))
        except CloudError as error:
            name = row['name']
            return type(error)(f'server {name}: {error}', error.option, 'server', name)

    answers = host.work.in_parallel(check, rows)
    errors = [answer for answer in answers if isinstance(answer, CloudError)]
    if errors:
        raise Several(errors)
    return dict(zip(there, map(str, answers)))


def _watched(host: Host, row: WatchedServer) -> readiness.Watched:
    return readiness.Watched(
        identity=row['uuid'],
        type=row['type'],
        address=row['address'],
        mac=row['mac'],
        console=console_of(host, row),
        bridge=bridge_name(row['network_id']),
        gateway=row['gateway'],
        guest_agent=bool(row['guest_agent']),
    )


def first_boots(host: Host, names: Sequence[str]) -> Dict[str, FirstBoot]:
    """The results of the first boots of those of these servers that have a machine."""
    deadline = time.monotonic() + max(1, host.timeout)
    rows = host.record.named(_WATCHED, names)

    def result(row: WatchedServer) -> FirstBoot | None:
        if row['application']:
            return None  # it has no init
        with tolerate('NO_DOMAIN'):  # it is being created, or was deleted meanwhile
            machine = readiness.lookup(host, row['type'], row['uuid'])
            return readiness.first_boot(machine, _watched(host, row), deadline)
        return None

    boots = host.work.in_parallel(result, rows)
    found: Dict[str, FirstBoot] = {}
    for row, boot in zip(rows, boots):
        if boot:
            found[row['name']] = boot
    return found
