# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image: parameters to requests, and observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.image import (
    DISK_FORMATS,
    OF_CLOUD,
    SOURCES,
    Image,
    ImageRequest,
    hidden_url,
    url_without_query,
)
from .._model.status import is_incomplete
from .._plan.image import ObservedImages, plan
from .options import NAME, STATE, by_name, names_of, specified_options
from .protection import PROTECTED, protected_options
from .references import References
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'path': {'type': 'path'},
    'url': {'type': 'str'},
    'server': {'type': 'str'},
    'backup': {'type': 'str'},
    'checksum': {'type': 'str'},
    'hide_url': {'type': 'bool', 'default': False},
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
    return ImageRequest(name, params['state'], options, url, hide_url)


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
    if hides or '?' in url or '@' in url:
        return [url]
    return []


def observe(cloud: Cloud, requested: ImageRequest) -> Tuple[ObservedImages, Names]:
    """Return the image, and whether it can be created from its source."""
    name = requested.name
    own = [image for image in cloud.images.list([name]) if not image.owner]
    images = by_name('image', own)
    names = {('image', name)}
    current = images.get(name)
    if requested.state == 'absent':
        return ObservedImages(images), names
    if current and not is_incomplete(current):
        return _with_digests(cloud, requested, current), names
    source = requested.options.get('source') or _source_of(current)
    kind, _colon, of = source.partition(':')
    if kind in OF_CLOUD:
        names.add((kind, of))
        return _of_cloud(cloud, images, kind, of), names
    known = current.disk_format if current else DISK_FORMATS[0]
    disk_format = requested.options.get('disk_format', known)
    problem = cloud.images.source_problem(source, disk_format) if source else ''
    return ObservedImages(images, problem), names


def _source_of(image: Image | None) -> str:
    return image.source if image else ''


def _of_cloud(cloud: Cloud, images: Mapping[str, Image], kind: str, of: str) -> ObservedImages:
    """What an image of a server or of a backup is created from."""
    if kind == 'backup':
        from .operations import backups_of

        return ObservedImages(images, backups=by_name('backup', backups_of(cloud).list()))
    servers = References('server', cloud.servers.list())
    servers.check(of)
    of_running = cloud.profile.images_of_running
    return ObservedImages(images, servers=servers, of_running=of_running)


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


RESOURCE = Resource(
    'image',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    secrets=secrets,
    rules={'mutually_exclusive': [SOURCES]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
