# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.image import IMMUTABLE, TABLE, Image, ImageRequest
from .._model.kinds import Verb
from .._model.server_type import OCI
from .common import plan_one

if TYPE_CHECKING:
    from .._model.backup import Backup
    from .._model.image_file import ImageFile
    from .._model.server import Server
    from .volume import ObservedVolumes


@dataclass(frozen=True)
class ObservedImages:
    """Images by name, and the source of the request.

    ``source_problem``: why the source cannot be used. ``servers``, ``backups``: with the source, by
    name; ``volumes``: with a source that is a volume or a snapshot of one.
    ``of_attached``: whether it may be attached. ``held``: the current digests of the file at the
    source path; None: not read. ``checksum``: that of the request, resolved if it was a URL.
    ``described_by``: the manifest of the source. ``file``: to which it was exported. ``shortage``:
    see Backups.
    """

    images: Mapping[str, Image]
    source_problem: str = ''
    servers: Mapping[str, Server] = field(default_factory=dict)
    backups: Mapping[str, Backup] = field(default_factory=dict)
    volumes: ObservedVolumes | None = None
    of_attached: bool = True
    held: Mapping[str, str] | None = None
    checksum: str | None = None
    described_by: ImageFile | None = None
    file: ImageFile | None = None
    shortage: str = ''


def plan(request: ImageRequest, observed: ObservedImages) -> Plan[Image]:
    """Create, update or delete one image."""
    draft = Draft()
    current = draft.settled('image', observed.images.get(request.name))
    if request.state == 'absent':
        if current:
            from .protection import check_protection

            check_protection('image', current, request.options, draft)
    elif current is None or current.unfinished is not None:
        request = _to_create(request, current, observed, draft)
    else:
        options = _differing_options(current, request, observed, draft)
        request = replace(request, options=options)
    if request.state == 'present' and current:
        _check_disk(current, draft)
    if {'visibility', 'shared_with'} & {*request.options}:
        request = _shared(request, current or Image(request.name), draft)
    result = plan_one('image', request, current, TABLE, lambda: _new(request), draft)
    if request.export_path and result:
        from .image_file import export

        export(request.export_path, result[0], observed, draft)
    return draft.finish(result, ('image', Verb.DELETE), ('image', Verb.CREATE))


def _new(request: ImageRequest) -> Image:
    """The image that is created; what it runs is known when it is imported."""
    is_oci = request.options.get('disk_format') == OCI
    return Image(request.name, application=AFTER_APPLY if is_oci else None, **request.options)


def _to_create(
    request: ImageRequest, current: Image | None, observed: ObservedImages, draft: Draft
) -> ImageRequest:
    """The request for an image that is new, or was created only in part."""
    from .image_source import check_source, in_format_of_source, of_new_source

    if observed.described_by:
        from .image_file import as_described

        request = as_described(request, observed.described_by, draft)
    source = request.options.get('source') or (current.source if current else '')
    check_source(source, request.name, observed, draft)
    request = in_format_of_source(request, source, observed, draft)
    return of_new_source(request, current)


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
