# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of servers: Nova creates them, of running servers, too."""

from __future__ import annotations

import json
from typing import List

from ..._model.image import Image
from ..api.api import Api
from ..api.errors import NoAnswer
from ..api.lists import all_images, all_servers
from ..api.names import the_only
from ..api.properties import to_properties
from ..api.services import COMPUTE, VOLUME
from .image_rows import is_of_server, ours


def create_from_server(api: Api, image: Image, until: str) -> str:
    """Begin an image of a server; return its id. ``until``: when the time of this run ends.

    Nova gives it the properties of the image of the server, ours among them: until those are
    replaced, it is unfinished.
    """
    name = image.source.partition(':')[2]
    server = the_only('server', name, all_servers(api), api.project_id)
    own = {
        'source': image.source,
        'created_by': api.actor,
        'unfinished': 'creating',
        'until': until,
    }
    metadata = to_properties(image.name, {}, own)
    body = {'createImage': {'name': image.name, 'metadata': metadata}}
    try:
        answer = api.call(COMPUTE, 'POST', f'/servers/{server["id"]}/action', body)
    except NoAnswer:
        begun = ours(all_images(api), image.name, api.project_id)
        if not begun:
            raise
        return str(begun[-1]['id'])
    return str(answer['image_id'])


def delete_snapshots(api: Api, identity: str) -> None:
    """Delete the snapshots of volumes that an image of ours consists of, if it has no data."""
    for raw in all_images(api):
        if raw['id'] == identity and is_of_server(raw):
            for snapshot in snapshot_ids(raw.get('block_device_mapping', '')):
                api.call(VOLUME, 'DELETE', f'/snapshots/{snapshot}', allowed=(404,))


def snapshot_ids(mapping: str) -> List[str]:
    """Return the ids of the snapshots in a block device mapping, which is JSON."""
    devices = json.loads(mapping or '[]')
    return [str(device['snapshot_id']) for device in devices if device.get('snapshot_id')]
