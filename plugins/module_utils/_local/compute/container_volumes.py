# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes of containers: imported for those that have some."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, Iterable, List, Tuple

from ..._model.status import TaskState
from ..host.root_disks import renew_root
from ..record.host import Host
from ..storage import mount_points
from ..storage.pools import pool_of
from ..storage.volume_files import attach, detach, files_of, renew_files
from .machine_hardware import attribute

if TYPE_CHECKING:
    from .row_types import VolumeOfServer

Mounts = Tuple[Tuple[str, str], ...]  # folders of the host, and where containers have them
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE


def mounts_of(host: Host, volumes: Iterable[VolumeOfServer]) -> Mounts:
    """The mounts of volumes; what is mounted in another one comes after that."""
    pool = pool_of(host)
    found = [(files_of(pool.files(row['uuid'])), row['mount_point']) for row in volumes]
    return tuple(sorted(found, key=lambda mount: mount[1]))


def _had(volumes: Iterable[VolumeOfServer]) -> List[VolumeOfServer]:
    """The volumes that a container has when it starts next."""
    return [row for row in volumes if row['task_state'] != TaskState.DETACHING]


def check_mount_points(host: Host, name: str, root: str, volumes: Iterable[VolumeOfServer]) -> None:
    """Raise CloudError if a container has made of its files what keeps it from starting."""
    mount_points.check(host, name, root, _had(volumes))


def attached(host: Host, volumes: Iterable[VolumeOfServer], first: int) -> Mounts:
    """The mounts of a container, ready for it. ``first``: of its users on the host."""
    having = _had(volumes)
    pool = pool_of(host)
    for row in having:
        attach(pool.files(row['uuid']), first)
    return mounts_of(host, having)


def renew(host: Host, root: str, volumes: Iterable[VolumeOfServer]) -> None:
    """Mount anew what of a container that is off the kernel has stopped writing to."""
    renew_root(root)
    pool = pool_of(host)
    for row in volumes:
        renew_files(pool.files(row['uuid']))


def release(host: Host, volumes: Iterable[VolumeOfServer]) -> None:
    """Unmount the volumes of a container that is gone."""
    pool = pool_of(host)
    for row in volumes:
        detach(pool.files(row['uuid']))


def is_outdated(machine: Any) -> bool:
    """Whether a container that runs has other volumes than it is defined with."""
    now, defined = (ET.fromstring(machine.XMLDesc(flag)) for flag in (0, _INACTIVE))  # noqa: S314
    return mounts_in(now) != mounts_in(defined)


def mounts_in(definition: ET.Element) -> Mounts:
    """The mounts in a definition, its root file system first."""
    found: List[Tuple[str, str]] = []
    for mount in definition.iterfind('devices/filesystem'):
        found.append((attribute(mount, 'source', 'dir'), attribute(mount, 'target', 'dir')))
    return tuple(found)
