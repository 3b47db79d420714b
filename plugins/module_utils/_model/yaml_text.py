# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values in messages, as users write them in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping

_UNQUOTED = re.compile(r'[A-Za-z/][\w./-]*\Z|\d+\.\d+\.\d+\.\d+(/\d+)?\Z', re.ASCII)
_KEYWORDS = ('true', 'false', 'yes', 'no', 'on', 'off', 'null', 'y', 'n')


def yaml_text(value: object) -> str:
    """A value for a message, as users write it in YAML; a string by itself is not quoted."""
    if value is None:
        return 'not set'
    if isinstance(value, str):
        return value
    return _flow_style(value)


def _flow_style(value: object) -> str:
    """A value in the flow style of YAML."""
    if hasattr(value, 'task_form'):
        value = value.task_form()
    if isinstance(value, (list, tuple)):
        items = ', '.join(map(_flow_style, value))
        return f'[{items}]'
    if isinstance(value, Mapping):
        pairs = [f'{_flow_style(key)}: {_flow_style(item)}' for key, item in value.items()]
        return '{' + ', '.join(pairs) + '}'
    if value is None:
        return 'null'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, str):
        return _quoted(value)
    return str(value)


def _quoted(text: str) -> str:
    """A string, quoted where YAML would otherwise read another type."""
    if _UNQUOTED.match(text) and text.lower() not in _KEYWORDS:
        return text
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
