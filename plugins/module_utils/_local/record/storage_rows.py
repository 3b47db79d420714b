# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of the tables of images, volumes and snapshots (see rows.py)."""

# ruff: noqa: UP045 (the annotations are evaluated, also by Python 3.9)

from __future__ import annotations

from typing import Annotated, Optional

from .columns import (
    INDEX,
    METADATA,
    Description,
    Labels,
    OfServer,
    Protected,
    TaskState,
    Uuid,
    Value,
)
from .rows import Row


class ImageRow(Row):
    """An image. Size: bytes, NULL until it is imported."""

    uuid: Uuid
    name: Annotated[str, METADATA]
    source: Annotated[str, METADATA]
    checksum: Annotated[Optional[str], METADATA]
    disk_format: Annotated[str, "DEFAULT 'qcow2'", METADATA, Value.DISK_FORMAT]
    os_admin_user: Annotated[Optional[str], METADATA, Value.LOGIN_NAME]
    application: Annotated[Optional[str], METADATA, Value.APPLICATION]  # JSON
    visibility: Annotated[str, "DEFAULT 'private'", Value.VISIBILITY]
    shared_with: Annotated[str, "DEFAULT '[]'", Value.JSON]  # projects
    size: Optional[int]
    # The source that it was created from: digests by kind, size and time of the file.
    imported: Optional[str]
    description: Description
    labels: Labels
    task_state: TaskState
    delete_protection: Protected


class VolumeRow(Row):
    """A volume. Size: GiB. Bootable: the root volume of its server, which alone writes to it."""

    uuid: Uuid
    name: str
    size: Annotated[int, METADATA]
    server_id: Annotated[Optional[int], 'REFERENCES server', INDEX]
    description: Description
    labels: Labels
    task_state: TaskState
    bootable: Annotated[int, 'DEFAULT 0']
    source: Annotated[str, "DEFAULT ''", METADATA]  # what it was copied from
    delete_protection: Protected
    volume_type: Annotated[str, "DEFAULT 'default'", METADATA]
    file_system: Annotated[str, "DEFAULT ''", METADATA]  # of a volume for containers
    mount_point: Annotated[str, "DEFAULT ''", METADATA]  # in its container


class VolumeReaderRow(Row):
    """A server that has a volume read-only. Task state: attaching, detaching, or NULL."""

    volume_id: Annotated[int, 'REFERENCES volume', INDEX]
    server_id: Annotated[OfServer, INDEX]
    task_state: TaskState


class VolumeSnapshotRow(Row):
    """A snapshot of a volume. Name: that of the volume, a slash, and its own. Size: GiB."""

    uuid: Uuid
    name: str
    volume_id: Annotated[int, 'REFERENCES volume', INDEX]
    size: int
    description: str
    labels: Annotated[str, Value.LABELS]
    task_state: TaskState


class ServerSnapshotRow(Row):
    """A snapshot of a server. Name: that of the server, a slash, and its own.

    Memory: it has that of the guest; hardware is then what the machine had. Current: the server
    has changed since this one, and no other was made or restored meanwhile.
    """

    uuid: Uuid
    name: str
    server_id: Annotated[OfServer, INDEX]
    parent_id: Annotated[Optional[int], 'REFERENCES server_snapshot ON DELETE SET NULL']
    memory: int
    hardware: Annotated[Optional[str], Value.JSON]
    current: Annotated[int, 'DEFAULT 0']
    description: str
    labels: Annotated[str, Value.LABELS]
    task_state: TaskState


class ServerSnapshotDiskRow(Row):
    """A volume in a snapshot of its server. Size: GiB, at that time."""

    snapshot_id: Annotated[int, 'REFERENCES server_snapshot ON DELETE CASCADE', INDEX]
    volume_id: Annotated[int, 'REFERENCES volume', INDEX]
    size: int


class BackupRow(Row):
    """A backup of a server. Server: its name then. Volume size: GiB. Size: bytes in the store.

    Config: what the server was. Size and checksum: NULL until it is made. Volumes: NULL if it is
    without them, else a list; each has the size and the checksum of its copy when it is made. Base:
    the UUID of the backup since which it has what changed; NULL: it has everything.
    """

    uuid: Uuid
    name: str
    server: str
    server_uuid: str
    store: str
    mode: str
    volume_size: int
    config: Annotated[str, Value.JSON]
    size: Optional[int]
    checksum: Optional[str]
    application: Annotated[Optional[str], Value.APPLICATION]  # JSON; of a container
    description: str
    labels: Annotated[str, Value.LABELS]
    task_state: TaskState
    delete_protection: Annotated[int, 'DEFAULT 0']
    volumes: Annotated[Optional[str], Value.JSON]
    base: Optional[str]
