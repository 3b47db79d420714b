# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the metadata of machines in libvirt is up to date; metadata.py writes it."""

from __future__ import annotations

from .record.host import Host


class MachineMetadata:
    """The metadata of machines and containers, a projection of the record."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host

    def is_written(self) -> bool:
        """Whether it was written since the last change that concerns it."""
        meta = self.host.record.meta()
        return bool(meta['metadata'] == meta['metadata_written'])

    def update(self) -> None:
        """Write it, if the record has changed since it was written."""
        if not self.is_written():
            self.host.with_retry(self.write)

    def write(self) -> None:
        """Write it where it differs."""
        from .record import metadata

        metadata.write(self.host)
