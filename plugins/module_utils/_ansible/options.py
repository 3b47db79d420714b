# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that several modules have, converted for their requests."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Invalid
from .._model.checks import labels_of
from .._model.profile import Profile
from .things import NamedThing

STATE: Dict[str, Any] = {
    'type': 'str',
    'choices': ['present', 'absent'],
    'default': 'present',
}
NAME: Dict[str, Any] = {'type': 'str', 'required': True}
METADATA: Dict[str, Any] = {
    'description': {'type': 'str'},
    'labels': {'type': 'dict'},
}


def metadata_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return description and labels, if they are set."""
    options = specified_options(params, 'description')
    if params['labels'] is not None:
        options['labels'] = labels_of(params['labels'])
    return options


def specified_options(params: Mapping[str, Any], *options: str) -> Dict[str, Any]:
    """Return the options that are set; those left out are not managed."""
    return {option: params[option] for option in options if params[option] is not None}


def names_of(raw: Sequence[str]) -> Tuple[str, ...]:
    """Return a list that means a set of names, sorted."""
    return tuple(sorted(set(raw)))


def by_name(kind: str, items: Sequence[NamedThing]) -> Dict[str, NamedThing]:
    """Return items that a task manages by their names. Raises Refused for a name of several."""
    found = {item.name: item for item in items}
    if len(found) < len(items):
        from .references import References

        References(kind, items).check_all()
    return found


def profile_for(cloud: Cloud, needs_network: bool) -> Profile:
    """Return the profile of a cloud, with the default network if something will be created in it.

    Raises Refused if that is not known.
    """
    if not needs_network:
        return cloud.profile
    return cloud.profile._replace(default_network=cloud.networks.default())


def one_of(params: Mapping[str, Any], option: str, choices: Any) -> str:
    """Return the value of an option in lower case. Raises Invalid if it is no choice."""
    given = params[option]
    value = str(given).lower()
    if value not in choices:
        known = ', '.join(choices)
        raise Invalid(f'{option}: {given!r} is unknown; use one of {known}', option)
    return value
