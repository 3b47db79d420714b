# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the internal snapshots of a qcow2 file hold, read from its tables without a lock.

The layout is that of QEMU's docs/interop/qcow2.txt. A machine may be writing meanwhile: what it has
not written to the tables yet is missed.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Dict, FrozenSet, Iterator, List, NamedTuple, Tuple

_HEADER = struct.Struct('>4sI12xIQ4xIQ12xIQQ')
_SNAPSHOT = struct.Struct('>QIHH16xII')
_EXTENDED_L2 = 1 << 4  # of the incompatible features
_OFFSET = 0x00FFFFFFFFFFFE00  # of a cluster or table; the other bits are flags
_COPIED = 1 << 63  # a flag: no snapshot has the cluster
Cluster = Tuple[int, int]


class _Table(NamedTuple):
    """An L1 table: that of the disk as it is, or of a snapshot."""

    offset: int
    entries: int


class Usage(NamedTuple):
    """``own``: bytes that only a snapshot holds. ``changed``: bytes of the disk written since."""

    own: int
    changed: int


def usage(path: str) -> Dict[str, Usage]:
    """The usage of each snapshot of a file by name. Raises ValueError, OSError, struct.error."""
    with open(path, 'rb') as file:
        return _Image(file).usage()


class _Image:
    """An open file."""

    def __init__(self, file: BinaryIO) -> None:
        """Read its header."""
        self.file = file
        magic, version, bits, self.size, entries, offset, count, snapshots, features = (
            _HEADER.unpack(file.read(_HEADER.size))
        )
        if magic != b'QFI\xfb':
            raise ValueError('this is no qcow2 file')
        self.cluster_size = 1 << bits
        is_extended = version > 2 and features & _EXTENDED_L2
        self.entry_size = 16 if is_extended else 8
        self.active = _Table(offset, entries)
        self._parsed: Dict[int, Dict[int, Cluster]] = {}  # snapshots share most L2 tables
        self.snapshots = dict(self._snapshots(snapshots, count))

    def _snapshots(self, offset: int, count: int) -> Iterator[Tuple[str, _Table]]:
        """The tables of the snapshots, by name."""
        for _number in range(count):
            self.file.seek(offset)
            table, entries, id_size, name_size, _state, extra = _SNAPSHOT.unpack(
                self.file.read(_SNAPSHOT.size)
            )
            self.file.seek(extra + id_size, 1)
            name = self.file.read(name_size).decode(errors='replace')
            yield name, _Table(table, entries)
            length = _SNAPSHOT.size + extra + id_size + name_size
            offset += -(-length // 8) * 8

    def usage(self) -> Dict[str, Usage]:
        """See the function."""
        tables: Dict[str, Dict[int, Cluster]] = {}
        for name, table in self.snapshots.items():
            tables[name] = self._clusters(table)
        # After the disk is the memory of a guest, which the disk as it is does not need.
        disk = -(-self.size // self.cluster_size)
        clusters = self._clusters(self.active)
        active = {number: clusters[number] for number in clusters if number < disk}
        found = {}
        for name, clusters in tables.items():
            others = [table for other, table in tables.items() if other != name]
            held = _offsets(clusters) - _offsets(active).union(*map(_offsets, others))
            changed = {
                number
                for number in {*clusters, *active}
                if number < disk and clusters.get(number) != active.get(number)
            }
            size = self.cluster_size
            found[name] = Usage(len(held) * size, len(changed) * size)
        return found

    def _clusters(self, table: _Table) -> Dict[int, Cluster]:
        """The clusters of a table by number: where they are, and which parts of them are."""
        found: Dict[int, Cluster] = {}
        in_table = self.cluster_size // self.entry_size
        for index, entry in enumerate(self._words(table.offset, table.entries)):
            offset = entry & _OFFSET
            if not offset:
                continue
            if offset not in self._parsed:
                self._parsed[offset] = self._table(offset)
            for number, cluster in self._parsed[offset].items():
                found[index * in_table + number] = cluster
        return found

    def _table(self, offset: int) -> Dict[int, Cluster]:
        """The clusters of an L2 table."""
        words = self._words(offset, self.cluster_size // 8)
        wide = self.entry_size // 8
        entries = words[::wide]
        parts = words[1::wide] if wide > 1 else [0] * len(entries)
        return {
            number: (entry & ~_COPIED, part)
            for number, (entry, part) in enumerate(zip(entries, parts))
            if entry or part
        }

    def _words(self, offset: int, count: int) -> List[int]:
        self.file.seek(offset)
        return list(struct.unpack(f'>{count}Q', self.file.read(8 * count)))


def _offsets(clusters: Dict[int, Cluster]) -> FrozenSet[int]:
    return frozenset(cluster & _OFFSET for cluster, _parts in clusters.values())
