# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the examples of the documentation, so that the tests can run them.

An example is a task of a module's EXAMPLES, or a fenced block of YAML in a README, in docs/ or in a
role's README: plays, tasks, or variables of the role. One that cannot be run gives the reason in a
comment: `# not run by the tests: REASON`. Sources of the inventory (`plugin: ...`) are none
here: tests/integration/test_inventory.py reads them.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import ACTIONS

DOCUMENTS = ('README.md', 'README.*.md', 'docs/**/*.md', 'roles/*/README.md')
EXCUSE = re.compile(r'^( *)# not run by the tests:(.*)$', re.MULTILINE)
LEAST_EXCUSE = 20  # characters: a sentence, not a word
FENCE = re.compile(r'^ *(?P<marks>`{3,}|~{3,}) *(?P<kind>[\w+-]*)')
YAML = {'yaml', 'yml', 'yaml+jinja'}
# NAMESPACE.COLLECTION.MODULE, as in every task.
ACTION = re.compile(r'[a-z][a-z0-9_]*(\.[a-z0-9_]+){2,}\Z')
PLAY_KEYS = {'hosts', 'import_playbook', 'ansible.builtin.import_playbook'}
# More than one task: only a play shows what it changed.
SEVERAL = re.compile(r'(block|ansible\.builtin\.(include|import)_(role|tasks))\Z')
TASK_LISTS = {'pre_tasks', 'tasks', 'post_tasks', 'handlers', 'block', 'rescue', 'always'}
LOCAL_PLAY = {
    'hosts': 'localhost',
    'become': True,
    'gather_facts': False,
    'vars': {'ansible_python_interpreter': '/usr/bin/python3'},
}


@dataclass(frozen=True)
class Example:
    """An example: a task (its mapping), or a play (the list of a playbook).

    ``excuse``: why it is not run. ``problem``: why it cannot be understood.
    """

    path: str
    line: int
    name: str
    kind: str
    content: Any
    excuse: str = ''
    problem: str = ''

    def __str__(self) -> str:
        """Its place, as an editor opens it, and its name."""
        return f'{self.place} {self.name}'

    @property
    def place(self) -> str:
        """Its file and line."""
        return f'{self.path}:{self.line}'

    @property
    def action(self) -> str:
        """The module of a task."""
        if self.kind != 'task':
            return ''
        return next((key for key in self.content if ACTION.match(key)), '')


def find(root: Path) -> list[Example]:
    """All examples of a collection: modules first, sorted by file and position."""
    modules = sorted(path for path in root.glob('plugins/modules/*.py') if path.stem != '__init__')
    documents = sorted({path for pattern in DOCUMENTS for path in root.glob(pattern)})
    found = []
    for path in [*modules, *documents]:
        text, name = path.read_text(encoding='utf-8'), str(path.relative_to(root))
        found += in_module(name, text) if path.suffix == '.py' else in_document(name, text)
    return found


def in_module(path: str, text: str) -> list[Example]:
    """The tasks of a module's EXAMPLES."""
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and [
            getattr(target, 'id', '') for target in statement.targets
        ] == ['EXAMPLES']:
            return _in_yaml(
                path, statement.value.lineno, ast.literal_eval(statement.value), shape_needed='task'
            )
    return []


def in_document(path: str, text: str) -> list[Example]:
    """The examples in the fenced YAML blocks of a document."""
    return [example for line, block in fences(text) for example in _in_yaml(path, line, block)]


def fences(text: str) -> Iterator[tuple[int, str]]:
    """The fenced YAML blocks of a Markdown text, each with the number of its first line."""
    lines = iter(enumerate(text.splitlines(keepends=True), start=1))
    for number, line in lines:
        opened = FENCE.match(line)
        if opened:
            end = re.compile(rf' *{opened["marks"]}{opened["marks"][0]}*\s*\Z')
            block = []
            for _number, inner in lines:
                if end.match(inner):
                    break
                block.append(inner)
            if opened['kind'].lower() in YAML:
                yield number + 1, textwrap.dedent(''.join(block))


def _in_yaml(path: str, line: int, text: str, shape_needed: str = '') -> list[Example]:
    """The examples in a text that begins at a line of a file."""
    example = Example(
        path,
        line,
        'a block of YAML',
        'play',
        [],
        excuse=' '.join(' '.join(reason.split()) for _indent, reason in EXCUSE.findall(text)),
    )
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [example if example.excuse else replace(example, problem=f'is no YAML: {error}')]
    if isinstance(content, dict) and 'plugin' in content:
        return []
    shape = _shape(path, content)
    if shape == 'task':
        return _tasks(path, line, text, content)
    if shape_needed or not shape:
        return [_not_understood(example, shape_needed)]
    if shape == 'variables':
        content = [
            {
                'name': f'{path} with these variables',
                **LOCAL_PLAY,
                'roles': [{'role': f'hanok.cloud.{Path(path).parts[1]}', 'vars': content}],
            }
        ]
    elif shape == 'tasks':
        content = [{'name': str(content[0].get('name', 'Tasks')), **LOCAL_PLAY, 'tasks': content}]
    return [replace(example, name=str(content[0].get('name', 'a play')), content=content)]


def _not_understood(example: Example, shape_needed: str) -> Example:
    """The example with its problem, unless it has an excuse."""
    if example.excuse and not shape_needed:
        return example
    what = 'a list of tasks'
    if not shape_needed:
        what = (
            'plays, nor tasks with the full names of their modules, '
            'nor variables of the role of this README'
        )
    advice = 'if it cannot be run, say why in a comment inside it'
    return replace(example, problem=f'is not {what}; {advice}')


