# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root volumes of servers: Nova creates them without a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, List

from ..._model.root_volume import root_name
from ..api.api import Raw, Raws


def root_volume(raw: Raw, volumes: Mapping[str, Raw]) -> Raw | None:
    """Return the volume that a server boots from; None if it boots from its flavor's disk."""
    if raw['image']:
        return None
    ids = [identity for identity in volume_ids(raw) if identity in volumes]
    attached = [volumes[identity] for identity in ids]
    bootable = [volume for volume in attached if volume['bootable'] == 'true']
    for volume in filter(_is_first_disk, bootable):
        return volume
    return bootable[0] if bootable else None


def _is_first_disk(volume: Raw) -> bool:
    devices = [str(one['device']) for one in volume['attachments']]
    return any(device.endswith('da') for device in devices)


def volume_ids(raw: Raw) -> List[str]:
    """Return the ids of the volumes that a server has."""
    return [one['id'] for one in raw['os-extended-volumes:volumes_attached']]


def with_names(volumes: Raws, servers: Raws) -> List[Raw]:
    """Return volumes with their names here: SERVER/root, or the id, if they have none."""
    names: Dict[str, str] = {}
    for server in servers:
        if server['image']:
            continue
        for identity in volume_ids(server):
            names.setdefault(identity, root_name(server['name']))
    found: List[Raw] = []
    for raw in volumes:
        identity = raw['id']
        name = raw['name'] or names.get(identity, identity)
        found.append({**raw, 'name': name})
    return found
