# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cloud on this host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, List, Tuple

from .._cloud import CloudError, Names, Seen
from . import settings
from .keypairs import LocalKeypairs
from .locks import Locks
from .record import Record


class LocalCloud:
    """libvirt, nftables, HAProxy, and one SQLite file. Each resource is imported when it is first asked for."""

    def __init__(self, actor: str, timeout: int) -> None:
        """``actor``: who asks. ``timeout``: seconds to wait for locks and for guests."""
        if os.geteuid() != 0:
            raise CloudError('the cloud local is this host itself, which only root may change: say become: true in the play')
        self.settings = settings.load()
        self.record = Record(self.settings.state, actor)
        self.locks = Locks(self.settings.path('locks'), actor, timeout)

    @property
    def notes(self) -> List[str]:
        """What is to be told as warnings."""
        return self.locks.notes

    @property
    def keypairs(self) -> LocalKeypairs:
        """Key pairs."""
        return LocalKeypairs(self.record)

    @contextmanager
    def changing(self, look: Callable[[], Tuple[Seen, Names]]) -> Iterator[Seen]:
        """Hold what was seen, look again, and repeat until what is held covers what is there."""
        names = look()[1]
        self.record.write()
        while True:
            try:
                self.locks.take(names)
                seen, now = look()
                if now <= names:
                    yield seen
                    self.record.export()
                    return
                names = now
            finally:
                self.locks.release()

    def close(self) -> None:
        """Let go of the record and of libvirt."""
        self.record.sql.close()
