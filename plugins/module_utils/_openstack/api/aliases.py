# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the section ``hanok`` of an entry of clouds.yaml says: the names of this cloud for ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, NamedTuple

from ..._cloud import Invalid
from ..._model.checks import is_reference

_MAPPINGS = ('flavors', 'images')


class Aliases(NamedTuple):
    """Names of this cloud. ``flavors``, ``images``: by the names in playbooks."""

    network: str | None = None
    external_network: str | None = None
    flavors: Mapping[str, str] = {}
    images: Mapping[str, str] = {}

    def by_kind(self) -> Mapping[str, Mapping[str, str]]:
        """Return names of this cloud by kind and by the names in playbooks."""
        return {
            'flavor': self.flavors,
            'image': self.images,
            'network': _default(self.network),
            'pool': _default(self.external_network),
        }


def aliases_of(cloud: str, section: object) -> Aliases:
    """Read the section. Raises Invalid with what is wrong in it."""
    if section is None:
        return Aliases()
    if not isinstance(section, dict):
        raise _invalid(cloud, 'it is no mapping')
    for key in sorted(map(str, section)):
        if key not in Aliases._fields:
            keys = ', '.join(Aliases._fields)
            raise _invalid(cloud, f'{key} is unknown; use {keys}')
    values: Dict[str, Any] = {}
    for key, value in section.items():
        read = _names if key in _MAPPINGS else _name
        values[key] = read(cloud, key, value)
    return Aliases(**values)


def _default(name: str | None) -> Mapping[str, str]:
    return {'default': name} if name else {}


def _name(cloud: str, key: str, value: object) -> str:
    if isinstance(value, str) and is_reference(value):
        return value
    raise _invalid(cloud, f'{key}: {value!r} is no name')


def _names(cloud: str, key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _invalid(cloud, f'{key} is no mapping of names in playbooks to names of the cloud')
    names: Dict[str, str] = {}
    for ours, theirs in value.items():
        name = _name(cloud, key, ours)
        names[name] = _name(cloud, key, theirs)
    return names


def _invalid(cloud: str, problem: str) -> Invalid:
    text = f'cloud: the section hanok of {cloud} in clouds.yaml: {problem}'
    return Invalid(text, 'cloud')
