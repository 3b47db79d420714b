# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the disks of volumes are, by type.

In the directory of volumes is a link to each disk that is elsewhere. So machines, snapshots and the
recovery of the record find all of them there.
"""

from __future__ import annotations

import os
from typing import Tuple

from ..._model.volume import DEFAULT_TYPE
from ..._model.volume_type import VolumeType
from ..host.mounts import is_mounted
from ..host.settings import Settings
from ..host.settings_volume_types import VolumePlace, places_of
from .pools import Disk

_MOVED = 'moved-volumes'  # of disks that have been elsewhere, and are of the default type again


def types_of(settings: Settings) -> Tuple[VolumeType, ...]:
    """Return the types that volumes can have on this host."""
    others = (VolumeType(one.name, _fault(one), one.limits or {}) for one in places_of(settings))
    return (VolumeType(DEFAULT_TYPE), *others)


def _fault(place: VolumePlace) -> str:
    """Why volumes of a type cannot be used now; empty: they can."""
    what = f'{place.path}, the directory of volume type {place.name},'
    if not os.path.isdir(place.path):
        return f'{what} does not exist; create or mount it'
    if place.mounted and not is_mounted(place.path):
        return f'{what} is not mounted; mount it'
    return ''


def folders(settings: Settings) -> Tuple[str, ...]:
    """Return all directories to which links lead."""
    return (settings.path(_MOVED), *(one.path for one in places_of(settings)))


def placed(settings: Settings, name: str, disk: Disk) -> Disk:
    """Return the disk of a volume with where its type says that it is."""
    if name == DEFAULT_TYPE:
        return disk._replace(folder=settings.path(_MOVED))
    place = next((one for one in places_of(settings) if one.name == name), None)
    fault = _unavailable(place, name, disk)
    return disk._replace(folder=place.path if place else '', fault=fault)


def type_of(settings: Settings, disk: Disk) -> str:
    """Return the type of a disk by where its file is: of a volume that is on no record."""
    folder = os.path.dirname(os.path.realpath(disk.path))
    found = (one.name for one in places_of(settings) if os.path.realpath(one.path) == folder)
    return next(found, DEFAULT_TYPE)


def _unavailable(place: VolumePlace | None, name: str, disk: Disk) -> str:
    """Return why the disk of a volume cannot be reached, though it is not lost."""
    there = os.path.realpath(disk.path)
    if place is None:
        if os.path.exists(there):
            return ''
        return (
            f'its disk {there} cannot be found, and the host has no volume type {name} any more; '
            'name it in host_volume_types of the role hanok.cloud.host'
        )
    moved = os.path.islink(disk.path) and os.path.dirname(there) != os.path.realpath(place.path)
    if not moved:
        return _fault(place)
    return '' if os.path.exists(there) else f'its disk {there} cannot be found; mount it'
