# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the resources of the local cloud share: settings, record, locks, libvirt and programs."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Callable, List, Tuple, TypeVar, cast

from ..._model.status import TaskState
from ..host.settings import Pool, Settings
from .database import Query
from .errors import is_libvirt_error
from .record import Record

if TYPE_CHECKING:
    from ..host.hypervisor import Hypervisor
    from ..host.locks import Locks
    from .row_types import InProgress, NetworkRange
    from .work import Work

Item = TypeVar('Item')
Result = TypeVar('Result')
Worked = TypeVar('Worked', bound='InProgress')
_NETWORKS: Query[NetworkRange] = Query('SELECT cidr FROM main.network')


class Host:
    """This host. ``timeout``: seconds that guests and other runs get to respond.

    ``only_looks``: without root, neither at locks, guests nor rules of the kernel (looking.py).
    """

    def __init__(self, settings: Settings, record: Record, timeout: int) -> None:
        """Share these between all resources."""
        self.settings = settings
        self.record = record
        self.timeout = timeout
        self.notes: List[str] = []  # warnings to report
        self.only_looks = os.geteuid() != 0

    @cached_property
    def locks(self) -> Locks:
        """The locks of this run."""
        from ..host.locks import Locks

        return Locks(
            self.settings.path('locks'),
            self.record.actor,
            self.timeout,
            self.notes,
            self.record.project,
        )

    @cached_property
    def hypervisor(self) -> Hypervisor:
        """The connections to libvirt."""
        from ..host.hypervisor import Hypervisor

        return Hypervisor(self.timeout, self.only_looks)

    @cached_property
    def work(self) -> Work:
        """What changes are applied with; a run that changes nothing does not load it."""
        from .work import Work

        return Work(self)

    def close(self) -> None:
        """Close the record and the connections to libvirt, if there are any."""
        if 'hypervisor' in vars(self):
            self.hypervisor.close()
        self.record.sql.close()

    @cached_property
    def pools(self) -> Tuple[Pool, ...]:
        """The floating pools, without CIDRs that overlap a network.

        A route to such a CIDR would take precedence over the bridge of the network.
        """
        spans = [IPv4Network(row['cidr']) for row in self.record.rows(_NETWORKS)]

        def is_free(cidr: str) -> bool:
            return not any(IPv4Network(cidr).overlaps(span) for span in spans)

        return tuple(
            pool._replace(addresses=tuple(filter(is_free, pool.addresses)))
            for pool in self.settings.pools
        )

    def with_retry(self, work: Callable[[], Result]) -> Result:
        """Run idempotent work, and retry it once if libvirtd was restarted meanwhile."""
        try:
            return work()
        except Exception as error:
            if not is_libvirt_error(error) or not self.hypervisor.is_lost():
                raise
        return work()

    def rows_in_progress(self, kind: str, read: Callable[[], List[Worked]]) -> List[Worked]:
        """Rows of resources with a task state, read for ``with_progress``.

        If a run ended between reading a row and looking for its lock, the row is read again.
        """
        rows = read()
        if self.only_looks:
            return rows
        if any(row['task_state'] and not self._is_in_progress(kind, row) for row in rows):
            rows = read()
        return rows

    def with_progress(self, kind: str, row: InProgress, item: Item) -> Item:
        """An item with what another run is doing with it, or what an earlier run left unfinished.

        ``row``: from ``rows_in_progress``.
        """
        if not row['task_state']:
            return item
        begun = TaskState(row['task_state'])
        values: Any = item
        if self._is_in_progress(kind, row):
            return cast('Item', replace(values, task_state=begun))
        return cast('Item', replace(values, unfinished=begun))

    def _is_in_progress(self, kind: str, row: InProgress) -> bool:
        if self.only_looks:
            from .looking import hide_progress

            hide_progress(self, kind, row['name'], row['task_state'])
            return True
        return self.locks.is_held_by_others(kind, row['name'])
