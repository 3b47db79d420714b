# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of flavors that concern their servers: other limits, and who sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable

from ..._cloud import Busy, Outcome, Outcomes
from ..._model.change import Change, Changes
from ..._model.flavor import Flavor
from ..._model.flavor_limits import OF_NETWORK
from ..._model.status import TaskState
from ..host import traffic_control
from ..record.database import Query
from ..record.record import Record
from .flavor_rows import USED_BY_OTHERS, columns_of, has_other_limits

if TYPE_CHECKING:
    from ..record.host import Host
    from .row_types import FlavorUser

_USERS: Query[FlavorUser] = Query(f"""SELECT s.flavor,
  CASE s.project WHEN o.project THEN '' ELSE s.project || '/' END || s.name AS name
  FROM main.server s, main.flavor f, opened o
  WHERE f.id = ? AND (s.project = o.project AND s.flavor = f.name OR {USED_BY_OTHERS})""")
_SHARER = """SELECT flavor.project FROM main.flavor, opened o
  WHERE name = ? AND flavor.project <> o.project AND visibility <> 'private'"""
_DONE = 'UPDATE main.flavor SET task_state = NULL WHERE id = ?'


def create(record: Record, changes: Changes) -> Outcomes:
    """Create flavors, some of which are shared."""
    with record.writer.transaction():
        for change in changes:
            flavor = change.new(Flavor)
            _check_name(record, flavor)
            record.writer.insert_row('flavor', {'name': flavor.name, **columns_of(flavor)})
        return record.writer.end([Outcome(change) for change in changes])


def _check_name(record: Record, flavor: Flavor) -> None:
    problem = name_problem(record, flavor)
    if problem:
        raise Busy(problem)


def name_problem(record: Record, flavor: Flavor) -> str:
    """Return why a flavor cannot be shared: another one of its name is; else empty."""
    sharer = None if flavor.visibility == 'private' else record.value(_SHARER, flavor.name)
    if sharer is None:
        return ''
    return (
        f'visibility: the project {sharer} shares a flavor {flavor.name}, too; use another name, '
        'or private'
    )


def update(host: Host, limit: Callable[[Iterable[str]], None], changes: Changes) -> Outcomes:
    """Update flavors, then ``limit`` the machines of their servers, whose locks this run holds."""
    record, work = host.record, host.work

    def begin(change: Change, row: int) -> None:
        _check_users(record, change, row)
        flavor = change.new(Flavor)
        _check_name(record, flavor)
        values = columns_of(flavor)
        if has_other_limits(change):
            values['task_state'] = TaskState.UPDATING
        record.writer.update_row('flavor', row, values)

    def limit_servers(change: Change) -> None:
        if has_other_limits(change):
            limit(change.old(Flavor).used_by)

    begun = record.writer.change(changes, begin)
    return work.finish(work.then_each(begun, limit_servers), _DONE)


def _check_users(record: Record, change: Change, row: int) -> None:
    """Refuse a flavor that got another server meanwhile; a later one reads the new limits."""
    users = {user['name'] for user in record.rows(_USERS, row)}
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
