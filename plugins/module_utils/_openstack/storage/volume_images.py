# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of volumes: Cinder creates them, of those that no server has."""

from __future__ import annotations

from ..._cloud import CloudError
from ..._model.checks import GIB
from ..._model.image import Image
from ..api.api import Api, Raw
from ..api.lists import all_images, all_servers, all_volumes
from ..api.names import the_only
from ..api.services import VOLUME
from .image_rows import BEGUN, ours
from .root_volumes import with_names


def create_from_volume(api: Api, image: Image, until: str) -> str:
    """Begin an image of a volume; return its id. ``until``: when the time of this run ends.

    It has another name until it is complete. If Cinder refuses, or its answer is lost, another run
    may have begun the image, or this one has.
    """
    options = {
        'image_name': BEGUN.format(until=until, name=image.name),
        'disk_format': 'qcow2',
        'container_format': 'bare',
    }
    path = f'/volumes/{_volume(api, image)["id"]}/action'
    try:
        answer = api.post(VOLUME, path, {'os-volume_upload_image': options})
    except CloudError:
        api.forget()
        begun = ours(all_images(api), image.name, api.project_id)
        if not begun:
            raise
        return str(begun[-1]['id'])
    return str(answer['os-volume_upload_image']['image_id'])


def size_of(api: Api, image: Image) -> str:
    """The size of the disk of an image of a volume in bytes, as a property."""
    return str(int(_volume(api, image)['size']) * GIB)


def _volume(api: Api, image: Image) -> Raw:
    name = image.source.partition(':')[2]
    volumes = with_names(all_volumes(api), all_servers(api))
    return the_only('volume', name, volumes, api.project_id)
