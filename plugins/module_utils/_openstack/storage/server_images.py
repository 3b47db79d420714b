# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of servers: Nova creates them, of running servers, too."""

from __future__ import annotations

import json
from typing import Dict, List

from ..._cloud import NoAnswer
from ..._model.image import Image
from ..api.api import Api, Raw
from ..api.lists import all_images, all_servers
from ..api.names import the_only
from ..api.polling import await_one
from ..api.properties import to_only_properties
from ..api.services import COMPUTE, VOLUME
from .image_rows import MAPPING, devices_of, is_of_cloud, ours
from .root_volumes import volume_ids


def create_from_server(api: Api, image: Image, until: str) -> str:
    """Begin an image of a server; return its id. ``until``: when the time of this run ends.

    It is complete when Nova has created it, unless there are other volumes, which Nova adds: so
    that what a run that was killed has left is what the next one predicts. Labels and the
    description, for which Nova has too little space, are written afterwards.
    """
    name = image.source.partition(':')[2]
    server = the_only('server', name, all_servers(api), api.project_id)
    own = {'source': image.source, 'created_by': api.actor, 'until': until}
    if not server['image'] and len(volume_ids(server)) > 1:
        own['unfinished'] = 'creating'
    metadata = to_only_properties(image.name, own)
    metadata['description'] = ''  # else it has that of the image of the server
    body = {'name': image.name, 'metadata': metadata}
    try:
        answer = api.post(COMPUTE, f'/servers/{server["id"]}/action', {'createImage': body})
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
    kept: List[Raw] = []
    devices = devices_of(raw)
    for device in devices:
        if device.get('boot_index') == 0:
            kept.append(device)
        else:
            _delete_snapshot(api, device)
    if kept == devices:
        return {}
    return {MAPPING: json.dumps(kept)}


def delete_snapshots(api: Api, identity: str) -> None:
    """Delete the snapshots that an image of ours consists of, if it has no data."""
    for raw in all_images(api):
        if raw['id'] == identity and is_of_cloud(raw):
            for device in devices_of(raw):
                _delete_snapshot(api, device)


def _delete_snapshot(api: Api, device: Raw) -> None:
    snapshot = device.get('snapshot_id')
    path = f'/snapshots/{snapshot}'
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
        if not answer:
            return ''
        status = answer['snapshot']['status']
        return f'a snapshot is {status}'

    await_one(api, reason)


def _delete_leftover(api: Api, identity: str) -> None:
    """Delete the root volume of a server that was deleted before its snapshot.

    Cinder deletes no volume that has snapshots, so that Nova could not delete it with the server.
    """
    path = f'/volumes/{identity}'
    answer = api.find(VOLUME, path)
    if not answer:
        return
    volume = answer['volume']
    if volume['status'] == 'available' and not volume['name']:
        api.delete(VOLUME, path, (400, 404))
