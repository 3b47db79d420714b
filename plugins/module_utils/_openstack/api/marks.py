# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this collection keeps with the items of a cloud: labels, and what only it knows.

Nova, Cinder and Glance keep metadata (key and value), Neutron and Octavia tags (``key=value``).
Keys of this collection begin with ``hanok:``; the other ones are labels, so that other programs see
labels as they see their own. Tags without = belong to others, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Dict, List, NamedTuple, Optional, Protocol

OwnMarks = Mapping[str, Optional[str]]  # by keys without the prefix; None: not written
PREFIX = 'hanok:'
# Nova has no / in keys, and labels have no space (checks.LABEL).
_SLASH = '/'
_IN_METADATA = ' '


class Protectable(Protocol):
    """What tasks may protect from deletion."""

    @property
    def delete_protection(self) -> bool:
        """Whether it is protected."""


class Marks(NamedTuple):
    """The labels of an item, and what only this collection knows, by keys without the prefix."""

    labels: Mapping[str, str]
    own: Mapping[str, str]

    @property
    def created_by(self) -> str:
        """Who created it; empty if that was not done by this collection."""
        return self.own.get('created_by', '')

    @property
    def delete_protection(self) -> bool:
        """Whether it is protected from deletion by this collection."""
        return 'delete_protection' in self.own


def from_metadata(metadata: Mapping[str, object]) -> Marks:
    """Return the marks in metadata."""
    labels: Dict[str, str] = {}
    own: Dict[str, str] = {}
    for key, value in metadata.items():
        if key.startswith(PREFIX):
            own[key[len(PREFIX) :]] = str(value)
        else:
            labels[key.replace(_IN_METADATA, _SLASH)] = str(value)
    return Marks(labels, own)


def to_metadata(labels: Mapping[str, str], own: OwnMarks) -> Dict[str, str]:
    """Return metadata with labels, and with what is not None of the values of our own."""
    found = {key.replace(_SLASH, _IN_METADATA): value for key, value in labels.items()}
    found.update(with_prefix(own))
    return found


def with_prefix(own: OwnMarks) -> Dict[str, str]:
    """Return values of our own by their keys with the prefix; None is left out."""
    return {PREFIX + key: value for key, value in own.items() if value is not None}


def protection_mark(item: Protectable) -> str | None:
    """Return the mark that says that an item is protected from deletion by this collection."""
    return 'true' if item.delete_protection else None


class MetadataChanges(NamedTuple):
    """What to change in metadata: what is new or has another value, and keys to remove."""

    written: Mapping[str, str]
    removed: Sequence[str]


def metadata_changes(before: Mapping[str, str], after: Mapping[str, str]) -> MetadataChanges:
    """Return what to change in metadata; other keys in it stay."""
    written = {key: value for key, value in after.items() if before.get(key) != value}
    removed = [key for key in before if key not in after]
    return MetadataChanges(written, removed)


def from_tags(tags: Iterable[str]) -> Marks:
    """Return the marks in tags."""
    labels: Dict[str, str] = {}
    own: Dict[str, str] = {}
    for tag in tags:
        key, equals, value = tag.partition('=')
        if key.startswith(PREFIX) and equals:
            own[key[len(PREFIX) :]] = value
        elif equals:
            labels[key] = value
    return Marks(labels, own)


def to_tags(
    labels: Mapping[str, str],
    own: OwnMarks,
    current: Iterable[str] = (),
) -> List[str]:
    """Return tags with labels and values of our own, and those of the current tags of others."""
    pairs = {**labels, **with_prefix(own)}
    ours = [f'{key}={value}' for key, value in pairs.items()]
    others = [tag for tag in current if '=' not in tag]
    return sorted({*others, *ours})
