# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWX has of this collection fits together: surveys, playbooks, what describes them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jq
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / 'playbooks'
Question = Mapping[str, Any]
# What survey questions of a type answer, as types of Ansible.
TYPES = {
    'text': {'str'},
    'textarea': {'str'},
    'password': {'str'},
    'integer': {'int'},
    'float': {'float'},
    'multiplechoice': {'str'},
    'multiselect': {'list'},
}


class Loader(yaml.SafeLoader):
    """YAML of Ansible."""


Loader.add_constructor('!unsafe', lambda loader, node: loader.construct_scalar(node))


def read(name: str) -> Any:
    """A file of playbooks/awx."""
    text = (PLAYBOOKS / 'awx' / f'{name}.yml').read_text('utf-8')
    return yaml.load(text, Loader)  # noqa: S506 (it is a safe loader)


def described(playbook: str) -> dict[str, Any]:
    """The variables of a playbook."""
    found: dict[str, Any] = {}
    for name in ('common', playbook):
        text = (PLAYBOOKS / f'{name}.meta.yml').read_text('utf-8')
        found |= yaml.safe_load(text)['argument_specs']['main']['options']
    return found


def role_variables(role: str) -> set[str]:
    """The variables of a role."""
    text = (ROOT / 'roles' / role / 'meta' / 'argument_specs.yml').read_text('utf-8')
    return set(yaml.safe_load(text)['argument_specs']['main']['options'])


def surveys() -> Iterator[tuple[str, Question]]:
    """Each playbook with each question of its survey."""
    for playbook, questions in read('surveys')['surveys'].items():
        if playbook not in ('host', 'workflow'):
            yield from ((playbook, question) for question in questions)


def patterns() -> Iterator[Path]:
    """The files of the patterns."""
    yield from sorted(ROOT.glob('extensions/patterns/*/meta/pattern.json'))


def pattern_surveys() -> Iterator[tuple[str, Question]]:
    """Each playbook that a pattern imports, with each question of its survey."""
    for path in patterns():
        for template in json.loads(path.read_text())['aap_resources']['controller_job_templates']:
            playbook = path.parents[1] / 'playbooks' / template['playbook']
            (play,) = yaml.safe_load(playbook.read_text())
            name = play['ansible.builtin.import_playbook'].removeprefix('hanok.cloud.')
            yield from ((name, question) for question in template['survey']['spec'])


@pytest.mark.parametrize(('playbook', 'question'), [*surveys(), *pattern_surveys()])
def test_answers_fit_variables(playbook: str, question: Question) -> None:
    """A question sets a variable of the playbook, of its type, with choices that it has."""
    option = described(playbook)[question['variable']]
    assert option['type'] in TYPES[question['type']]
    if 'choices' in option:
        assert set(question['choices']) <= set(option['choices'])
    if option.get('required'):
        assert question['required']


def test_each_required_variable_is_asked() -> None:
    """A job template can be started: its survey has what its playbook needs."""
    asked: dict[str, set[str]] = {}
    for playbook, question in surveys():
        asked.setdefault(playbook, set()).add(question['variable'])
    for playbook, variables in asked.items():
        needed = {name for name, option in described(playbook).items() if option.get('required')}
        assert needed <= variables


def test_steps_of_the_workflow_are_asked() -> None:
    """The survey of the workflow has the questions that the surveys of its steps require."""
    (workflow,) = read('workflows')['controller_workflows']
    steps = {node['identifier'] for node in workflow['workflow_nodes']}
    asked = {question['variable'] for question in read('surveys')['surveys']['workflow']}
    for step in steps - {'host'}:
        assert {name for name, option in described(step).items() if option.get('required')} <= asked
    for node in workflow['workflow_nodes']:
        for following in node.get('related', {}).get('success_nodes', []):
            assert following['identifier'] in steps


def test_templates_refer_to_what_exists() -> None:
    """Playbooks, labels, the project, the inventory, the nodes of workflows and the schedules."""
    templates = {item['name']: item for item in read('job_templates')['controller_templates']}
    projects = [item['name'] for item in read('projects')['controller_projects']]
    for template in templates.values():
        assert (ROOT / template['playbook']).is_file()
        assert template['project'] in projects
        assert template['labels'] == [item['name'] for item in read('labels')['controller_labels']]
    for workflow in read('workflows')['controller_workflows']:
        for node in workflow['workflow_nodes']:
            assert node['unified_job_template']['name'] in templates
    for schedule in read('schedules')['controller_schedules']:
        assert schedule['unified_job_template'] in templates


