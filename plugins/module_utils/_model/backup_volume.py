# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup of a server has of a volume that was attached to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict

from .change import AFTER_APPLY, plain_fields
from .volume import Volume


@dataclass(frozen=True)
class VolumeCopy:
    """The copy of a volume, and what that was then.

    ``volume_size``: in GB. ``size``: of the copy, in bytes. ``checksum``: of the copy.
    """

    id: str
    name: str
    volume_size: int
    volume_type: str
    size: int | str = AFTER_APPLY
    checksum: str = AFTER_APPLY

    def public(self) -> Dict[str, Any]:
        """The copy for the result of a module."""
        return plain_fields(self)

    def recorded(self) -> Dict[str, Any]:
        """What is recorded of it before it is complete."""
        return {key: value for key, value in vars(self).items() if value != AFTER_APPLY}


def copy_of(volume: Volume) -> VolumeCopy:
    """The copy of a volume in a backup that is to be made."""
    return VolumeCopy(volume.id, volume.name, volume.size, volume.volume_type)
