# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The locks of a run that changes something, and the metadata that it writes at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Tuple

from .._cloud import Names, Observed
from .machine_metadata import MachineMetadata
from .record.errors import translated

if TYPE_CHECKING:
    from .record.host import Host


@contextmanager
def locked(
    host: Host,
    observe: Callable[[], Tuple[Observed, Names]],
) -> Iterator[Observed]:
    """Lock what was observed, and observe again, until the locks cover all that exists."""
    names = observe()[1]
    with host.locks.projection('record'):
        host.record.writer.open()
    while True:
        try:
            host.locks.acquire(names)
            observed, current = observe()
            if current <= names:
                with host.locks.marked_active():
                    yield observed
                    _write_metadata(host)
                return
            names = current
        finally:
            host.locks.release()


def _write_metadata(host: Host) -> None:
    """Update the metadata of machines.

    A failure is only a warning: the changes are done, and the next run that changes something
    updates the metadata.
    """
    try:
        MachineMetadata(host).update()
    except Exception as error:
        if translated(error) is None:
            raise
        host.notes.append(
            f'the metadata of machines in libvirt is out of date: {error}; '
            'the next task that changes something updates it'
        )