def test_described_variables_are_used() -> None:
    """What is described is what the playbook has, or the role of its name takes by itself."""
    for path in PLAYBOOKS.glob('*.meta.yml'):
        playbook = path.name.removesuffix('.meta.yml')
        if playbook != 'common':
            text = (PLAYBOOKS / f'{playbook}.yml').read_text('utf-8')
            used = set(re.findall(r'\b(?:server|lb|configure|backup)_\w+', text))
            if f'name: hanok.cloud.{playbook}\n' in text:
                used |= role_variables(playbook)
            assert described(playbook).keys() - described('common').keys() <= used, playbook


def test_document_has_the_descriptions() -> None:
    """docs/awx.md has each variable of each playbook, with its type and its description."""
    text = (ROOT / 'docs' / 'awx.md').read_text('utf-8')
    for playbook in ('configure', 'provision', 'balance', 'scale', 'power', 'backup'):
        section = text.split(f'### {playbook}\n')[1].split('\n#')[0]
        for name in described(playbook).keys() - described('common').keys():
            option = described(playbook)[name]
            (row,) = (line for line in section.splitlines() if line.startswith(f'| `{name}` |'))
            assert row.endswith(f'{option["description"].strip()} |')
            assert ('| required |' in row) == option.get('required', False)
            assert all(f'`{choice}`' in row for choice in option.get('choices', []))


@pytest.mark.parametrize('path', [*patterns()], ids=str)
def test_pattern(path: Path) -> None:
    """A pattern is called like its folder, and says what the format requires."""
    pattern = json.loads(path.read_text())
    assert pattern['name'] == path.parents[1].name
    assert pattern['schema_version'] == '1.0'
    assert len(pattern['title']) <= 64
    assert not pattern['short_description'].endswith('.')
    resources = pattern['aap_resources']
    environment = resources['controller_execution_environment']['name']
    for template in resources['controller_job_templates']:
        assert template['execution_environment'] == environment
        assert set(template['labels']) <= set(resources['controller_labels'])
        for question in template['survey']['spec']:
            assert isinstance(question.get('default', ''), str)
            assert {'type', 'question_name', 'question_description', 'required'} <= {*question}


@pytest.mark.parametrize(
    ('result', 'names'),
    [
        ({'server': {'id': 'u', 'name': 'web', 'status': 'ACTIVE'}}, ['web']),
        (
            {'servers': [{'id': 'u', 'name': 'a-1'}, {'id': 'v', 'name': 'a-2'}]},
            ['a-1', 'a-2'],
        ),
        ({'server': None, 'changed': True}, []),
        ({'msg': 'refused', 'failed': True}, []),
    ],
)
def test_counted_servers(result: dict[str, Any], names: list[str]) -> None:
    """The controller counts each server of a task once, by its id."""
    queries = yaml.safe_load((ROOT / 'extensions' / 'audit' / 'event_query.yml').read_text())
    for query in queries.values():
        found = jq.compile(query['query']).input_value(result).all()
        assert [one['name'] for one in found] == names
        assert all(one['canonical_facts'].keys() == {'hanok_server_id'} for one in found)


def test_execution_environment(tmp_path: Path) -> None:
    """ansible-builder takes the example, and finds what the collection needs."""
    program = str(Path(sys.executable).with_name('ansible-builder'))
    example = ROOT / 'examples' / 'execution-environment.yml'
    context = tmp_path / 'context'
    words = [program, 'create', '--file', str(example), '--context', str(context)]
    words += ['--output-filename', 'Containerfile']  # with podman as with docker
    subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)
    assert 'hanok/cloud.git' in (context / '_build' / 'requirements.yml').read_text()
    assert 'rockylinux' in (context / 'Containerfile').read_text()

    collections = tmp_path / 'tree' / 'ansible_collections' / 'hanok'
    collections.mkdir(parents=True)
    (collections / 'cloud').symlink_to(ROOT)
    words = [program, 'introspect', str(tmp_path / 'tree')]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    needed = yaml.safe_load(found)
    assert {line.split()[0].split('>')[0] for line in needed['python']} == {
        'jmespath',
        'openstacksdk',
    }
    assert any('openssh' in line for line in needed['system'])
