# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cloud does not support, and its names for those in tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List

from .._model.problem import Problem
from .._model.profile import Profile

# Options that refer to items of the kind that they are called by.
_REFERENCES = ('flavor', 'image', 'network', 'pool')


def unsupported_options(
    profile: Profile,
    cloud: str,
    kind: str,
    params: Mapping[str, Any],
) -> List[Problem]:
    """Return a problem for each option whose value the cloud does not support."""
    problems: List[Problem] = []
    for one, option, supported, reason in profile.unsupported:
        value = params.get(option)  # not every module of a kind has all of its options
        if one != kind or value is None or value in supported:
            continue
        text = f'{option}: the cloud {cloud} does not support it: {reason}'
        problems.append(Problem(text, option, 'unsupported'))
    return problems


def translated(kind: str, params: Mapping[str, Any], profile: Profile) -> Dict[str, Any]:
    """Return the parameters of a task with the names that the cloud has for those in it.

    A task that wants the network ``default`` to be present gets the one that is called otherwise;
    one that deletes it means its own.
    """
    found = dict(params)
    if kind == 'network' and params['state'] == 'present':
        found['name'] = profile.name_of('network', params['name'])
    for option in _REFERENCES:
        if found.get(option) is not None:
            found[option] = profile.name_of(option, found[option])
    if found.get('networks'):
        found['networks'] = [_translated_nic(nic, profile) for nic in found['networks']]
    return found


def _translated_nic(nic: Mapping[str, Any], profile: Profile) -> Dict[str, Any]:
    name = nic['name'] and profile.name_of('network', nic['name'])
    return {**nic, 'name': name}
