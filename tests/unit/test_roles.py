# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles that hand options on to modules know all of them, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# What the role says itself.
OWN = {'scale_server': {'name', 'count', 'allow_shrink'}, 'scale_lb': {'name', 'state', 'members'}}


def options(path: Path) -> dict[str, Any]:
    """The options of a role or of a module."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.py':
        documentation: dict[str, Any] = yaml.safe_load(
            text.split('DOCUMENTATION = r"""')[1].split('"""')[0]
        )['options']
        return documentation
    specs: dict[str, Any] = yaml.safe_load(text)['argument_specs']['main']['options']
    return specs


def handed_on() -> list[tuple[str, str, set[str]]]:
    """Each variable of a role that holds the options of a module: its name, the module, the options."""
    found = []
    for role in ('provision', 'scale'):
        for name, spec in options(ROOT / 'roles' / role / 'meta' / 'argument_specs.yml').items():
            module = name.removeprefix(role + '_')
            module = module.removesuffix('s') if role == 'provision' else module
            if 'options' in spec and (ROOT / 'plugins' / 'modules' / f'{module}.py').exists():
                found.append((name, module, set(spec['options'])))
    return found


@pytest.mark.parametrize(
    ('name', 'module', 'known'), handed_on(), ids=[name for name, _module, _known in handed_on()]
)
def test_a_role_knows_the_options(name: str, module: str, known: set[str]) -> None:
    """An option that a module gets later is added to the role, too, or said to be the role's own."""
    assert known == set(options(ROOT / 'plugins' / 'modules' / f'{module}.py')) - OWN.get(
        name, set()
    )


@pytest.mark.parametrize('role', ['provision', 'scale'])
def test_a_role_hands_them_on(role: str) -> None:
    """Each option stands in a task, too."""
    tasks = ''.join(
        path.read_text(encoding='utf-8') for path in (ROOT / 'roles' / role / 'tasks').glob('*.yml')
    )
    for name, _module, known in handed_on():
        if name.startswith(role):
            assert [option for option in known if f'    {option}: ' not in tasks] == []
