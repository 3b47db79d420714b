# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adds the options of modules to the roles that pass them on, and removes those that are gone.

make format runs it. What the role says of an option stays as it is: only an option that is missing,
or differs in its types, choices or suboptions, gets the text of its module.
"""

from __future__ import annotations

import importlib
import itertools
import re
import textwrap
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = 'ansible_collections.hanok.cloud.plugins'
ROLES = ('provision', 'scale')
# Options that a role sets itself.
OWN = {'scale_server': {'name', 'count', 'allow_shrink'}, 'scale_lb': {'name', 'state', 'members'}}
# Choices that a role does not have: events, and what it decides itself.
_NO_CHOICES = {'provision_servers': {'restarted'}, 'scale_server': {'restarted', 'absent'}}
_WIDTH = 100
_VARIABLE = re.compile(r'^      (\w+):$', re.MULTILINE)
_OPTION = re.compile(r'^          (\w+):\n(?:           .*\n)*', re.MULTILINE)
_REFERENCE = re.compile(r'\b(O|RV)\(([^)#]+)\)')
_TASK = re.compile(r'^  hanok\.cloud\.(\w+):.*\n((?:    .*\n)+)', re.MULTILINE)
_PASSED = re.compile(r'^    (\w+): "{{ (\w+)\.\1 \| default\(omit\) }}"\n', re.MULTILINE)
_MIN_PASSED = 3  # a task that passes on fewer options does not pass on all


def documented(module: str) -> dict[str, Any]:
    """Return the documented options of a module."""
    text = (ROOT / 'plugins' / 'modules' / f'{module}.py').read_text('utf-8')
    documentation = text.split('DOCUMENTATION = r"""')[1].split('"""')[0]
    options: dict[str, Any] = yaml.safe_load(documentation)['options']
    return options


def module_of(variable: str) -> str | None:
    """Return the module whose options a variable of a role holds; None if there is none."""
    role, _underscore, name = variable.partition('_')
    module = name.removesuffix('s') if role == 'provision' else name
    path = ROOT / 'plugins' / 'modules' / f'{module}.py'
    return module if role in ROLES and path.exists() else None


def updated_specs(text: str) -> str:
    """Return the argument specification of a role with the options that its modules have."""
    starts = [*(found.start() for found in _VARIABLE.finditer(text)), len(text)]
    parts = [text[: starts[0]]]
    for start, end in itertools.pairwise(starts):
        part = text[start:end]
        variable = part.split(':', 1)[0].strip()
        module = module_of(variable)
        parts.append(part if module is None else _updated_variable(part, variable, module))
    return ''.join(parts)


def _updated_variable(part: str, variable: str, module: str) -> str:
    head, marker, body = part.partition('        options:\n')
    if not marker:
        return part
    no_choices = _NO_CHOICES.get(variable, set())
    wanted = {
        name: _without(option, no_choices)
        for name, option in documented(module).items()
        if name not in OWN.get(variable, ())
    }

    def updated(found: re.Match[str]) -> str:
        option = wanted.pop(found[1], None)
        if option is None:
            return ''
        return found[0] if _has_type(found[0], option) else _described(found[1], option, module)

    body = _OPTION.sub(updated, body)
    new = ''.join(_described(name, option, module) for name, option in wanted.items())
    return head + marker + _before_description(body, new, '          ')


def _without(option: Mapping[str, Any], choices: Container[str]) -> Mapping[str, Any]:
    """Return an option without these choices."""
    if 'choices' not in option:
        return option
    return {**option, 'choices': [word for word in option['choices'] if word not in choices]}


def _has_type(text: str, option: Mapping[str, Any]) -> bool:
    """Whether the text of an option has the type of the module's."""
    (specified,) = yaml.safe_load(text).values()
    return _type(specified) == _type(option)


