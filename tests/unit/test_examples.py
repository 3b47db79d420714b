# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All examples of the documentation are found; each is run, or has a reason why not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.tools.examples import (
    LEAST_EXCUSE,
    Example,
    fences,
    find,
    in_document,
    in_module,
    playbook,
    without_names,
)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = find(ROOT)
MODULES = sorted(path.stem for path in ROOT.glob('plugins/modules/*.py') if path.stem != '__init__')
ROLES = sorted(path.parent.name for path in ROOT.glob('roles/*/README.md'))
TASK = '- name: One\n  hanok.cloud.flavor: {name: a}\n'
PLAY = '- name: A play\n  hosts: localhost\n  tasks: []\n'


def fenced(text: str, kind: str = 'yaml') -> str:
    """Return a document with one block."""
    return f'Words.\n\n```{kind}\n{text}```\n\nMore words.\n'


# -- the examples of this collection -------------------------------------------------------------


@pytest.mark.parametrize('module', MODULES)
def test_module_has_examples(module: str) -> None:
    """A module has examples with distinct names, at least one of the module itself."""
    mine = [example for example in EXAMPLES if example.path == f'plugins/modules/{module}.py']
    assert f'hanok.cloud.{module}' in {example.action for example in mine}
    assert all(example.content.get('name') for example in mine)
    assert len({example.name for example in mine}) == len(mine)


@pytest.mark.parametrize('role', ROLES)
def test_role_has_an_example(role: str) -> None:
    """A role has an example play that can be run."""
    plays = [
        example
        for example in EXAMPLES
        if example.path == f'roles/{role}/README.md'
        and example.kind == 'play'
        and not example.excuse
    ]
    assert any(f'hanok.cloud.{role}' in str(example.content) for example in plays)


@pytest.mark.parametrize('example', EXAMPLES, ids=str)
def test_example_is_valid(example: Example) -> None:
    """It can be parsed, an excuse has a reason, and its module and options exist.

    It writes no file that its test could not remove.
    """
    assert not example.problem
    assert not example.excuse or len(example.excuse) >= LEAST_EXCUSE
    assert not [path for path in files(example.content) if path.startswith(('/root', '/home'))], (
        'use ~, which is a temporary home folder in the test'
    )
    if example.action.startswith('hanok.cloud.'):
        check_options(
            example.content[example.action] or {},
            options(example.action.split('.')[2]),
            str(example),
        )


def files(content: Any) -> list[str]:
    """Return the files of the host that an example uses."""
    if isinstance(content, list):
        return [path for item in content for path in files(item)]
    if not isinstance(content, dict):
        return []
    named = [
        str(value)
        for key, value in content.items()
        if re.search(r'(_file|path|dest|src)\Z', str(key))
    ]
    return named + [path for value in content.values() for path in files(value)]


def check_options(used: dict[str, Any], known: dict[str, Any], where: str) -> None:
    """Fail for options that are not documented, at any depth."""
    for option, value in used.items():
        assert option in known, f'{where}: {option} is not an option; use one of {", ".join(known)}'
        inner = known[option].get('suboptions')
        for item in value if inner and isinstance(value, list) else []:
            check_options(item, inner, f'{where}: {option}')


def options(module: str) -> dict[str, Any]:
    """Return the documented options of a module, with those of its fragments."""

    def documentation(path: str) -> dict[str, Any]:
        found = re.search(
            r'DOCUMENTATION = r"""(.*?)"""', (ROOT / path).read_text(encoding='utf-8'), re.DOTALL
        )
        assert found, path
        read: dict[str, Any] = yaml.safe_load(found[1])
        return read

    own = documentation(f'plugins/modules/{module}.py')
    shared = [
        documentation(f'plugins/doc_fragments/{name.split(".")[2]}.py')
        for name in own['extends_documentation_fragment']
    ]
    return {
        option: words
        for part in [*shared, own]
        for option, words in (part.get('options') or {}).items()
    }


# -- parsing -------------------------------------------------------------------------------------


