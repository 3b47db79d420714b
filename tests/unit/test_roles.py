# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles that pass options on to modules have exactly the options of the modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Options that the role sets itself.
OWN = {'scale_server': {'name', 'count', 'allow_shrink'}, 'scale_lb': {'name', 'state', 'members'}}


def options(path: Path) -> dict[str, Any]:
    """Return the options of a role or of a module."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.py':
        documentation: dict[str, Any] = yaml.safe_load(
            text.split('DOCUMENTATION = r"""')[1].split('"""')[0]
        )['options']
        return documentation
    specs: dict[str, Any] = yaml.safe_load(text)['argument_specs']['main']['options']
    return specs


def passed_on() -> list[tuple[str, str, set[str]]]:
    """Return the role variables that hold options of a module: variable, module, options."""
    found = []
    for role in ('provision', 'scale'):
        for name, spec in options(ROOT / 'roles' / role / 'meta' / 'argument_specs.yml').items():
            module = name.removeprefix(role + '_')
            module = module.removesuffix('s') if role == 'provision' else module
            if 'options' in spec and (ROOT / 'plugins' / 'modules' / f'{module}.py').exists():
                found.append((name, module, set(spec['options'])))
    return found


PASSED_ON = passed_on()


@pytest.mark.parametrize(
    ('name', 'module', 'known'), PASSED_ON, ids=[name for name, _module, _known in PASSED_ON]
)
def test_role_has_all_options(name: str, module: str, known: set[str]) -> None:
    """A new option of a module must be added to the role, or to OWN."""
    assert known == set(options(ROOT / 'plugins' / 'modules' / f'{module}.py')) - OWN.get(
        name, set()
    )


@pytest.mark.parametrize('role', ['provision', 'scale'])
def test_role_passes_all_options(role: str) -> None:
    """Each option is used in a task."""
    tasks = ''.join(
        path.read_text(encoding='utf-8') for path in (ROOT / 'roles' / role / 'tasks').glob('*.yml')
    )
    for name, _module, known in PASSED_ON:
        if name.startswith(role):
            assert [option for option in known if f'    {option}: ' not in tasks] == []
