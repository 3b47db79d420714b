# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Examples are found wherever they stand, and none passes unrun without a reason."""

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
)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = find(ROOT)
MODULES = sorted(path.stem for path in ROOT.glob('plugins/modules/*.py') if path.stem != '__init__')
ROLES = sorted(path.parent.name for path in ROOT.glob('roles/*/README.md'))
TASK = '- name: One\n  hanok.cloud.flavor: {name: a}\n'
PLAY = '- name: A play\n  hosts: localhost\n  tasks: []\n'


def fenced(text: str, kind: str = 'yaml') -> str:
    """A document with one block."""
    return f'Words.\n\n```{kind}\n{text}```\n\nMore words.\n'


# ---- the examples of this collection
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize('module', MODULES)
def test_module_has_examples(module: str) -> None:
    """Each has some, with names, in full words: of the module itself, or of what its examples need."""
    mine = [example for example in EXAMPLES if example.path == f'plugins/modules/{module}.py']
    assert f'hanok.cloud.{module}' in {example.action for example in mine}
    assert all(example.content.get('name') for example in mine)
    assert len({example.name for example in mine}) == len(mine)


@pytest.mark.parametrize('role', ROLES)
def test_role_has_an_example(role: str) -> None:
    """A role is shown in a play that runs as it stands."""
    plays = [
        example
        for example in EXAMPLES
        if example.path == f'roles/{role}/README.md'
        and example.kind == 'play'
        and not example.excuse
    ]
    assert any(f'hanok.cloud.{role}' in str(example.content) for example in plays)


@pytest.mark.parametrize('example', EXAMPLES, ids=str)
def test_example_is_sound(example: Example) -> None:
    """It can be read, its excuse says something, its module and options exist, and it writes no file that its test could not take away."""
    assert not example.problem
    assert not example.excuse or len(example.excuse) >= LEAST_EXCUSE
    assert not [path for path in files(example.content) if path.startswith(('/root', '/home'))], (
        'say ~, which is a home folder of the test'
    )
    if example.action.startswith('hanok.cloud.'):
        unknown(
            example.content[example.action] or {},
            options(example.action.split('.')[2]),
            str(example),
        )


def files(content: Any) -> list[str]:
    """The files of the host that an example names."""
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


def unknown(said: dict[str, Any], known: dict[str, Any], where: str) -> None:
    """Fail for an option that is not documented, at any depth."""
    for option, value in said.items():
        assert option in known, f'{where}: {option} is no option; there are: {", ".join(known)}'
        inner = known[option].get('suboptions')
        for item in value if inner and isinstance(value, list) else []:
            unknown(item, inner, f'{where}: {option}')


def options(module: str) -> dict[str, Any]:
    """The documented options of a module, with those that it shares with others."""

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


# ---- how they are found
# ----------------------------------------------------------------------------------------------------------


def test_tasks_of_a_module() -> None:
    """Each task is an example, with the line at which it stands in the file."""
    text = f'"""Docs."""\n\nEXAMPLES = r"""\n{TASK}\n- name: Two\n  hanok.cloud.server_info:\n  register: two\n"""\n'
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
def test_what_is_no_example_of_a_module(text: str) -> None:
    """EXAMPLES holds tasks with the full names of their modules, and nothing else."""
    assert [
        bool(example.problem)
        for example in in_module('plugins/modules/a.py', f'EXAMPLES = r"""\n{text}"""\n')
    ] == [True]


@pytest.mark.parametrize('module', ['', 'DOCUMENTATION = ""\n'])
def test_module_without_examples(module: str) -> None:
    """It has none, which the test of the collection sees."""
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
def test_shapes(path: str, text: str, kind: str) -> None:
    """Plays, tasks and variables are told apart; what is none of them, and not excused, is a problem."""
    (example,) = in_document(path, fenced(text))
    assert (example.kind if not example.problem else '') == kind
    assert example.line == 4
    (excused,) = in_document(path, fenced(f'{text}  # not run by the tests: because of a reason\n'))
    assert (excused.excuse, excused.problem) == ('because of a reason', '')


def test_variables_of_a_role_become_a_play() -> None:
    """They are run with their role."""
    (example,) = in_document('roles/host/README.md', fenced('host_virt_type: qemu\n'))
    assert example.content[0]['roles'] == [
        {'role': 'hanok.cloud.host', 'vars': {'host_virt_type': 'qemu'}}
    ]
    assert example.content[0]['hosts'] == 'localhost'


def test_fences() -> None:
    """Blocks of YAML, indented and long ones too; others are left alone, and one inside another block is its text."""
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


def test_excuses_belong_to_their_tasks() -> None:
    """A comment under a task is in it; one at the margin belongs to the task that follows."""
    reason = '# not run by the tests:'
    text = (
        f'{TASK}  {reason} of one\n- name: Two\n  hanok.cloud.flavor:\n    {reason} of\n    name: b\n'
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


# ---- how they are tried
# ----------------------------------------------------------------------------------------------------------


def test_trial() -> None:
    """Predicted, done, done again and compared, under the names that the example itself uses; info is not predicted."""
    text = f'{TASK}  register: made\n- hanok.cloud.flavor_info:\n'
    (play,) = playbook(in_document('README.md', fenced(text)), '/tmp/outcomes')  # noqa: S108 - a name in a text
    first, second, write = play['tasks']
    assert [step.get('register') for step in first['block']] == [
        'example_told',
        'made',
        'example_again',
        None,
    ]
    assert [step.get('check_mode') for step in first['block']] == [True, None, None, None]
    assert first['block'][3]['ansible.builtin.assert']['that'] == [
        'example_again is not changed',
        '(example_told is changed) == (made is changed)',
    ]
    assert [step.get('register') for step in second['block']] == [
        'example_done',
        'example_again',
        None,
    ]
    assert write['ansible.builtin.copy']['dest'] == '/tmp/outcomes'  # noqa: S108


def test_trial_tells(tmp_path: Path) -> None:
    """Run by Ansible: an example that fails, changes again or was predicted otherwise is noted under its place, and the others go on."""
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
    assert 'the second run should be: is not changed' in problems['README.md:8']
    assert 'predicted False, done True' in problems['README.md:11']
    assert made.is_dir()
