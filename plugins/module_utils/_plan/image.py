# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict

from .._model.change import Draft, Plan
from .._model.image import IMMUTABLE, TABLE, Image, ImageRequest
from .common import check_image_disk, plan_one


@dataclass(frozen=True)
class ObservedImages:
    """Images by name; what speaks against the source of the request; the server that is the source, by name, with its power.

    ``held``: the digests of what the path of the request holds now; None: it was not looked at.
    ``checksum``: of the request, resolved where it was an address.
    """

    images: Mapping[str, Image]
    source_problem: str = ''
    servers: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] | None = None
    checksum: str | None = None


def plan(request: ImageRequest, observed: ObservedImages) -> Plan:
    """Make, keep or delete one image."""
    draft, current = Draft(), observed.images.get(request.name)
    if request.state == 'present' and (current is None or current.task_state is not None):
        _source(
            request.options.get('source') or (current.source if current else ''),
            request.name,
            observed,
            draft,
        )
    if request.state == 'present':
        check_image_disk(current, draft)
        if current is not None and current.task_state is None:
            request = replace(request, options=_content(current, request, observed, draft))
    plan_one(
        'image', request, current, TABLE, lambda: Image(request.name, **request.options), draft
    )
    return draft.finish(('image', 'delete'), ('image', 'create'))


def _content(
    current: Image, request: ImageRequest, observed: ObservedImages, draft: Draft
) -> Dict[str, Any]:
    """The options without those that say in other words what the image was made of."""
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
        draft.refused.append(
            f'image {current.name}: {current.source} holds something else than the image was made of; {IMMUTABLE}'
        )
    return options


def _source(source: str, name: str, observed: ObservedImages, draft: Draft) -> None:
    kind, _colon, where = source.partition(':')
    if not kind:
        draft.refused.append(
            f'image {name} does not exist; to create it, also set path, url (with checksum) or server'
        )
    elif kind == 'server':
        if (
            draft.require('server', where, observed.servers)
            and observed.servers[where] != 'stopped'
        ):
            draft.refused.append(
                f'server: {where} runs, and an image is made of a disk at rest; stop it first (state: stopped)'
            )
    elif observed.source_problem:
        draft.missing.append(f'{kind}: {observed.source_problem}')
