# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the root disk of a server can have a requested size, where it is that of its flavor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._model.change import Draft
from .._model.server import Server

if TYPE_CHECKING:
    from .._model.flavor import Flavor


def check_disk_of_flavor(
    current: Server, options: Mapping[str, Any], flavor: Flavor | None, draft: Draft
) -> None:
    """Refuse a size that is not that of the flavor, and a flavor with a smaller disk."""
    resizes = flavor is not None and flavor.name != current.flavor
    disk = flavor.disk if flavor and resizes else current.volume_size
    requested = options.get('volume_size', current.volume_size)
    if requested == disk:
        return
    if resizes and disk < current.volume_size:
        draft.refuse(
            'flavor',
            f'server {current.name}: flavor {options["flavor"]} has a disk of {disk} GB, and the '
            f'disk of {current.flavor} with {current.volume_size} GB cannot shrink; use a flavor '
            'with a larger disk, or re-create the server',
            name=current.name,
        )
    elif resizes or requested > disk:
        draft.refuse(
            'volume_size',
            f'server {current.name}: its root disk is that of its flavor, with {disk} GB, and '
            f'cannot have {requested} GB; use a flavor with such a disk, or re-create the server '
            'with this volume_size: then it boots from a volume, which can grow',
            name=current.name,
        )
