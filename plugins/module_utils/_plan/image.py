# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict

from .._model.change import Draft, Plan
from .._model.image import DISK_FORMATS, IMMUTABLE, TABLE, Image, ImageRequest
from .._model.kinds import Verb
from .._model.server_type import CONTAINER, ROOT_TAR
from .common import plan_one

if TYPE_CHECKING:
    from .._model.server import Server


@dataclass(frozen=True)
class ObservedImages:
    """Images by name, and the source of the request.

    ``source_problem``: why the source cannot be used. ``servers``: with the source server, by name.
    ``of_running``: whether it may be running. ``held``: the current digests of the file
    at the source path; None: not read. ``checksum``: that of the request, resolved if it was a URL.
    """

    images: Mapping[str, Image]
    source_problem: str = ''
    servers: Mapping[str, Server] = field(default_factory=dict)
    of_running: bool = False
    held: Mapping[str, str] | None = None
    checksum: str | None = None


def plan(request: ImageRequest, observed: ObservedImages) -> Plan[Image]:
    """Create, update or delete one image."""
    draft = Draft()
    current = draft.settled('image', observed.images.get(request.name))
    if current and request.state == 'absent':
        from .protection import check_protection

        check_protection('image', current, request.options, draft)
    if request.state == 'present' and (current is None or current.unfinished is not None):
        source = request.options.get('source') or (current.source if current else '')
        _check_source(source, request.name, observed, draft)
        request = _in_format_of_server(request, source, observed, draft)
    if request.state == 'present' and current is not None:
        _check_disk(current, draft)
        if current.unfinished is None:
            options = _differing_options(current, request, observed, draft)
            request = replace(request, options=options)
    if {'visibility', 'shared_with'} & {*request.options}:
        request = _shared(request, current or Image(request.name), draft)
    result = plan_one(
        'image', request, current, TABLE, lambda: Image(request.name, **request.options), draft
    )
    return draft.finish(result, ('image', Verb.DELETE), ('image', Verb.CREATE))


def _shared(request: ImageRequest, image: Image, draft: Draft) -> ImageRequest:
    """The request with what its visibility implies."""
    from .sharing import shared_options

    options = shared_options('image', image, request.options, draft)
    after = replace(image, **options)
    if after.visibility != 'private' and after.disk_format == 'iso':
        draft.refuse(
            'visibility',
            f'image {image.name} is an ISO image, which servers of its project read only; leave it '
            'private',
        )
    return replace(request, options=options)


def _check_disk(current: Image, draft: Draft) -> None:
    if current.disk_missing:
        from .checks import check_image_disk

        check_image_disk(current, draft)


def _differing_options(
    current: Image,
    request: ImageRequest,
    observed: ObservedImages,
    draft: Draft,
) -> Dict[str, Any]:
    """The options without those that describe the same content in another way."""
    options = dict(request.options)
    checksum = observed.checksum or options.get('checksum')
    if checksum is not None and current.has_checksum(checksum):
        del options['checksum']
    held = observed.held
    if held is None or not current.digests:
        return options
    if all(current.digests.get(kind) == digest for kind, digest in held.items()):
        del options['source']
    elif options['source'] == current.source:
        draft.refuse(
            current.source.partition(':')[0],
            f'image {current.name}: {current.source} has changed since the image was created; '
            f'{IMMUTABLE}',
        )
    return options


def _check_source(
    source: str,
    name: str,
    observed: ObservedImages,
    draft: Draft,
) -> None:
    kind, _colon, where = source.partition(':')
    if not kind:
        draft.refuse(
            'path',
            f'image {name} does not exist; to create it, also set path, url (with checksum) or '
            'server',
        )
    elif kind == 'server':
        if draft.require('server', where, observed.servers):
            _check_server(observed.servers[where], observed, draft)
    elif observed.source_problem:
        draft.miss(kind, f'{kind}: {observed.source_problem}')


def _in_format_of_server(
    request: ImageRequest,
    source: str,
    observed: ObservedImages,
    draft: Draft,
) -> ImageRequest:
    """The request with the format of an image that is created from a server."""
    server = observed.servers.get(source.partition(':')[2])
    if server is None:
        return request
    is_container = server.type == CONTAINER
    found = ROOT_TAR if is_container else DISK_FORMATS[0]
    if request.options.get('disk_format', found) != found:
        kind = 'container' if is_container else 'virtual machine'
        draft.refuse(
            'disk_format',
            f'disk_format: server {server.name} is a {kind}, whose images are {found}; omit it',
        )
    return replace(request, options={**request.options, 'disk_format': found})


def _check_server(server: Server, observed: ObservedImages, draft: Draft) -> None:
    if not observed.of_running and server.power != 'stopped':
        draft.refuse(
            'server',
            f'server: {server.name} is running, and an image requires a stopped server; stop it '
            'first (state: stopped)',
        )
