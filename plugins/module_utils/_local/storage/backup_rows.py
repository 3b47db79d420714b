# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups as rows of the record, and their folders in the stores."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, List, NamedTuple

from ..._model.status import TaskState
from ..host.settings import Settings
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from .row_types import ListedBackup

_DISK, _ROOT = 'root.qcow2', 'root.tar.zst'
# The server of a backup may have another name by now, or may not exist.
ALL = """SELECT b.*, s.name AS server_name, o.name AS base_name,
  json_extract(b.config, '$.type') IS 'container' AS has_files FROM backup b
  LEFT JOIN server s ON s.uuid = b.server_uuid LEFT JOIN backup o ON o.uuid = b.base WHERE """
_LIST: Query[ListedBackup] = Query(
    ALL + '?1 IS NULL OR b.name IN (SELECT value FROM json_each(?1)) ORDER BY b.id'
)


class Store(NamedTuple):
    """A directory for backups. ``mounted``: another file system has to be mounted there."""

    name: str
    path: str
    mounted: bool = False


def rows_of(record: Record, names: Iterable[str] | None) -> List[ListedBackup]:
    """The rows of all backups, or of those with these names."""
    return record.named(_LIST, names)


def store_of(settings: Settings, name: str) -> Store | None:
    """The store with this name; None: the settings do not name it."""
    found = [Store(**store) for store in settings.backup_stores]
    return next((store for store in found if store.name == name), None)


def store_problem(settings: Settings, name: str) -> str:
    """Why a store cannot be used now; empty: it can."""
    store = store_of(settings, name)
    if store is None:
        return f'the store {name} is not one of host_backup_stores'
    if not os.path.isdir(store.path):
        return f'the store {name} does not exist ({store.path})'
    if store.mounted:
        from ..host.mounts import is_mounted

        return '' if is_mounted(store.path) else f'the store {name} is not mounted ({store.path})'
    return ''


def folder_of(settings: Settings, row: ListedBackup) -> str:
    """The folder of a backup, whose store the settings name."""
    store = store_of(settings, row['store'])
    return os.path.join(store.path if store else '', row['uuid'])


def copy_of(row: ListedBackup) -> str:
    """The name of the copy in the folder of a backup."""
    return _ROOT if row['has_files'] else _DISK


def fault_of(settings: Settings, row: ListedBackup) -> str | None:
    """Why a backup that is complete cannot be read now; None: it can."""
    problem = store_problem(settings, row['store'])
    if problem or row['size'] is None or row['task_state'] == TaskState.DELETING:
        return problem or None
    sizes = {copy_of(row): row['size']}
    if row['volumes']:
        from .backup_copies import copies_of_volumes

        volumes = copies_of_volumes(row['volumes'])
        sizes.update({name: one['size'] for name, one in volumes.items()})
    folder = folder_of(settings, row)
    faults = (_fault(os.path.join(folder, name), size) for name, size in sizes.items())
    return next(filter(None, faults), None)


def _fault(path: str, expected: int) -> str:
    try:
        size = os.path.getsize(path)
    except OSError as error:
        return f'{path}: {error.strerror}'
    return '' if size == expected else f'{path} has {size} bytes, and had {expected}'
