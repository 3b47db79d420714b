# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marks of the items of Neutron: in tags, and until these are written, in the description.

Neutron takes tags only after it created an item. What was created by a run that was killed before
has its marks in the description, without labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import List

from ..._cloud import Busy, NoAnswer
from ..api.api import Api, Raw
from ..api.doubles import stays, until_one_stays
from ..api.marks import Marks, OwnMarks, from_tags, to_tags
from ..api.names import has_marks_in_description, is_own, precedence
from ..api.services import NETWORK

_BETWEEN = '; '


def marks_of(raw: Raw) -> Marks:
    """Return the marks of an item."""
    found = from_tags(raw['tags'])
    if found.own or not has_marks_in_description(raw):
        return found
    return from_tags(raw['description'].split(_BETWEEN))


def description_of(raw: Raw) -> str:
    """Return the description of an item that a user gave it."""
    if has_marks_in_description(raw):
        return ''
    return raw['description'] or ''


def first_description(own: OwnMarks) -> str:
    """Return the description of an item that is being created: its marks."""
    return _BETWEEN.join(to_tags({}, own))


def write_tags(
    api: Api,
    path: str,
    raw: Raw,
    labels: Mapping[str, str],
    own: OwnMarks,
) -> None:
    """Write the marks of an item as tags, if they differ; tags of others stay."""
    wanted: List[str] = to_tags(labels, own, raw['tags'])
    if wanted != sorted(raw['tags']):
        api.put(NETWORK, f'{path}/{raw["id"]}/tags', {'tags': wanted})


def is_ours(raw: Raw) -> bool:
    """Return whether this collection created an item."""
    return bool(marks_of(raw).created_by)


def write_description(
    api: Api,
    path: str,
    key: str,
    raw: Raw,
    description: str,
) -> None:
    """Write the description of an item, if it differs."""
    if raw['description'] == description:
        return
    body = {key: {'description': description}}
    api.put(NETWORK, f'{path}/{raw["id"]}', body)


def created_once(
    api: Api,
    path: str,
    key: str,
    body: Mapping[str, object],
    own: OwnMarks,
) -> Raw:
    """Create an item with a name, and marks in its description.

    If another run created one with this name at the same time, one of both stays: also if they
    conflict, as ports with the same address do. If there is no answer, it is found by name.
    """
    marked = {**body, 'description': first_description(own)}
    attempt = partial(_created, api, path, key, marked)
    return until_one_stays(attempt)


def _created(
    api: Api,
    path: str,
    key: str,
    body: Mapping[str, object],
) -> Raw | None:
    """Create an item; return what is there then, which may be nothing."""
    ours = partial(_ours, api, path, key, str(body['name']))
    try:
        answer = api.post(NETWORK, path, {key: body})
    except (Busy, NoAnswer):
        first = _first(ours())
        if not first:
            raise
        return first
    created: Raw = answer[key]
    if stays(created, ours):
        return created
    api.delete(NETWORK, f'{path}/{created["id"]}')
    return _first(ours())


def _ours(
    api: Api,
    path: str,
    key: str,
    name: str,
) -> Sequence[Raw]:
    items = api.pages(NETWORK, path, f'{key}s', name=name)
    return [raw for raw in items if is_own(raw, api.project_id) and is_ours(raw)]


def _first(items: Sequence[Raw]) -> Raw | None:
    return min(items, key=precedence, default=None)
