# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Empty text in an option is what AWX gives for a question that was left blank: the option counts as not given.

It happens before Ansible looks at types and choices, so that it holds for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List

MEANT = ('description', 'labels')  # where empty text says something


def drop_blank(params: Dict[str, Any], arguments: Mapping[str, Any], strict: Any = ()) -> None:
    """Take the options out of the raw ``params`` of a module that hold nothing but empty text.

    ``strict``: options that become wider when less is said (a rule without a port lets all ports
    in). There nothing is taken out: null becomes empty text, and the request refuses that.
    """
    for option, rule in arguments.items():
        value = params.get(option)
        if option in strict and value is not None:
            params[option] = _marked(value)
        elif option not in MEANT and _is_blank(value):
            del params[option]
        elif rule.get('type') == 'list' and isinstance(value, (str, list)):
            _drop_blank_of_list(params, option, rule)
        elif isinstance(value, dict) and 'options' in rule:
            drop_blank(value, rule['options'])


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _drop_blank_of_list(params: Dict[str, Any], option: str, rule: Mapping[str, Any]) -> None:
    """An empty list stays one: that is said on purpose."""
    value = params[option]
    elements: List[Any] = value.split(',') if isinstance(value, str) else value
    kept = [element for element in elements if not _is_blank(element)]
    for element in kept:
        if isinstance(element, dict) and 'options' in rule:
            drop_blank(element, rule['options'])
    if kept or not elements:
        params[option] = kept
    else:
        del params[option]


def _marked(value: Any) -> Any:
    """Null is what a variable gives that is not set: among the options of an entry it is marked."""
    if isinstance(value, list):
        return [_marked(entry) for entry in value]
    if isinstance(value, dict):
        return {key: '' if entry is None else entry for key, entry in value.items()}
    return value
