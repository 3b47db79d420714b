# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of files of images: written for other hosts, and read there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.change import AFTER_APPLY, Draft
from .._model.image import Image, ImageRequest
from .._model.image_file import EXPORTED, SUFFIX, ImageFile, file_of
from .._model.kinds import Verb

if TYPE_CHECKING:
    from .image import ObservedImages


def as_described(request: ImageRequest, file: ImageFile, draft: Draft) -> ImageRequest:
    """The request for a new image with what a manifest says, where the task does not."""
    wanted = request.options.get('checksum', file.checksum)
    if wanted.startswith('sha256:') and '/' not in wanted and wanted != file.checksum:
        draft.refuse(
            'checksum',
            f'checksum: {file.name}{SUFFIX} says {file.checksum}, requested {wanted}; the file is '
            'not the one that you expect',
        )
    return replace(request, options={**file.options(), **request.options})


def export(path: str, image: Image, observed: ObservedImages, draft: Draft) -> None:
    """Write an image to a file, unless it is there."""
    if image.disk_format not in EXPORTED:
        draft.refuse(
            'export_path',
            f'export_path: image {image.name} is of an OCI image (disk_format: oci); copy the '
            'archive that it was made of',
        )
        return
    current = observed.file
    wanted = file_of(path, image)
    if current and current.image_id == image.id and image.id != AFTER_APPLY:
        wanted = replace(wanted, file_size=current.file_size, checksum=current.checksum)
    if wanted != current:
        verb = Verb.UPDATE if current else Verb.CREATE
        draft.add('image_file', verb, current, wanted, why=_reason(current, image))


def _reason(current: ImageFile | None, image: Image) -> str:
    if current is None:
        return ''
    if current.damaged:
        return 'the file is not the one of its manifest'
    return 'it is of an earlier image' if current.image_id != image.id else ''