def _type(option: Mapping[str, Any]) -> tuple[object, ...]:
    """The type of an option, with its suboptions, which a module and a role call differently."""
    inner = option.get('suboptions') or option.get('options') or {}
    return (
        option['type'],
        option.get('elements'),
        option.get('choices'),
        {name: _type(suboption) for name, suboption in inner.items()},
    )


def _before_description(body: str, new: str, indent: str) -> str:
    """Insert lines before those of the option description, which is one of the last."""
    place = re.search(rf'^{indent}description:', body, re.MULTILINE)
    start = place.start() if place else len(body)
    return body[:start] + new + body[start:]


def _described(name: str, option: Mapping[str, Any], module: str, depth: int = 0) -> str:
    """An option of a module as an option of a role; a default is not repeated."""
    indent = ' ' * (10 + 4 * depth)
    lines = [f'{indent}{name}:', f'{indent}  type: {option["type"]}']
    if 'elements' in option:
        lines.append(f'{indent}  elements: {option["elements"]}')
    if 'choices' in option:
        lines.append(f'{indent}  choices: [{", ".join(map(str, option["choices"]))}]')
    if _is_secret(name, module):
        lines.append(f'{indent}  no_log: true')
    lines += [f'{indent}  description:', *_sentences(option['description'], module, indent)]
    text = '\n'.join(lines) + '\n'
    if 'suboptions' in option:
        text += f'{indent}  options:\n'
        for inner, inner_option in option['suboptions'].items():
            text += _described(inner, inner_option, module, depth + 1)
    return text


def _is_secret(name: str, module: str) -> bool:
    arguments = importlib.import_module(f'{COLLECTION}.module_utils._ansible.{module}').ARGUMENTS
    return bool(arguments.get(name, {}).get('no_log'))


def _sentences(description: str | list[str], module: str, indent: str) -> Iterator[str]:
    sentences = [description] if isinstance(description, str) else description
    for sentence in sentences:
        full = _REFERENCE.sub(rf'\1(hanok.cloud.{module}#module:\2)', sentence)
        width = _WIDTH - len(indent) - 6
        first, *rest = textwrap.wrap(full, width, break_long_words=False, break_on_hyphens=False)
        yield f'{indent}    - {first}'
        yield from (f'{indent}      {line}' for line in rest)


def updated_tasks(text: str, role: str) -> str:
    """Return the tasks of a role with the options that their modules have."""
    return _TASK.sub(lambda task: _updated_task(task, role), text)


def _updated_task(task: re.Match[str], role: str) -> str:
    module, body = task.groups()
    passed = {found[1]: found[2] for found in _PASSED.finditer(body)}
    if len(passed) < _MIN_PASSED:
        return task[0]
    options, own = documented(module), OWN.get(f'{role}_{module}', set())
    body = _PASSED.sub(lambda found: found[0] if found[1] in options else '', body)
    source = next(iter(passed.values()))
    new = ''.join(
        f'    {name}: "{{{{ {source}.{name} | default(omit) }}}}"\n'
        for name in options
        if name not in own and not re.search(rf'^    {name}:', body, re.MULTILINE)
    )
    return task[0].removesuffix(task[2]) + _before_description(body, new, '    ')


def files() -> Iterator[tuple[Path, Callable[[str], str]]]:
    """Yield the files of the roles, each with the function that updates its text."""
    for role in ROLES:
        folder = ROOT / 'roles' / role
        yield folder / 'meta' / 'argument_specs.yml', updated_specs
        for path in sorted((folder / 'tasks').glob('*.yml')):
            yield path, lambda text, role=role: updated_tasks(text, role)  # type: ignore[misc]


def outdated() -> Iterable[tuple[Path, str]]:
    """Yield the files that lack an option, or have one that is gone, with their new text."""
    for path, update in files():
        text = path.read_text('utf-8')
        new = update(text)
        if new != text:
            yield path, new


if __name__ == '__main__':
    for changed, new_text in outdated():
        changed.write_text(new_text, 'utf-8')
        print(f'{changed.relative_to(ROOT)}: updated the options of modules')
