# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that several modules have, in the shape of their requests."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import CloudError
from .._model.checks import labels_of

STATE: Dict[str, Any] = {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'}
NAME: Dict[str, Any] = {'type': 'str', 'required': True}
DESCRIBED: Dict[str, Any] = {'description': {'type': 'str'}, 'labels': {'type': 'dict'}}


def described(params: Mapping[str, Any]) -> Dict[str, Any]:
    """What was said of description and labels."""
    options: Dict[str, Any] = (
        {} if params['description'] is None else {'description': params['description']}
    )
    if params['labels'] is not None:
        options['labels'] = labels_of(params['labels'])
    return options


def given_options(params: Mapping[str, Any], *options: str) -> Dict[str, Any]:
    """Only the options that were set: what was left out is not managed."""
    return {option: params[option] for option in options if params[option] is not None}


def names_of(raw: Sequence[str]) -> Tuple[str, ...]:
    """A list that means a set of names."""
    return tuple(sorted(set(raw)))


def by_name(things: Any) -> Dict[str, Any]:
    """Things by their names."""
    return {thing.name: thing for thing in things}


def one_of(params: Mapping[str, Any], option: str, words: Any) -> str:
    """A word in either case. Raises CloudError for another one."""
    word = str(params[option]).lower()
    if word not in words:
        raise CloudError(f'{option}: {params[option]!r} is unknown; give one of {", ".join(words)}')
    return word
