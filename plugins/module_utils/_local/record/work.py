# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes are applied with: threads, programs, deadlines, and the end of a change."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Callable, List, TypeVar, cast

from ..._cloud import CloudError, Outcome, Outcomes, programs
from ..._model.change import Change, Changes
from .errors import translated

if TYPE_CHECKING:
    from .host import Host

THREADS = 8
_LONGEST = 500  # characters of what a program prints about an error
Item = TypeVar('Item')
Result = TypeVar('Result')


class Work:
    """The work of a run that changes something on a host."""

    def __init__(self, host: Host) -> None:
        """Work on ``host``."""
        self.host = host
        self._deadline: float | None = None

    def start_clock(self) -> None:
        """Give the guests of the next turn as long as those of the first."""
        self._deadline = None

    def time_left(self) -> float:
        """Seconds left for guests to respond: one deadline for all, set by the first call."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self.host.timeout
        return max(0.0, self._deadline - time.monotonic())

    def for_each(self, changes: Changes, step: Callable[[Change], None]) -> Outcomes:
        """Run a step for each change, in parallel.

        An error of one becomes its outcome and does not stop the others.
        """

        def outcome(change: Change) -> Outcome:
            return _outcome(change, lambda: self.host.with_retry(lambda: step(change)))

        return self.in_parallel(outcome, changes)

    def then_each(self, outcomes: Outcomes, step: Callable[[Change], None]) -> Outcomes:
        """Run a step for each change that succeeded so far, in parallel; the others stay failed."""
        succeeded: List[Change] = []
        found: List[Outcome] = []
        for outcome in outcomes:
            if outcome.error:
                found.append(outcome)
            else:
                succeeded.append(outcome.change)
        if succeeded:
            found += self.for_each(succeeded, step)
        return found

    def in_parallel(self, work: Callable[[Item], Result], items: Sequence[Item]) -> List[Result]:
        """Run work for each item, in parallel; return the results in order."""
        if len(items) == 1:
            return [work(items[0])]
        # Imported here: a run without changes does not load it.
        from concurrent.futures import ThreadPoolExecutor

        self.host.hypervisor  # noqa: B018 (created before threads share it)
        try:
            with ThreadPoolExecutor(THREADS) as pool:
                return list(pool.map(work, items))
        finally:
            self.host.hypervisor.close_of_ended_threads()

    def finish(self, outcomes: Outcomes, *statements: str) -> Outcomes:
        """Execute statements with the row of each change that succeeded.

        Rows of the others keep their task state, for the next run.
        """
        record = self.host.record
        succeeded = [outcome.change for outcome in outcomes if not outcome.error]
        with record.writer.transaction() as sql:
            rows = [(record.row_of(change),) for change in succeeded]
            for statement in statements:
                sql.executemany(statement, rows)
            return record.writer.end(outcomes)

    def run(self, *command: str, locks: Sequence[int] = (), text: str | None = None) -> str:
        """Run a program and return its output. Files that it creates are accessible to root only.

        ``locks``: descriptors it inherits, so that the locks are held while it writes, even if this
        process is killed.
        """
        try:
            done = programs.run(command, text, locks=locks, umask=0o077)
        except FileNotFoundError:
            raise _not_installed(command[0]) from None
        if done.returncode:
            raise _failed(command, done.stderr or done.stdout)
        return done.stdout

    def copy_disk(
        self, *options: str, locks: Sequence[int], check: Callable[[], None] | None = None
    ) -> None:
        """Run qemu-img convert; in the files of the ``locks`` is how far it is.

        ``check``: called meanwhile; what it raises ends the program.
        """
        from ..host.progress import Copy, printed_percents

        copy = Copy(locks)
        with TemporaryFile() as errors:
            process = _started(('qemu-img', 'convert', '-p', *options), locks, errors)
            with process:
                try:
                    for percent in printed_percents(cast('IO[bytes]', process.stdout), check):
                        copy.is_at(percent)
                except BaseException:
                    process.kill()
                    raise
            errors.seek(0)
            text = errors.read(_LONGEST).decode(errors='replace')
        if process.returncode:
            raise _failed(('qemu-img', 'convert'), text)

    def held_lock(self, kind: str, name: str) -> List[int]:
        """The descriptor of a lock that this run holds, for programs to inherit; empty if none."""
        descriptor = self.host.locks.held.get((kind, name))
        return [] if descriptor is None else [descriptor]


def _started(
    command: Sequence[str], locks: Sequence[int], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    """A program whose output is read while it runs."""
    try:
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=locks,
            umask=0o077,
        )
    except FileNotFoundError:
        raise _not_installed(command[0]) from None


def _not_installed(program: str) -> CloudError:
    return CloudError(
        f'{program} is not installed on this host; the role hanok.cloud.host installs it'
    )


def _failed(command: Sequence[str], output: str) -> CloudError:
    """The error of a program, with the first characters of what it printed."""
    subcommand = command[1] if len(command) > 1 else ''
    return CloudError(f'{command[0]} {subcommand}: {output.strip()[:_LONGEST]}')


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
