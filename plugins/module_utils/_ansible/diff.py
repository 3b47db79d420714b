# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The diff of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict

from .._cloud import CloudError
from .._model.change import Change

_GENERATED = ('id', 'created_by', 'created_at')  # set by the cloud, never requested


def diff(changes: Sequence[Change]) -> Dict[str, str]:
    """Return what the changes do, as two YAML texts.

    Of an update they hold only what differs; of what is created or deleted, only the values that
    are not empty.
    """
    return {
        'before': ''.join(_yaml(change, change.before, change.after) for change in changes),
        'after': ''.join(_yaml(change, change.after, change.before) for change in changes),
    }


def _yaml(change: Change, side: Any, other: Any) -> str:
    """One side of a change: its name, verb and reason as a comment, and what differs."""
    if side is None:
        return ''
    values = _filled(side.public()) if other is None else differing(side.public(), other.public())
    body = _dump(values) if values else ''
    why = f': {change.why}' if change.why else ''
    head = f'{change.kind} {change.name}:  # {change.verb}{why}\n'
    return head + ''.join(f'  {line}\n' for line in body.splitlines())


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Dict[str, Any]:
    """The values that differ from others, by option."""
    return {
        option: value
        for option, value in one.items()
        if option not in other or value != other[option]
    }


def _filled(one: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        option: value
        for option, value in one.items()
        if value not in (None, '', [], {}) and option not in _GENERATED
    }


def _dump(values: Mapping[str, Any]) -> str:
    """YAML in which text of several lines is a literal block."""
    yaml = require_yaml()

    class Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):  # type: ignore[misc]
        """PyYAML's, with literal blocks."""

    def represent_text(dumper: Any, value: str) -> Any:
        style = '|' if '\n' in value else None
        return dumper.represent_scalar('tag:yaml.org,2002:str', value, style=style)

    Dumper.add_representer(str, represent_text)
    return str(yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120))


def require_yaml() -> Any:
    """Import PyYAML, only when there is a diff to show. Raises CloudError if it is missing.

    Called before anything is changed.
    """
    try:
        import yaml
    except ImportError as error:
        raise CloudError(
            'python3-yaml is not installed on this host; the role hanok.cloud.host installs it'
        ) from error
    return yaml
