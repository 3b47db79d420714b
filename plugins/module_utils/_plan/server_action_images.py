# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images that servers are rebuilt and rescued with."""

from __future__ import annotations

from collections.abc import Mapping

from .._model.change import Draft
from .._model.image import Image
from .._model.server import Server
from .._model.server_type import CONTAINER
from .checks import check_image_disk, check_is_for


def check_rebuild(
    current: Server,
    name: str,
    images: Mapping[str, Image],
    draft: Draft,
) -> None:
    """Refuse an image that does not exist, is not complete, or larger than the root disk."""
    image = _complete_image(current, name, images, draft)
    if image is None or not isinstance(image.min_disk, int):
        return
    is_limited = current.type != CONTAINER or current.volume_size
    if is_limited and image.min_disk > current.volume_size:
        draft.refuse(
            'image',
            f'image: {image.name} requires {image.min_disk} GB, the root disk of server '
            f'{current.name} has {current.volume_size}; extend it (volume_size) first',
            name=current.name,
        )


def check_rescue(
    current: Server,
    name: str,
    images: Mapping[str, Image],
    draft: Draft,
) -> None:
    """Refuse an image that does not exist, is not complete, or cannot rescue this server."""
    image = _complete_image(current, name, images, draft)
    if name == current.image:
        draft.notes.append(
            f'server {current.name} was created from {name}: a guest that finds its disks by their '
            'labels or UUIDs may mount the root disk of the server instead of the rescue disk, '
            'which has the same ones; another image is safer'
        )
    if image and image.rescue_problem and not current.disk_of_flavor:
        draft.refuse(
            'image',
            f'image {image.name} cannot rescue server {current.name}, whose root disk is a volume: '
            f'{image.rescue_problem}',
            name=current.name,
        )


def _complete_image(
    current: Server, name: str, images: Mapping[str, Image], draft: Draft
) -> Image | None:
    image = images.get(name)
    check_image_disk(image, draft)
    if image is None:
        if name == current.image:  # a requested one that does not exist was reported
            draft.refuse(
                'image',
                f'the image of server {current.name} no longer exists; set another one (image)',
                name=current.name,
            )
    elif image.unfinished or image.task_state:
        draft.refuse(
            'image',
            f'image {image.name} is unfinished; run the task that creates it again',
            name=current.name,
        )
    if image and (current.hardware or current.type == CONTAINER):
        check_is_for(current.type, image, draft)
    return image
