# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this collection keeps with an image of Glance, as properties with a prefix.

Other properties have a meaning for Nova (hw_disk_bus) or are fields of Glance (owner), so that
labels have a prefix, too. Nova and Cinder copy all properties into images of servers and volumes
that others make: the name of the image is among ours, and another image has none of them. An image
that this collection lets Nova create has a property that says which others are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, List

from .api import Api, Raw
from .marks import PREFIX, Marks, OwnMarks, with_prefix
from .services import IMAGE

_LABEL = 'label:'
_ONLY = 'only'
_PATCH = 'application/openstack-images-v2.1-json-patch'


def from_properties(raw: Raw) -> Marks:
    """Return the marks of an image."""
    labels: Dict[str, str] = {}
    own: Dict[str, str] = {}
    if raw.get(PREFIX + 'name') != raw['name']:
        return Marks(labels, own)
    only = raw.get(PREFIX + _ONLY)
    known = None if only is None else only.split()
    for property_name, value in raw.items():
        if not property_name.startswith(PREFIX):
            continue
        key = property_name[len(PREFIX) :]
        if known is not None and key not in known:
            continue
        if key.startswith(_LABEL):
            labels[key[len(_LABEL) :]] = str(value)
        else:
            own[key] = str(value)
    return Marks(labels, own)


def to_properties(
    name: str,
    labels: Mapping[str, str],
    own: OwnMarks,
) -> Dict[str, str]:
    """Return the properties for an image; a value of None is left out."""
    values: Dict[str, str | None] = {'name': name, **own}
    for key, value in labels.items():
        values[_LABEL + key] = value
    return with_prefix(values)


def to_only_properties(name: str, own: Mapping[str, str]) -> Dict[str, str]:
    """Return the properties for an image that inherits some of another one: only these count."""
    return to_properties(name, {}, {**own, _ONLY: ' '.join(own)})


def patch(raw: Raw, wanted: Mapping[str, str]) -> List[Dict[str, str]]:
    """Return what to change so that an image has these properties, and no other ones of ours."""
    operations: List[Dict[str, str]] = []
    for key, value in wanted.items():
        if raw.get(key) != value:
            operations.append({'op': 'add', 'path': _pointer(key), 'value': value})
    for key in raw:
        if key.startswith(PREFIX) and key not in wanted:
            operations.append({'op': 'remove', 'path': _pointer(key)})
    return operations


def _pointer(key: str) -> str:
    """The key as a JSON pointer (RFC 6901)."""
    escaped = key.replace('~', '~0').replace('/', '~1')
    return f'/{escaped}'


def write_properties(api: Api, raw: Raw, wanted: Mapping[str, str]) -> None:
    """Write the properties of an image, with no other ones of ours, at once."""
    changes = patch(raw, wanted)
    if changes:
        api.call(IMAGE, 'PATCH', f'/images/{raw["id"]}', changes, media=_PATCH)


def protect(api: Api, identity: str, delete_protection: bool) -> None:
    """Let Glance protect an image from deletion, or no longer."""
    changes = [{'op': 'replace', 'path': '/protected', 'value': delete_protection}]
    api.call(IMAGE, 'PATCH', f'/images/{identity}', changes, media=_PATCH)
