# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What follows from the record on this host: compared with the record, and written from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, NamedTuple, Protocol, Sequence

if TYPE_CHECKING:
    from .rows import NetworkRow


class Look(NamedTuple):
    """One comparison of this host with the record.

    ``since``: other runs are changing something: only what they do not change is checked, and what
    is loaded must be of this revision or a later one. None: there are no other runs. ``networks``:
    those without a task state.
    """

    since: str | None
    networks: Sequence[NetworkRow]


class Projection(Protocol):
    """One part of this host that follows from the record."""

    def faults(self, look: Look) -> Iterable[str]:
        """Return how it differs from the record."""

    def write(self, lock: int) -> None:
        """Make it match the record. ``lock``: a descriptor that programs inherit."""


class Projections(Protocol):
    """All projections, for the resources that they follow from."""

    def apply(self) -> None:
        """Write all projections but the metadata of machines."""

    def save_rules(self) -> None:
        """Write the file that the network hook loads when a network starts."""

    def end_stale_flows(self) -> None:
        """End connections of addresses that are being released, before others can get them."""

    def drain(self, servers: Iterable[int]) -> None:
        """Let balancers finish what servers (rows) have been sent, and send them nothing new."""

    def undrain(self, servers: Iterable[int]) -> None:
        """Let balancers send connections to servers (rows) that are healthy again."""

    def write_metadata(self) -> None:
        """Write the metadata of machines, if the record has changed since it was written."""
