# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the resources of the local cloud share: settings, record, locks, libvirt and programs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Callable, List, Tuple, TypeVar, cast

from ..._cloud import CloudError, Outcome
from ..._model.change import Change
from ..._model.status import TaskState
from ..host.settings import Pool, Settings
from .database import Query
from .errors import is_libvirt_error, translated
from .record import Record

if TYPE_CHECKING:
    from ..host.hypervisor import Hypervisor
    from ..host.locks import Locks
    from .row_types import InProgress, NetworkRange

THREADS = 8
Item = TypeVar('Item')
Result = TypeVar('Result')
Worked = TypeVar('Worked', bound='InProgress')
_NETWORKS: Query[NetworkRange] = Query('SELECT cidr FROM main.network')


class Host:
    """This host. ``timeout``: seconds that guests and other runs get to respond."""

    def __init__(self, settings: Settings, record: Record, timeout: int) -> None:
        """Share these between all resources."""
        self.settings, self.record, self.timeout = settings, record, timeout
        self.notes: List[str] = []  # warnings to report
        self._deadline: float | None = None

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

        return Hypervisor(self.timeout)

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
            replace(pool, addresses=tuple(filter(is_free, pool.addresses)))
            for pool in self.settings.pools
        )

    def time_left(self) -> float:
        """Seconds left for guests to respond: one deadline for all, set by the first call."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self.timeout
        return max(0.0, self._deadline - time.monotonic())

    def with_retry(self, work: Callable[[], Result]) -> Result:
        """Run idempotent work, and retry it once if libvirtd was restarted meanwhile."""
        try:
            return work()
        except Exception as error:
            if not is_libvirt_error(error) or not self.hypervisor.is_lost():
                raise
        return work()

    def for_each(self, changes: Sequence[Change], step: Callable[[Change], None]) -> List[Outcome]:
        """Run a step for each change, in parallel.

        An error of one becomes its outcome and does not stop the others.
        """
        return self.in_parallel(
            lambda change: _outcome(change, lambda: self.with_retry(lambda: step(change))), changes
        )

    def then_each(
        self, outcomes: Sequence[Outcome], step: Callable[[Change], None]
    ) -> List[Outcome]:
        """Run a step for each change that succeeded so far, in parallel; the others stay failed."""
        succeeded = [outcome.change for outcome in outcomes if not outcome.error]
        failed = [outcome for outcome in outcomes if outcome.error]
        return [*failed, *(self.for_each(succeeded, step) if succeeded else ())]

    def in_parallel(self, work: Callable[[Item], Result], items: Sequence[Item]) -> List[Result]:
        """Run work for each item, in parallel; return the results in order."""
        if len(items) == 1:
            return [work(items[0])]
        # Imported here: a run without changes does not load it.
        from concurrent.futures import ThreadPoolExecutor

        self.hypervisor  # noqa: B018 (created before threads share it)
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(work, items))

    def finish(self, outcomes: List[Outcome], *statements: str) -> List[Outcome]:
        """Execute statements with the row of each change that succeeded.

        Rows of the others keep their task state, for the next run.
        """
        with self.record.transaction() as sql:
            rows = [(self.record.row_of(one.change),) for one in outcomes if not one.error]
            for statement in statements:
                sql.executemany(statement, rows)
            return self.record.end(outcomes)

    def run(self, *command: str, locks: Sequence[int] = (), text: str | None = None) -> str:
        """Run a program and return its output. Files that it creates are accessible to root only.

        ``locks``: descriptors it inherits, so that the locks are held while it writes, even if this
        process is killed.
        """
        try:
            done = subprocess.run(
                command,
                input=text,
                stdin=None if text is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                pass_fds=locks,
                umask=0o077,
            )
        except FileNotFoundError:
            raise CloudError(
                f'{command[0]} is not installed on this host; the role hanok.cloud.host installs it'
            ) from None
        if done.returncode:
            subcommand = command[1] if len(command) > 1 else ''
            output = (done.stderr or done.stdout).strip()[:500]
            raise CloudError(f'{command[0]} {subcommand}: {output}')
        return done.stdout

    def rows_in_progress(self, kind: str, read: Callable[[], List[Worked]]) -> List[Worked]:
        """Rows of resources with a task state, read for ``with_progress``.

        If a run ended between reading a row and looking for its lock, the row is read again.
        """
        rows = read()
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
        return self.locks.is_held_by_others(kind, row['name'])

    def held_lock(self, kind: str, name: str) -> List[int]:
        """The descriptor of a lock that this run holds, for programs to inherit; empty if none."""
        descriptor = self.locks.held.get((kind, name))
        return [] if descriptor is None else [descriptor]


def _outcome(change: Change, step: Callable[[], None]) -> Outcome:
    started = time.monotonic()
    error = _error(step)
    return Outcome(change, error, time.monotonic() - started)


def _error(step: Callable[[], None]) -> CloudError | None:
    try:
        step()
    except Exception as error:
        known = translated(error)
        if known is None:
            raise
        return known
    return None


def wait_until(condition: Callable[[], object], seconds: float, interval: float = 0.1) -> bool:
    """Poll until a condition holds; return False on timeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