def _shape(path: str, content: Any) -> str:
    """The shape of a YAML text: play, task, tasks, variables, or nothing known.

    task: tasks that run one by one; tasks: those that need a play around them.
    """
    if isinstance(content, dict) and content and re.match(r'roles/\w+/', path):
        prefix = Path(path).parts[1] + '_'
        return 'variables' if all(str(key).startswith(prefix) for key in content) else ''
    if not isinstance(content, list) or not content:
        return ''
    if not all(isinstance(item, dict) for item in content):
        return ''
    if all(PLAY_KEYS & set(item) for item in content):
        return 'play'
    return _shape_of_tasks(content)


def _shape_of_tasks(content: list[dict[str, Any]]) -> str:
    """The shape of a list of mappings that are no plays."""
    actions = []
    for item in content:
        found = [key for key in item if ACTION.match(str(key)) or key == 'block']
        if len(found) != 1:
            return ''
        actions += found
    return 'tasks' if any(map(SEVERAL.match, actions)) else 'task'


def _tasks(path: str, line: int, text: str, content: Iterable[dict[str, Any]]) -> list[Example]:
    """Each task with its own line and excuse.

    A comment that is indented under a task belongs to it, another one to the next task.
    """
    composed = yaml.compose(text, yaml.SafeLoader)
    starts = (
        [(node.start_mark.line, node.start_mark.column) for node in composed.value]
        if composed
        else []
    )
    excuses = [''] * len(starts)
    for found in EXCUSE.finditer(text):
        at, indent = text.count('\n', 0, found.start()), len(found[1])
        number = sum(start < at for start, _column in starts) - 1
        if number < 0 or indent < starts[number][1]:
            number += 1
        if number < len(starts):
            excuses[number] = ' '.join(found[2].split())
    return [
        Example(path, line + start, str(item.get('name', next(iter(item)))), 'task', item, excuse)
        for (start, _column), item, excuse in zip(starts, content, excuses, strict=True)
    ]


def without_names(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Plays, or tasks, without their names, which are all that a translation changes in them."""
    return [_without_name(task) for task in tasks]


def _without_name(task: dict[str, Any]) -> dict[str, Any]:
    return {
        key: without_names(value) if key in TASK_LISTS else value
        for key, value in task.items()
        if key != 'name'
    }


def playbook(
    examples: Iterable[Example], outcomes: str, *, predicted: bool = True
) -> list[dict[str, Any]]:
    """A play that tests each task example: check mode if it is to be predicted, run, second run.

    It writes the failures by example to the file ``outcomes``.
    """
    trials = [_trial(example, predicted=predicted) for example in examples]
    end = [
        {
            'name': 'Write the failures',
            'ansible.builtin.copy': {
                'content': '{{ example_problems | default({}) | to_json }}',
                'dest': outcomes,
                'mode': '0644',
            },
        }
    ]
    return [{'name': 'Examples', **LOCAL_PLAY, 'tasks': trials + end}]


def _is_event(example: Example) -> bool:
    """Whether the task requests an event, which happens each time, not a state."""
    options = example.content.get(example.action)
    if not isinstance(options, dict):
        return False
    action = ACTIONS.get(str(options.get('action')))
    return options.get('state') in ('restarted', 'restored') or (
        action is not None and action.is_event
    )


def _trial(example: Example, *, predicted: bool) -> dict[str, Any]:
    steps, conditions = _steps(example, predicted=predicted)
    failed = (
        '{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg | default("") }} '
        '{{ ansible_failed_result.results | default(ansible_failed_result.diff) | default("") }}; '
        f'it should be: {" and ".join(conditions)}'
    )
    combined = f'example_problems | default({{}}) | combine({{{example.place!r}: text}})'
    note = {
        'name': 'Record the failure',
        'ansible.builtin.set_fact': {'example_problems': f'{{{{ {combined} }}}}'},
    }
    rescue = [{**note, 'vars': {'text': failed}}]
    return {'name': str(example), 'block': steps, 'rescue': rescue}


def _steps(example: Example, *, predicted: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The task run and run again, in check mode before, and what is to be true then.

    A task that only looks is run once. An event would happen again: it is predicted again.
    """
    done = str(example.content.get('register', 'example_done'))
    run = {**example.content, 'name': f'{example}', 'register': done}
    if example.action.endswith('_info'):
        return _checked([run], f'{done} is not changed')
    is_event = _is_event(example)
    again = {**example.content, 'name': f'{example}, again', 'register': 'example_again'}
    if is_event:
        again['check_mode'] = True
    condition = f'example_again is {"" if is_event else "not "}changed'
    if not predicted:
        return _checked([run, again], condition)
    prediction = {
        **example.content,
        'name': f'{example}, predicted',
        'register': 'example_predicted',
        'check_mode': True,
    }
    agreement = f'(example_predicted is changed) == ({done} is changed)'
    return _checked([prediction, run, again], condition, agreement)


def _checked(
    steps: list[dict[str, Any]], *conditions: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """The steps, of which the last one also fails unless all conditions are met, and these."""
    last = steps[-1]
    unmet = [f'not ({condition})' for condition in conditions]
    failed = [f'({last.get("failed_when", last["register"] + " is failed")})', *unmet]
    return [*steps[:-1], {**last, 'failed_when': ' or '.join(failed)}], [*conditions]
