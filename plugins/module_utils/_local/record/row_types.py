# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about what the resources share; only type checkers import them."""

from __future__ import annotations

from typing import Mapping, Protocol, TypedDict


class Described(Protocol):
    """What has a description and labels."""

    @property
    def description(self) -> str:
        """Any text."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""


class Protectable(Described, Protocol):
    """What can be protected from deletion."""

    @property
    def delete_protection(self) -> bool:
        """Whether it is."""


class InProgress(TypedDict):
    """What a run is doing with a resource, or what an earlier run left unfinished."""

    name: str
    task_state: str | None


class Holder(TypedDict):
    """The size of a server, also before a resize (JSON)."""

    vcpus: int
    memory: int
    resized_from: str | None


class Number(TypedDict):
    """How many there are."""

    number: int


class DiskSpace(Number):
    """The size of all."""

    size: int


class NetworkPorts(Number):
    """The ports of a network."""

    name: str
    cidr: str


class ProjectName(TypedDict):
    """A project."""

    project: str


class NetworkRange(TypedDict):
    """The range of a network."""

    cidr: str


class ImageInMetadata(TypedDict):
    """An image in the metadata of a server."""

    id: int
    project: str
    uuid: str
    name: str
    source: str
    checksum: str | None
    disk_format: str
    os_admin_user: str | None
    application: str | None
    description: str
    labels: str
    delete_protection: int


class KeypairInMetadata(TypedDict):
    """A key pair in the metadata of a server."""

    id: int
    project: str
    uuid: str
    name: str
    public_key: str
    description: str
    labels: str
    created_by: str


class VolumeInMetadata(TypedDict):
    """A volume in the metadata of its server."""

    server_id: int
    uuid: str
    name: str
    size: int
    description: str
    labels: str
    bootable: int
    source: str
    delete_protection: int
    volume_type: str
    file_system: str
    mount_point: str


class GroupInMetadata(TypedDict):
    """A security group in the metadata of a port."""

    port_id: int
    uuid: str
    name: str


class NameOfOwner(TypedDict):
    """One of several names that an owner has in the metadata."""

    owner: int
    name: str
