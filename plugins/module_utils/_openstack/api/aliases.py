# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the section ``hanok`` of an entry of clouds.yaml says: the names of this cloud for ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, NamedTuple

from ..._cloud import Invalid
from ..._model.checks import is_reference

_KEYS = ('network', 'external_network', 'flavors', 'images')


class Aliases(NamedTuple):
    """Names of this cloud. ``flavors``, ``images``: by the names in playbooks."""

    network: str | None = None
    external_network: str | None = None
    flavors: Mapping[str, str] = {}
    images: Mapping[str, str] = {}

    def by_kind(self) -> Mapping[str, Mapping[str, str]]:
        """Return names of this cloud by kind and by the names in playbooks."""
        network = {'default': self.network} if self.network else {}
        pool = {'default': self.external_network} if self.external_network else {}
        return {'flavor': self.flavors, 'image': self.images, 'network': network, 'pool': pool}


def aliases_of(cloud: str, section: object) -> Aliases:
    """Read the section. Raises Invalid with what is wrong in it."""
    if section is None:
        return Aliases()
    if not isinstance(section, dict):
        raise _invalid(cloud, 'it is no mapping')
    unknown = sorted(set(map(str, section)) - set(_KEYS))
    if unknown:
        raise _invalid(cloud, f'{unknown[0]} is unknown; use {", ".join(_KEYS)}')
    values: Dict[str, Any] = {}
    for key, value in section.items():
        values[key] = _names(cloud, key, value) if key in _KEYS[2:] else _name(cloud, key, value)
    return Aliases(**values)


def _name(cloud: str, key: str, value: object) -> str:
    if isinstance(value, str) and is_reference(value):
        return value
    raise _invalid(cloud, f'{key}: {value!r} is no name')


def _names(cloud: str, key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _invalid(cloud, f'{key} is no mapping of names in playbooks to names of the cloud')
    return {_name(cloud, key, ours): _name(cloud, key, theirs) for ours, theirs in value.items()}


def _invalid(cloud: str, problem: str) -> Invalid:
    return Invalid(f'cloud: the section hanok of {cloud} in clouds.yaml: {problem}', 'cloud')
