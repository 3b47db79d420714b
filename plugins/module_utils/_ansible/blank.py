# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blank options: AWX sends empty text for a survey question without an answer.

Such an option, or one that is null, counts as not set. This happens before Ansible checks types and
choices, so it works for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict

MEANINGFUL = ('description', 'labels')  # in these empty text is a value


def drop_blank(params: Dict[str, Any], arguments: Mapping[str, Any], strict: Any = ()) -> None:
    """Remove options that hold null or only blank text from the raw ``params`` of a module.

    ``strict``: options that get wider when a value is missing (a rule without a port opens all
    ports). In those nothing is removed, and null becomes empty text, which the request refuses.
    """
    for option, rule in arguments.items():
        value = params.get(option)
        if value is None:
            params.pop(option, None)
        elif option in strict:
            params[option] = _null_as_text(value)
        elif option not in MEANINGFUL and _is_blank(value):
            del params[option]
        else:
            _drop_inside(params, option, rule)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _drop_inside(params: Dict[str, Any], option: str, rule: Mapping[str, Any]) -> None:
    value = params[option]
    if rule.get('type') == 'list' and isinstance(value, (str, list)):
        _drop_from_list(params, option, rule)
    elif isinstance(value, dict) and 'options' in rule:
        drop_blank(value, rule['options'])


def _drop_from_list(params: Dict[str, Any], option: str, rule: Mapping[str, Any]) -> None:
    """Remove blank elements; an empty list is set on purpose and stays."""
    elements = params[option]
    if isinstance(elements, str):
        elements = elements.split(',')
    remaining = [element for element in elements if not _is_blank(element)]
    if 'options' in rule:
        for element in remaining:
            if isinstance(element, dict):
                drop_blank(element, rule['options'])
    if remaining or not elements:
        params[option] = remaining
    else:
        del params[option]


def _null_as_text(value: object) -> object:
    """Replace null in the entries by empty text: a variable that is not set may become null."""
    if isinstance(value, list):
        return [_null_as_text(entry) for entry in value]
    if isinstance(value, dict):
        return {key: '' if entry is None else entry for key, entry in value.items()}
    return value
