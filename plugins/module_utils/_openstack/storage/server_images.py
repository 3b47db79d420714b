# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of servers: Nova creates them, of running servers, too."""

from __future__ import annotations

import json
from typing import Dict

from ..._model.image import Image
from ..api.api import Api, Raw
from ..api.errors import NoAnswer
from ..api.lists import all_images, all_servers
from ..api.names import the_only
from ..api.polling import await_one
from ..api.properties import to_properties
from ..api.services import COMPUTE, VOLUME
from .image_rows import MAPPING, devices_of, is_of_server, ours


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
        answer = api.post(COMPUTE, f'/servers/{server["id"]}/action', body)
    except NoAnswer:
        begun = ours(all_images(api), image.name, api.project_id)
        if not begun:
            raise
        return str(begun[-1]['id'])
    return str(answer['image_id'])


def keep_root_only(api: Api, raw: Raw) -> Dict[str, str]:
    """Return the mapping of an image without the other volumes of the server, as a property.

    Nova creates snapshots of all volumes of a server that boots from one; those are deleted here.
    """
    devices = devices_of(raw)
    others = [device for device in devices if device.get('boot_index') != 0]
    for device in others:
        _delete_snapshot(api, device)
    if not others:
        return {}
    return {MAPPING: json.dumps([device for device in devices if device not in others])}


def delete_snapshots(api: Api, identity: str) -> None:
    """Delete the snapshots that an image of ours consists of, if it has no data."""
    for raw in all_images(api):
        if raw['id'] == identity and is_of_server(raw):
            for device in devices_of(raw):
                _delete_snapshot(api, device)


def _delete_snapshot(api: Api, device: Raw) -> None:
    path = f'/snapshots/{device.get("snapshot_id")}'
    answer = api.find(VOLUME, path)
    if not answer:
        return
    api.delete(VOLUME, path)
    if device.get('delete_on_termination'):
        _await_deletion(api, path)
        _delete_leftover(api, answer['snapshot']['volume_id'])


def _await_deletion(api: Api, path: str) -> None:
    def reason() -> str:
        answer = api.find(VOLUME, path)
        return f'a snapshot is {answer["snapshot"]["status"]}' if answer else ''

    await_one(api, reason)


def _delete_leftover(api: Api, identity: str) -> None:
    """Delete the root volume of a server that was deleted before its snapshot.

    Cinder deletes no volume that has snapshots, so that Nova could not delete it with the server.
    """
    path = f'/volumes/{identity}'
    answer = api.find(VOLUME, path)
    if answer and answer['volume']['status'] == 'available' and not answer['volume']['name']:
        api.delete(VOLUME, path, allowed=(400, 404))
