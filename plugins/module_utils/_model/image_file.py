# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files with images, for other hosts, and the manifests beside them.

A manifest may come from anywhere: it is bounded, and nothing of it is used that is not valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List

from .change import AFTER_APPLY, plain_fields
from .checks import (
    GIB,
    MAX_VOLUME_SIZE,
    description_problems,
    label_problems,
    name_problems,
)
from .image import Image
from .login_names import login_problems
from .server_type import ROOT_TAR

SUFFIX = '.manifest.json'  # of the manifest, after the path of its file
MOST = 2**18  # bytes of a manifest
EXPORTED = ('qcow2', 'iso', ROOT_TAR)  # formats of images that can be created of their own files
_VERSION = 1
_CHECKSUM = re.compile('sha256:[0-9a-f]{64}')
_ID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_OPTIONS = ('disk_format', 'os_admin_user', 'description', 'labels', 'checksum')
_TYPES: Mapping[str, Any] = {
    'name': str,
    'id': str,
    'disk_format': str,
    'size': int,
    'min_disk': int,
    'os_admin_user': (str, type(None)),
    'description': str,
    'labels': dict,
    'file_size': int,
    'checksum': str,
}


@dataclass(frozen=True)
class ImageFile:
    """A file with the content of an image, and what its manifest says of that.

    ``name``: its path. ``id``: of the image. ``size``: of the disk in bytes; ``min_disk`` in GB.
    ``file_size``: in bytes. ``checksum``: of the file. ``damaged``: whether the file has another
    one than its manifest says, or is missing.
    """

    name: str
    image: str
    image_id: str
    disk_format: str
    size: int | str
    min_disk: int | str
    os_admin_user: str | None = None
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    file_size: int | str = AFTER_APPLY
    checksum: str = AFTER_APPLY
    damaged: bool = False
    mode: str = '0600'

    def public(self) -> Dict[str, Any]:
        """The file for a diff."""
        return plain_fields(self)

    def options(self) -> Dict[str, Any]:
        """What an image of it has, unless a task says otherwise."""
        found = {option: getattr(self, option) for option in _OPTIONS}
        return {option: value for option, value in found.items() if value not in (None, '', {})}

    def manifest(self) -> str:
        """The manifest as text."""
        fields = plain_fields(self, 'damaged', 'mode')
        values = {**fields, 'name': self.image, 'id': self.image_id}
        known = {key: values[key] for key in _TYPES}
        return json.dumps({'version': _VERSION, **known}, indent=2, sort_keys=True) + '\n'


def file_of(path: str, image: Image) -> ImageFile:
    """Return the file of an image, before it is written."""
    return ImageFile(
        path,
        image.name,
        image.id,
        image.disk_format,
        image.size,
        image.min_disk,
        image.os_admin_user,
        image.description,
        image.labels,
    )


def file_from(path: str, text: bytes) -> ImageFile:
    """Return the file that a manifest describes. Raises ValueError with what is wrong with it."""
    if len(text) > MOST:
        raise ValueError(f'it is larger than {MOST} bytes')
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError('it is no JSON') from None
    if not isinstance(values, dict):
        raise ValueError('it is no mapping')
    version = values.pop('version', None)
    if version != _VERSION or isinstance(version, bool):
        raise ValueError(f'its version is {ascii(version)[:20]}, this collection reads {_VERSION}')
    if set(values) != set(_TYPES):
        differing = sorted(ascii(key)[1:40].rstrip("'") for key in set(values) ^ set(_TYPES))
        raise ValueError(f'keys are missing or unknown: {", ".join(differing[:10])}')
    problems = _type_problems(values) or _value_problems(values)
    if problems:
        raise ValueError('; '.join(problems[:5]))
    values['image'] = values.pop('name')
    values['image_id'] = values.pop('id')
    return ImageFile(path, **values)


def _type_problems(values: Mapping[str, Any]) -> List[str]:
    return [
        f'{key} has the wrong type'
        for key, kind in _TYPES.items()
        if not isinstance(values[key], kind) or isinstance(values[key], bool)
    ]


def _value_problems(values: Mapping[str, Any]) -> List[str]:
    problems: List[str] = [
        *name_problems(values['name']),
        *description_problems(values['description']),
        *label_problems(values['labels']),
    ]
    if values['os_admin_user'] is not None:
        problems += login_problems(values['os_admin_user'])
    if values['disk_format'] not in EXPORTED:
        problems.append(f'disk_format is none of {", ".join(EXPORTED)}')
    if not (_CHECKSUM.fullmatch(values['checksum']) and _ID.fullmatch(values['id'])):
        problems.append('checksum or id is none')
    for key, most in {'size': GIB, 'file_size': 2 * GIB, 'min_disk': 1}.items():
        if not 0 < values[key] <= MAX_VOLUME_SIZE * most:
            problems.append(f'{key} is out of range')
    return problems
