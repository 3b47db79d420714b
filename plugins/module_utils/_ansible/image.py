# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image: parameters to requests, and observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.image import (
    DISK_FORMATS,
    SOURCES,
    Image,
    ImageRequest,
    hidden_url,
    url_without_query,
)
from .._model.kinds import Verb
from .._model.status import is_incomplete
from .._plan.image import ObservedImages, plan
from .options import NAME, STATE, by_name, names_of, specified_options
from .protection import PROTECTED, protected_options
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .operations import Operations

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'path': {'type': 'path'},
    'url': {'type': 'str'},
    'server': {'type': 'str'},
    'volume': {'type': 'str'},
    'snapshot': {'type': 'str'},
    'backup': {'type': 'str'},
    'checksum': {'type': 'str'},
    'hide_url': {'type': 'bool', 'default': False},
    'export_path': {'type': 'path'},
    'disk_format': {'type': 'str', 'choices': list(DISK_FORMATS)},
    'os_admin_user': {'type': 'str'},
    'visibility': {'type': 'str', 'choices': ['private', 'shared', 'public']},
    'shared_with': {'type': 'list', 'elements': 'str'},
    **PROTECTED,
}


def request(params: Dict[str, Any]) -> ImageRequest:
    """Return the request of the task."""
    name = params['name']
    url = params['url']
    hide_url = params['hide_url']
    options = {
        **specified_options(params, 'checksum', 'disk_format', 'os_admin_user', 'visibility'),
        **protected_options(params),
    }
    if params['shared_with'] is not None:
        options['shared_with'] = names_of(params['shared_with'])
    if 'checksum' in options:
        options['checksum'] = _normal_checksum(options['checksum'])
    for kind in SOURCES:
        if params[kind] is not None:
            options['source'] = f'{kind}:{params[kind]}'
    if url is not None:
        recorded = hidden_url(url) if hide_url else url_without_query(url)
        options['source'] = f'url:{recorded}'
    where = params['export_path']
    return ImageRequest(
        name, params['state'], options, url, hide_url, where, params['wait_timeout']
    )


def _normal_checksum(checksum: str) -> str:
    """Lower case, unless it names a checksum file."""
    text = checksum.strip()
    algorithm, colon, digits = text.partition(':')
    if '/' in digits:
        return text
    return f'{algorithm.lower()}{colon}{digits.lower()}'


def secrets(params: Mapping[str, Any]) -> List[str]:
    """Return a URL that may hold a token or a password."""
    url = params.get('url')
    if not isinstance(url, str):
        return []
    hides = params.get('hide_url') not in (None, False, 'false', 'no')
    # What is after the name of an image in a registry is its digest.
    where = url.partition('//')[2].partition('/')[0] if url.startswith('docker://') else url
    if hides or '?' in url or '@' in where:
        return [url]
    return []


def observe(cloud: Cloud, requested: ImageRequest) -> Tuple[ObservedImages, Names]:
    """Return the image, whether it can be created from its source, and its file."""
    observed, names = _observe(cloud, requested)
    if requested.export_path:
        from .image_files import exported

        observed = replace(observed, file=exported(requested.export_path, requested.name))
    return observed, names


def _observe(cloud: Cloud, requested: ImageRequest) -> Tuple[ObservedImages, Names]:
    name = requested.name
    own = [image for image in cloud.images.list([name]) if not image.owner]
    images = by_name('image', own)
    names = {('image', name)}
    current = images.get(name)
    if requested.state == 'absent':
        return ObservedImages(images), {*names, *_copied(current)}
    if current and not is_incomplete(current):
        return _with_digests(cloud, requested, current), names
    from .image_source import with_source

    return with_source(cloud, requested, current, images, names)


def _copied(current: Image | None) -> Names:
    """The server that an interrupted run has copied, which may have left something there."""
    kind, _colon, name = current.source.partition(':') if current else ('', '', '')
    return {(kind, name)} if kind == 'server' and current and is_incomplete(current) else set()


def _with_digests(cloud: Cloud, requested: ImageRequest, current: Image) -> ObservedImages:
    """An existing image, with what compares it by content.

    That is needed if the requested source or checksum is written in another way than the recorded
    one: the digests of a path, and the checksum from a checksum file.
    """
    source = requested.options.get('source', '')
    checksum = requested.options.get('checksum')
    digests = None
    if source.startswith('path:'):
        digests = cloud.images.source_digests(current.name, source)
    if checksum is not None and '/' in checksum and checksum != current.checksum:
        checksum = cloud.images.resolve_checksum(checksum, source or current.source)
    return ObservedImages({current.name: current}, held=digests, checksum=checksum)


def reload(cloud: Cloud, planned: Sequence[Image]) -> Sequence[Image]:
    """Return the image after the changes."""
    return cloud.images.list([image.name for image in planned])


def executors(cloud: Cloud, requested: ImageRequest) -> Operations:
    """Return what writes files of images."""
    from .image_files import ImageFiles

    write = ImageFiles(cloud, requested.wait_timeout).write
    return {('image_file', verb): write for verb in (Verb.CREATE, Verb.UPDATE)}


RESOURCE = Resource(
    'image',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    executors,
    secrets=secrets,
    rules={'mutually_exclusive': [SOURCES]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
