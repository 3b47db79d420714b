# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles that pass options on to modules have exactly the options of the modules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.tools import role_options
from ansible_collections.hanok.cloud.tests.tools.role_options import OWN, ROOT

SPECS = ROOT / 'roles' / 'provision' / 'meta' / 'argument_specs.yml'
TASKS = ROOT / 'roles' / 'provision' / 'tasks' / 'present.yml'


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
    """A new option of a module must be added to the role (make format does it), or to OWN."""
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


def test_roles_are_up_to_date() -> None:
    """If not: make format."""
    assert list(role_options.outdated()) == []


def test_new_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is added to the specification with the text of the module, and to the task."""
    documented = role_options.documented
    new = {'mode': {'type': 'str', 'choices': ['a', 'b'], 'description': 'See O(name).'}}

    def with_new(module: str) -> dict[str, Any]:
        return {**documented(module), **(new if module == 'flavor' else {})}

    monkeypatch.setattr(role_options, 'documented', with_new)
    specs = role_options.updated_specs(SPECS.read_text('utf-8'))
    flavor = yaml.safe_load(specs)['argument_specs']['main']['options']['provision_flavors']
    assert flavor['options']['mode'] == {
        'type': 'str',
        'choices': ['a', 'b'],
        'description': ['See O(hanok.cloud.flavor#module:name).'],
    }
    tasks = role_options.updated_tasks(TASKS.read_text('utf-8'), 'provision')
    assert tasks.count('    mode: "{{ item.mode | default(omit) }}"\n    description:') == 1


def test_secret_and_inner_options() -> None:
    """The text of an option that holds a secret, and of one that has options of its own."""
    text = SPECS.read_text('utf-8')
    for option in ('user_data', 'networks'):
        text = re.sub(rf'^ {{10}}{option}:\n(?: {{11}}.*\n)*', '', text, flags=re.MULTILINE)
    assert 'user_data:' not in text
    specs = yaml.safe_load(role_options.updated_specs(text))['argument_specs']['main']['options']
    server = specs['provision_servers']['options']
    assert server['user_data']['no_log'] is True
    assert server['networks']['options']['security_groups']['elements'] == 'str'


def test_new_choice() -> None:
    """An option that lacks one is described anew, where it was, and no other is."""
    text = SPECS.read_text('utf-8')
    without = text.replace('choices: [qcow2, iso,', 'choices: [qcow2,')
    assert without != text
    assert role_options.updated_specs(without) == text


def test_missing_suboption() -> None:
    """An option that lacks one is described anew."""
    text = SPECS.read_text('utf-8')
    without = re.sub(r'^ {14}firmware:\n(?: {15}.*\n)*', '', text, flags=re.MULTILINE)
    assert 'firmware:' not in without
    specs = yaml.safe_load(role_options.updated_specs(without))['argument_specs']['main']['options']
    hardware = specs['provision_servers']['options']['hardware']
    assert hardware['options']['firmware']['choices'] == ['bios', 'efi']


def test_removed_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is removed from both."""
    documented = role_options.documented

    def without(module: str) -> dict[str, Any]:
        return {name: option for name, option in documented(module).items() if name != 'vcpus'}

    monkeypatch.setattr(role_options, 'documented', without)
    specs = role_options.updated_specs(SPECS.read_text('utf-8'))
    flavor = yaml.safe_load(specs)['argument_specs']['main']['options']['provision_flavors']
    assert 'vcpus' not in flavor['options']
    assert 'memory' in flavor['options']
    assert ' vcpus:' not in role_options.updated_tasks(TASKS.read_text('utf-8'), 'provision')
