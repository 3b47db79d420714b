# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the resources of the local cloud work with: settings, record, locks, libvirt, programs and threads."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any, Callable, List, Tuple

from .._cloud import CloudError, Outcome, is_libvirt_error
from .._model.change import Change
from .hypervisor import Hypervisor
from .locks import Locks
from .record import Record
from .settings import Pool, Settings

THREADS = 8


class Host:
    """This host. ``timeout``: seconds that a guest gets to do what it is asked."""

    def __init__(self, settings: Settings, record: Record, locks: Locks) -> None:
        """Put together what the resources share."""
        self.settings, self.record, self.locks = settings, record, locks
        self.timeout = locks.timeout
        self.hypervisor = Hypervisor(locks.timeout)
        self._until: float | None = None

    @cached_property
    def pools(self) -> Tuple[Pool, ...]:
        """The floating pools, but for addresses that a network has: a route to them would take the network from its bridge."""
        spans = [IPv4Network(row['cidr']) for row in self.record.rows('SELECT cidr FROM network')]

        def is_free(cidr: str) -> bool:
            return not any(IPv4Network(cidr).overlaps(span) for span in spans)

        return tuple(
            replace(pool, addresses=tuple(filter(is_free, pool.addresses)))
            for pool in self.settings.pools
        )

    def time_left(self) -> float:
        """Seconds that are left for guests to do what they are asked: one time for all of them, from the first question on."""
        if self._until is None:
            self._until = time.monotonic() + self.timeout
        return max(0.0, self._until - time.monotonic())

    def with_retry(self, work: Callable[[], Any]) -> Any:
        """Do what may be done twice, and a second time if libvirtd was restarted meanwhile."""
        try:
            return work()
        except Exception as error:
            if not is_libvirt_error(error) or not self.hypervisor.is_lost():
                raise
        return work()

    def for_each(self, changes: Sequence[Change], step: Callable[[Change], None]) -> List[Outcome]:
        """Do a step for each change, in parallel; an error of one is its outcome and does not stop the others."""
        return self.in_parallel(
            lambda change: _outcome(change, lambda: self.with_retry(lambda: step(change))), changes
        )

    def in_parallel(self, work: Callable[[Any], Any], things: Sequence[Any]) -> List[Any]:
        """Work on each thing, in parallel; what each came to."""
        from concurrent.futures import (
            ThreadPoolExecutor,
        )  # a run without changes does not pay for it

        if len(things) == 1:
            return [work(things[0])]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(work, things))

    def finish(self, outcomes: List[Outcome], statement: str) -> List[Outcome]:
        """End what went well: the statement gets each one's name; what did not go well stays as it is on record, for the next run."""
        with self.record.transaction() as sql:
            sql.executemany(
                statement, [(outcome.change.name,) for outcome in outcomes if not outcome.error]
            )
        return outcomes

    def run(self, *words: str, locks: Sequence[int] = (), text: str | None = None) -> str:
        """Run a program; what it printed. What it makes is for root only.

        ``locks``: descriptors it inherits, so that they are held while it writes, even if this
        process dies.
        """
        try:
            ran = subprocess.run(
                words,
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
                f'{words[0]} is not installed on this host; the role hanok.cloud.host installs it'
            ) from None
        if ran.returncode:
            raise CloudError(
                f'{words[0]} {words[1] if len(words) > 1 else ""}: {(ran.stderr or ran.stdout).strip()[:500]}'
            )
        return ran.stdout

    def held_lock(self, kind: str, name: str) -> List[int]:
        """The descriptor of a lock that this run holds, for programs that work under it."""
        descriptor = self.locks.held.get((kind, name))
        return [] if descriptor is None else [descriptor]


def _outcome(change: Change, step: Callable[[], None]) -> Outcome:
    started = time.monotonic()
    error = _error(step)
    return Outcome(change, error, time.monotonic() - started)


def _error(step: Callable[[], None]) -> str:
    try:
        step()
    except (CloudError, OSError) as error:
        return str(error)
    except Exception as error:
        if not is_libvirt_error(error):
            raise
        return f'libvirt: {error}'
    return ''


def wait_until(condition: Callable[[], Any], seconds: float, interval: float = 0.1) -> bool:
    """Poll until a condition holds; false when it did not in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(interval)
    return True
