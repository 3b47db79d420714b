# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of flavors are changed, with those of the servers that have these flavors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ..._cloud import Busy, Outcomes
from ..._model.change import Change, Changes
from ..._model.flavor import Flavor
from ..._model.flavor_limits import OF_NETWORK
from ..._model.status import TaskState
from ..host import traffic_control
from ..record.database import Query
from ..record.host import Host
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import FlavorUser

_USERS: Query[FlavorUser] = Query('SELECT flavor, name FROM server WHERE flavor = ?')
_DONE = 'UPDATE main.flavor SET task_state = NULL WHERE id = ?'


def update_limits(
    host: Host,
    changes: Changes,
    columns: Callable[[Flavor], Mapping[str, object]],
    limit: Callable[[Iterable[str]], None],
) -> Outcomes:
    """Update flavors, then limit the machines of their servers, whose locks this run holds."""
    record = host.record

    def begin(change: Change, row: int) -> None:
        _check_users(record, change)
        values = {**columns(change.new(Flavor)), 'task_state': TaskState.UPDATING}
        record.writer.update_row('flavor', row, values)

    begun = record.writer.change(changes, begin)
    limited = host.work.then_each(begun, lambda change: limit(change.old(Flavor).used_by))
    return host.work.finish(limited, _DONE)


def _check_users(record: Record, change: Change) -> None:
    """Refuse a flavor that got another server meanwhile; a later one reads the new limits."""
    users = {row['name'] for row in record.rows(_USERS, change.name)}
    more = sorted(users - {*change.old(Flavor).used_by})
    if more:
        raise Busy(
            f'flavor {change.name} is now used by {", ".join(more)}, too; run the task again'
        )


def bandwidth_problem() -> str:
    """Return why this host cannot limit the bandwidth of interfaces; empty if it can."""
    found = traffic_control.problem()
    if not found:
        return ''
    return (
        f'limits: the kernel of this host cannot limit bandwidth ({found}); load the modules '
        'sch_htb, sch_sfq, cls_fw, cls_u32, sch_ingress and act_police, or leave out '
        f'{" and ".join(OF_NETWORK)}'
    )