def test_tasks_of_a_module() -> None:
    """Each task is an example, with its line in the file."""
    text = (
        f'"""Docs."""\n\nEXAMPLES = r"""\n{TASK}\n'
        '- name: Two\n  hanok.cloud.server_info:\n  register: two\n"""\n'
    )
    one, two = in_module('plugins/modules/a.py', text)
    assert [text.splitlines()[example.line - 1] for example in (one, two)] == [
        '- name: One',
        '- name: Two',
    ]
    assert (str(one), one.action, one.content) == (
        'plugins/modules/a.py:4 One',
        'hanok.cloud.flavor',
        {'name': 'One', 'hanok.cloud.flavor': {'name': 'a'}},
    )
    assert (two.action, two.problem) == ('hanok.cloud.server_info', '')


@pytest.mark.parametrize(
    'text',
    ['', 'words\n', '- flavor: {name: a}\n', PLAY, '- name: nothing\n', '- a: [\n', 'a: 1\n'],
)
def test_invalid_examples_of_a_module(text: str) -> None:
    """EXAMPLES may hold only tasks with fully qualified module names."""
    assert [
        bool(example.problem)
        for example in in_module('plugins/modules/a.py', f'EXAMPLES = r"""\n{text}"""\n')
    ] == [True]


@pytest.mark.parametrize('module', ['', 'DOCUMENTATION = ""\n'])
def test_module_without_examples(module: str) -> None:
    """A module without EXAMPLES has no examples."""
    assert in_module('plugins/modules/a.py', module) == []


@pytest.mark.parametrize(
    ('path', 'text', 'kind'),
    [
        ('README.md', PLAY, 'play'),
        ('README.md', '- import_playbook: hanok.cloud.host\n', 'play'),
        ('README.md', TASK, 'task'),
        ('README.md', '- ansible.builtin.include_role: {name: hanok.cloud.host}\n', 'play'),
        ('README.md', f'- block:\n    {TASK.splitlines()[0]}\n', 'play'),
        ('roles/host/README.md', 'host_virt_type: qemu\n', 'play'),
        ('roles/host/README.md', 'other_virt_type: qemu\n', ''),
        ('README.md', 'host_virt_type: qemu\n', ''),
        ('README.md', f'{TASK}- hosts: localhost\n', ''),
        ('README.md', 'a: [\n', ''),
        ('README.md', '', ''),
        ('README.md', '- one\n- two\n', ''),
    ],
)
def test_kinds(path: str, text: str, kind: str) -> None:
    """Plays, tasks and variables are distinguished; anything else needs an excuse."""
    (example,) = in_document(path, fenced(text))
    assert (example.kind if not example.problem else '') == kind
    assert example.line == 4
    (excused,) = in_document(path, fenced(f'{text}  # not run by the tests: because of a reason\n'))
    assert (excused.excuse, excused.problem) == ('because of a reason', '')


def test_variables_of_a_role_become_a_play() -> None:
    """Variables of a role are run in a play with the role."""
    (example,) = in_document('roles/host/README.md', fenced('host_virt_type: qemu\n'))
    assert example.content[0]['roles'] == [
        {'role': 'hanok.cloud.host', 'vars': {'host_virt_type': 'qemu'}}
    ]
    assert example.content[0]['hosts'] == 'localhost'


def test_play_without_names() -> None:
    """A play and its translation are the same; one with another option is not."""
    task = {'hanok.cloud.flavor': {'name': 'f'}}
    play = {'hosts': 'all', 'tasks': [{'name': 'Create', 'block': [{'name': 'A flavor', **task}]}]}
    translated = {'name': 'x', 'hosts': 'all', 'tasks': [{'block': [{**task, 'name': 'y'}]}]}
    assert without_names([play]) == without_names([translated])
    assert without_names([play])[0]['tasks'] == [{'block': [task]}]


def test_fences() -> None:
    """All blocks of YAML are found, also indented ones and those with long fences.

    Other blocks are skipped; a block inside a block is part of its text.
    """
    text = dedent("""\
        ```sh
        a: shell
        ```
        - in a list:

          ~~~yml
          b: 1
            c: 2
          ~~~
        ````YAML
        ```yaml
        ````
        ````text
        ```yaml
        d: 3
        ```
        ````
        ```yaml
        e: 4
        """)
    assert list(fences(text)) == [(7, 'b: 1\n  c: 2\n'), (11, '```yaml\n'), (19, 'e: 4\n')]


