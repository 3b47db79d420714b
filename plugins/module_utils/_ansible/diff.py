# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The diff of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict

from .._cloud import CloudError
from .._model.change import Change, Changes
from .._model.sides import Side, sides


def diff(changes: Changes) -> Dict[str, str]:
    """Return what the changes do, as two YAML texts."""
    all_before = ''
    all_after = ''
    for change in changes:
        before, after = sides(change)
        all_before += _yaml(change, before)
        all_after += _yaml(change, after)
    return {'before': all_before, 'after': all_after}


def _yaml(change: Change, side: Side | None) -> str:
    """One side of a change: its name, verb and reason as a comment, and its values."""
    if side is None:
        return ''
    body = _dump(side) if side else ''
    why = f': {change.why}' if change.why else ''
    lines = [f'{change.kind} {change.name}:  # {change.verb}{why}']
    lines += [f'  {line}' for line in body.splitlines()]
    return ''.join(f'{line}\n' for line in lines)


def _dump(values: Mapping[str, Any]) -> str:
    """YAML in which text of several lines is a literal block."""
    yaml = require_yaml()

    class Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):  # type: ignore[misc]
        """PyYAML's, with literal blocks."""

    def represent_text(dumper: Any, value: str) -> Any:
        style = '|' if '\n' in value else None
        return dumper.represent_scalar('tag:yaml.org,2002:str', value, style=style)

    Dumper.add_representer(str, represent_text)
    return str(
        yaml.dump(dict(values), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    )


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
