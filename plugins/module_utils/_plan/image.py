# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Dict

from .._model.change import Draft, Plan
from .._model.image import REMADE, TABLE, Image, ImageRequest
from .common import image_is_there, keep_one


@dataclass(frozen=True)
class ImagesSeen:
    """Images by name; what speaks against the source of the request; the server that is the source, by name, with its power.

    ``held``: the digests of what the path of the request holds now; None: it was not looked at.
    ``checksum``: of the request, resolved where it was an address.
    """

    images: Mapping[str, Image]
    source_problem: str = ''
    servers: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] | None = None
    checksum: str | None = None


def plan(request: ImageRequest, seen: ImagesSeen) -> Plan:
    """Make, keep or delete one image."""
    draft, now = Draft(), seen.images.get(request.name)
    if request.state == 'present' and (now is None or now.task_state is not None):
        _source(
            request.options.get('source') or (now.source if now else ''), request.name, seen, draft
        )
    if request.state == 'present':
        image_is_there(now, draft)
        if now is not None and now.task_state is None:
            request = replace(request, options=_content(now, request, seen, draft))
    keep_one('image', request, now, TABLE, lambda: Image(request.name, **request.options), draft)
    return draft.done(('image', 'delete'), ('image', 'create'))


def _content(now: Image, request: ImageRequest, seen: ImagesSeen, draft: Draft) -> Dict[str, Any]:
    """The options without those that say in other words what the image was made of."""
    options = dict(request.options)
    checksum = seen.checksum or options.get('checksum')
    if checksum is not None and now.is_of(checksum):
        del options['checksum']
    held = seen.held
    if held is None or not now.digests:
        return options
    if all(now.digests.get(kind) == digest for kind, digest in held.items()):
        del options['source']
    elif options['source'] == now.source:
        draft.refused.append(
            f'image {now.name}: {now.source} holds something else than the image was made of; {REMADE}'
        )
    return options


def _source(source: str, name: str, seen: ImagesSeen, draft: Draft) -> None:
    kind, _colon, where = source.partition(':')
    if not kind:
        draft.refused.append(
            f'image {name} does not exist; to make it give path, url (with checksum) or server'
        )
    elif kind == 'server':
        if draft.need('server', where, seen.servers) and seen.servers[where] != 'stopped':
            draft.refused.append(
                f'server: {where} runs, and an image is made of a disk at rest; stop it first (state: stopped)'
            )
    elif seen.source_problem:
        draft.missing.append(f'{kind}: {seen.source_problem}')
