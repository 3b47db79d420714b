# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks that are left of a cloud without its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import List

from .image import min_disk_gb
from .recovery_rows import Disks, Metadata, Row, Rows, append, project_of, uuids
from .root_volume import root_columns
from .server_type import CONTAINER, ROOT_TAR
from .volume_files import FILE_SYSTEM


def unknown_disks(rows: Rows, disks: Mapping[str, int]) -> List[str]:
    """Disks of servers that are neither on record nor defined."""
    unknown = set(disks) - uuids(rows, 'server')
    return [
        f'servers/{uuid} contains a disk of an unknown server; inspect it, and remove it manually'
        for uuid in sorted(unknown)
    ]


def add_root_volumes(rows: Rows, disks: Mapping[str, int]) -> None:
    """Add root volumes to servers of older versions, which have only the size of it."""
    volumes = rows.get('volume', ())
    known = {row['server_id'] for row in volumes if row.get('bootable')}
    for server in rows.get('server', ()):
        size = server.pop('volume_size', None)
        if server['id'] in known or server.get('type') == CONTAINER:
            continue
        name = str(server['name'])
        uuid = str(server['uuid'])
        columns = root_columns(name, uuid, int(server['id'] or 0))
        columns['size'] = size or min_disk_gb(disks.get(uuid, 1))
        for column in ('created_by', 'created_at'):
            if column in server:
                columns[column] = server[column]
        columns['project'] = project_of(server)
        append(rows, 'volume', columns)


def add_reader(rows: Rows, server: Row, volume: Metadata) -> None:
    """Let a server have a volume read-only, as others may have it."""
    project = project_of(server)
    found = [row for row in rows.get('volume', ()) if row['uuid'] == volume['uuid']]
    row = found[0] if found else append(rows, 'volume', {**volume, 'project': project})
    if row.get('server_id') is None:  # else another machine writes to it
        ids = {'volume_id': row['id'], 'server_id': server['id']}
        append(rows, 'volume_reader', {**ids, 'project': project})


def missing_disks(rows: Rows, disks: Disks) -> List[str]:
    lost: List[str] = []
    for kind in ('server', 'volume', 'image'):
        existing = disks.get(kind, {})
        for row in rows.get(kind, ()):
            if row.get('bootable'):  # that of its server
                continue
            if row['uuid'] not in existing and row.get('task_state') is None:
                name = row['name']
                lost.append(f'{kind} {name}: its disk is missing, with all data on it')
    return lost


def add_disks(rows: Rows, kind: str, disks: Disks) -> List[str]:
    """Add the disk files that nothing refers to, with names made of their UUIDs."""
    lost: List[str] = []
    sizes = disks.get(kind, {})
    unknown = set(sizes) - uuids(rows, kind)
    for uuid in sorted(unknown):
        name = f'recovered-{uuid[:8]}'
        size = sizes[uuid]
        row: Row = {
            'uuid': uuid,
            'name': name,
            'description': '',
            'labels': '{}',
        }
        if kind == 'volume':
            row['size'] = min_disk_gb(size)
            row['file_system'] = FILE_SYSTEM if uuid in disks.get(FILE_SYSTEM, {}) else ''
        else:
            row['size'] = size
            row['source'] = 'path:(unknown)'
            row['disk_format'] = _disk_format(uuid, disks)
        append(rows, kind, row)
        lost.append(f'{kind} {name}: its name is unknown')
    return lost


def _disk_format(uuid: str, disks: Disks) -> str:
    for disk_format in ('iso', ROOT_TAR):
        if uuid in disks.get(disk_format, {}):
            return disk_format
    return 'qcow2'
