# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about images and volumes; only type checkers import them."""

from __future__ import annotations

from typing import TypedDict

from ..record.storage_rows import BackupRow, ImageRow, VolumeRow


class ListedImage(ImageRow):
    """An image, the names of the servers that use it, and its project if that is another one."""

    used: str | None
    owner: str


class ListedVolume(VolumeRow):
    """A volume, and the server that it is attached to, with the UUID of its machine.

    The snapshots that it is in, and its own, are JSON; beside them, what is being done with one of
    those of the server, and of its own. Readers: JSON, of each server that has it read-only its
    name, what is being done with that attachment, and its power.
    """

    server: str | None
    machine: str | None
    power: str | None
    hardware: str | None
    snapshots: str
    own_snapshots: str
    own_task_state: str | None
    snapshot_task_state: str | None
    image_task_state: str | None
    readers: str


class MountedVolume(TypedDict):
    """What of a volume for containers says where it is mounted."""

    uuid: str
    name: str
    mount_point: str


class Attachment(TypedDict):
    """A server that a volume is attached to, as ListedVolume has it."""

    server: str
    machine: str
    hardware: str


class SnapshotOfVolume(TypedDict):
    """What a snapshot is called in the disk of its volume, by its UUID; its GB, and the volume."""

    uuid: str
    size: int
    volume: str


class ListedBackup(BackupRow):
    """A backup, and the name of its server today; None: that does not exist any more.

    ``has_files``: whether it is of a container, which has files, and no disk. ``base_name``: the
    name of its base; None: it has none, or that is gone.
    """

    server_name: str | None
    has_files: int
    base_name: str | None