def test_excuses_of_tasks() -> None:
    """An indented comment belongs to the task above, one that is not to the task below."""
    reason = '# not run by the tests:'
    text = (
        f'{TASK}  {reason} of one\n- name: Two\n  hanok.cloud.flavor:\n'
        f'    {reason} of\n    name: b\n'
        f'{reason} of three\n- name: Three\n  hanok.cloud.flavor:\n'
    )
    assert [example.excuse for example in in_document('README.md', fenced(text))] == [
        'of one',
        'of',
        'of three',
    ]
    assert [
        example.excuse
        for example in in_document('README.md', fenced(f'{reason} of one\n{TASK}{TASK}'))
    ] == ['of one', '']


# -- running -------------------------------------------------------------------------------------


def test_trial() -> None:
    """An example runs in check mode, then twice, with the names that it registers itself.

    One of an _info module runs once, and an event happens once; check mode can be left out.
    """
    event = '- hanok.cloud.server_action: {name: web, action: reboot_hard}\n'
    text = f'{TASK}  register: made\n- hanok.cloud.flavor_info:\n{event}'
    outcomes = '/tmp/outcomes'  # noqa: S108 - the file is not written
    (play,) = playbook(in_document('README.md', fenced(text)), outcomes)
    first, second, third, write = play['tasks']
    assert [step.get('register') for step in first['block']] == [
        'example_predicted',
        'made',
        'example_again',
    ]
    assert [step.get('check_mode') for step in first['block']] == [True, None, None]
    assert first['block'][2]['failed_when'] == (
        '(example_again is failed) or not (example_again is not changed) or '
        'not ((example_predicted is changed) == (made is changed))'
    )
    assert [step.get('register') for step in second['block']] == ['example_done']
    assert [step.get('check_mode') for step in third['block']] == [True, None, True]
    assert 'or not (example_again is changed)' in third['block'][2]['failed_when']
    assert write['ansible.builtin.copy']['dest'] == outcomes
    (play,) = playbook(in_document('README.md', fenced(text)), outcomes, predicted=False)
    first, _second, third, _write = play['tasks']
    assert [step.get('check_mode') for step in first['block']] == [None, None]
    assert [step.get('check_mode') for step in third['block']] == [None, True]


def test_trial_reports(tmp_path: Path) -> None:
    """Run by Ansible: the others continue after an example with a problem.

    It fails, changes something in its second run, or check mode predicted another result.
    """
    made, again = tmp_path / 'made', tmp_path / 'again'
    text = dedent(f"""\
        - name: Makes what is not there
          ansible.builtin.file: {{path: {made}, state: directory, mode: "0700"}}
        - name: Fails
          ansible.builtin.file: {{path: {made}/a/b, state: file}}
        - name: Changes each time
          ansible.builtin.file: {{path: {again}, state: touch, mode: "0600"}}
          loop: [1, 2]
        - name: Does not predict what it does
          ansible.builtin.command: {{argv: [mkdir, -p, -v, {made}/more]}}
          register: more
          changed_when: more.stdout | default('') | length > 0
        - name: Registers
          ansible.builtin.stat: {{path: {made}}}
          register: seen
        - name: Uses what the one before registered
          ansible.builtin.assert: {{that: seen.stat.isdir}}
        """)
    outcomes, book = tmp_path / 'outcomes', tmp_path / 'book.yml'
    plays = [
        {**play, 'become': False}
        for play in playbook(in_document('README.md', fenced(text)), str(outcomes))
    ]
    book.write_text(yaml.safe_dump(plays, sort_keys=False), encoding='utf-8')
    words = ['ansible-playbook', '--inventory', 'localhost,', '--connection', 'local', str(book)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    problems = json.loads(outcomes.read_text(encoding='utf-8'))
    assert set(problems) == {'README.md:6', 'README.md:8', 'README.md:11'}
    assert 'predicted: file' in problems['README.md:6']
    assert 'it should be: example_again is not changed' in problems['README.md:8']
    assert '(example_predicted is changed) == (more is changed)' in problems['README.md:11']
    assert made.is_dir()
