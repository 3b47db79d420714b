# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups that have what changed since another one, their base, and the files of that chain.

A copy names the file that it stands on, for whoever reads it without the record. Here that is never
followed: what is in a store may be changed by others. Each file of the chain is compared with its
checksum, and qemu-img is told on which one each stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple

from ..._cloud import CloudError
from ..host.settings import Settings
from ..record.database import Query
from ..record.host import Host
from ..record.record import Record
from .backup_copies import copies_of_volumes
from .backup_files import BackupFolder, Copied, folder_in_store
from .backup_rows import ALL, copy_of, fault_of
from .pools import Disk

if TYPE_CHECKING:
    from .row_types import ListedBackup

_BY_UUID: Query[ListedBackup] = Query(ALL + 'b.uuid = ?')


class Link(NamedTuple):
    """A backup of a chain, and its folder."""

    row: ListedBackup
    folder: BackupFolder


def rows_of_chain(record: Record, row: ListedBackup) -> List[ListedBackup]:
    """The row of a backup, and those of its bases; the last one has everything."""
    chain = [row]
    while chain[-1]['base']:
        found = record.rows(_BY_UUID, chain[-1]['base'])
        if not found:
            raise CloudError(
                f'backup {row["name"]}: {chain[-1]["name"]} has only what changed since another '
                'one, which is not in the record; use another backup'
            )
        chain += found
    return chain


def fault_of_chain(host: Host, row: ListedBackup) -> str | None:
    """Why a backup with a base cannot be read now; None: it can."""
    try:
        chain = rows_of_chain(host.record, row)
    except CloudError as error:
        return str(error)
    return next(filter(None, (fault_of(host.settings, one) for one in chain)), None)


def copies_of(row: ListedBackup) -> Dict[str, Copied]:
    """The copies of a backup that is complete, by their names in its folder."""
    volumes = copies_of_volumes(row['volumes'])
    copies = {name: Copied(one['size'], one['checksum']) for name, one in volumes.items()}
    return {copy_of(row): Copied(row['size'] or 0, row['checksum'] or ''), **copies}


class Chain:
    """A backup, and those that it stands on."""

    def __init__(self, settings: Settings, rows: Sequence[ListedBackup], option: str) -> None:
        """``rows``: see rows_of_chain. Raise CloudError about ``option`` without the store."""
        self.links = [Link(one, folder_in_store(settings, one, option)) for one in rows]
        self.folder = self.links[0].folder

    def check(self, names: Sequence[str] = ()) -> None:
        """Raise CloudError unless all copies, or those with these names, are as written then."""
        for row, folder in self.links:
            for name, expected in copies_of(row).items():
                if name in names or not names:
                    folder.check(expected, name)

    def disk(self, name: str) -> Disk:
        """What qemu-img reads a copy from, with what that stands on."""
        one = len(self.links) == 1
        return Disk(self.folder.file(name) if one else self.source(name), '')

    def source(self, name: str) -> str:
        """How qemu-img opens a copy on what it stands on, and on nothing else."""
        node: Dict[str, Any] | None = None
        for link in reversed(self.links):
            file = {'driver': 'file', 'filename': link.folder.file(name)}
            node = {'driver': 'qcow2', 'file': file, 'backing': node}
        return 'json:' + json.dumps(node)
