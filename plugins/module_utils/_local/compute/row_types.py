# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about servers and machines; only type checkers import them."""

from __future__ import annotations

from typing import List, Tuple, TypedDict

from ..record.rows import BridgePortRow, PortRow, ServerRow
from ..record.storage_rows import ServerSnapshotRow, VolumeSnapshotRow


class Named(TypedDict):
    """What has a name in a project."""

    project: str
    name: str


class Machine(Named):
    """What owns a machine of libvirt."""

    id: int
    uuid: str


class ListedServer(ServerRow):
    """A server with its image and root volume.

    Its further key pairs, its snapshots and the UUIDs of the images in its CD drives are JSON.
    """

    image: str
    image_uuid: str
    image_source: str
    os_admin_user: str | None
    application: str | None
    rescue_image: str | None
    rescue_image_uuid: str | None
    more_keys: str
    cdroms: str
    volume_size: int | None  # of its root volume, which a container does not have
    volume_task_state: str | None
    snapshots: str
    is_being_restored: int | None  # 1: so it is
    limits: str | None
    flavor_task_state: str | None


class ListedSnapshot(ServerSnapshotRow):
    """A snapshot with its volumes, as JSON. ``name``: of the server, whose lock it has."""

    full_name: str
    machine: str
    type: str
    parent: str | None
    volumes: str


class ListedVolumeSnapshot(VolumeSnapshotRow):
    """A snapshot of a volume. ``name``: of the volume, whose lock it has."""

    full_name: str
    bootable: int
    volume_uuid: str
    server: str | None
    machine: str | None


class DiskOfSnapshot(TypedDict):
    """The volume of a disk in a snapshot."""

    snapshot_id: int
    uuid: str
    bootable: int


class PortOfServer(PortRow):
    """A port of a server."""

    network: str
    cidr: str
    gateway: str
    floating: str | None


class VolumeOfServer(TypedDict):
    """A volume that is attached to a server, which may only read it."""

    id: int
    server_id: int | None
    uuid: str
    name: str
    task_state: str | None
    volume_type: str
    mount_point: str
    read_only: int


class GroupOfServer(TypedDict):
    """A security group of a port of a server."""

    server_id: int | None
    port_id: int
    own_groups: int
    name: str


class WatchedServer(ServerRow):
    """A server with its first port; without one, its values are empty."""

    application: str | None
    address: str
    mac: str
    network_id: int
    gateway: str


class ObservedServer(ListedServer):
    """A server with its ports, their groups, and its volumes."""

    ports: List[PortOfServer]
    bridge_ports: List[BridgePortRow]
    groups: List[GroupOfServer]
    volumes: List[VolumeOfServer]


class CompleteServer(ListedServer):
    """A server with all that its machine is made of. ``password``: of root, if this task has it."""

    ports: List[PortOfServer]
    bridge_ports: List[BridgePortRow]
    volumes: List[VolumeOfServer]
    public_keys: Tuple[str, ...]
    metadata: str
    password: str
    first_boot: str
