# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of images, with their manifests: on the machine where the module runs, as path is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import BinaryIO, Tuple

from .._cloud import Cloud, CloudError, Invalid, Missing, Outcome, Outcomes
from .._cloud.files import sync_folder
from .._cloud.images.limits import Limits
from .._cloud.images.source_files import digest, open_regular
from .._model.change import AFTER_APPLY, Change, Changes
from .._model.image import Image
from .._model.image_file import MOST, SUFFIX, ImageFile, file_from
from .translation import unsupported_options

_OPTION = 'export_path'
_STATE = '/var/lib/hanok'


def described(cloud: Cloud, path: str) -> ImageFile | None:
    """Return what the manifest beside a file says of it.

    Raises Invalid for a wrong manifest, and for a format that the cloud does not support.
    """
    manifest = path + SUFFIX
    if not os.path.lexists(manifest):
        return None
    try:
        found = file_from(path, _read(manifest))
    except PermissionError:
        raise _only_root('path', manifest) from None
    except (ValueError, OSError) as error:
        raise Invalid(
            f'path: {manifest} is no manifest of an image: {error}; delete it to import the file '
            'without it',
            'path',
        ) from error
    option = {'disk_format': found.disk_format}
    for problem in unsupported_options(cloud.profile, cloud.name, 'image', option):
        raise Invalid(f'path: {manifest}: {problem}', 'path')
    return found


def _read(path: str) -> bytes:
    with open_regular(path) as file:
        return file.read(MOST + 1)


def exported(path: str, image: str) -> ImageFile | None:
    """Return the file to which an image was exported; None: there is nothing.

    Raises CloudError if something else is there, which is never replaced.
    """
    _check_place(path)
    manifest = path + SUFFIX
    if not os.path.lexists(manifest):
        if os.path.lexists(path):
            raise _foreign(path, image)
        return None
    try:
        found = file_from(path, _read(manifest))
        is_damaged = not os.path.lexists(path) or _digest(path) != found.checksum
    except PermissionError:
        raise _only_root(_OPTION, path) from None
    except (ValueError, OSError):
        raise _foreign(path, image) from None
    if found.image != image:
        raise _foreign(path, image)
    return replace(found, damaged=is_damaged)


def _only_root(option: str, path: str) -> CloudError:
    return CloudError(
        f'{option}: {path} and what is beside it cannot be read; run the task as root (become: '
        'true)',
        option,
    )


def _foreign(path: str, image: str) -> Invalid:
    return Invalid(
        f'{_OPTION}: {path} or {path}{SUFFIX} exists, and is no export of image {image}; delete '
        'both, or use another path',
        _OPTION,
    )


def _check_place(path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise Invalid(f'{_OPTION}: {path} is a folder; set a file in it', _OPTION)
    if not os.path.isdir(folder):
        raise Missing(f'{_OPTION}: the folder {folder} does not exist; create it first', _OPTION)
    if os.path.commonpath([_STATE, os.path.realpath(folder)]) == _STATE:
        raise Invalid(f'{_OPTION}: {path} is in {_STATE}; use a folder elsewhere', _OPTION)


def _digest(path: str) -> str:
    with open_regular(path) as file:
        return f'sha256:{digest(file)}'


class ImageFiles:
    """Writes files of images."""

    def __init__(self, cloud: Cloud, seconds: int) -> None:
        """``seconds``: within which a file has to be written."""
        self.cloud = cloud
        self.seconds = seconds

    def write(self, changes: Changes) -> Outcomes:
        """Write files of images, with their manifests."""
        return [self._outcome(change) for change in changes]

    def _outcome(self, change: Change) -> Outcome:
        try:
            self._write(change.new(ImageFile))
        except CloudError as error:
            return Outcome(change, error)
        except OSError as error:
            return Outcome(change, CloudError(f'{_OPTION}: {error}', _OPTION))
        return Outcome(change)

    def _write(self, wanted: ImageFile) -> None:
        """Write both under other names first, which are of this image only: it is locked.

        The manifest gets its name before the file: a file without one is not known to be ours, and
        the checksum tells that a file is not the one of its manifest.
        """
        path, manifest = wanted.name, wanted.name + SUFFIX
        wanted = _identified(wanted, self.cloud.images.list([wanted.image]))
        part = f'{path}.{wanted.image_id}.part'
        manifest_part = f'{manifest}.{wanted.image_id}.part'
        try:
            wanted = self._copied(wanted, part)
            with _new(manifest_part) as file:
                file.write(wanted.manifest().encode())
            os.rename(manifest_part, manifest)
            os.rename(part, path)
        finally:
            for left in (manifest_part, part):
                with suppress(FileNotFoundError):
                    os.unlink(left)
        sync_folder(os.path.dirname(os.path.abspath(path)))

    def _copied(self, wanted: ImageFile, part: str) -> ImageFile:
        folder = os.path.dirname(os.path.abspath(part))
        limits = Limits(folder, self.seconds, 'nothing was exported')
        what = f'image {wanted.image}'
        with self.cloud.images.opened(wanted.image) as content:
            size = content.seek(0, os.SEEK_END)
            content.seek(0)
            limits.check_size(size, what)
            with _new(part) as copy:
                digests = limits.transfer(content.read, copy.write, what)
        return replace(wanted, file_size=size, checksum=f'sha256:{digests["sha256"]}')


def _identified(wanted: ImageFile, images: Tuple[Image, ...]) -> ImageFile:
    """The file with what is known of its image since that exists."""
    for image in images:
        is_known = wanted.image_id in (AFTER_APPLY, image.id)
        if image.status == 'available' and is_known and not image.owner:
            return replace(
                wanted, image_id=image.id, size=image.size, min_disk=image.min_disk, damaged=False
            )
    raise CloudError(f'image {wanted.image} is not available; run the task again', _OPTION)


@contextmanager
def _new(path: str) -> Iterator[BinaryIO]:
    """Write a new file, all of which is on the disk then; what an earlier run left is removed."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
