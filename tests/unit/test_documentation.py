# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RETURN of every module documents what the module returns: each key, its type, its contents.

ansible-test compares the documented options with the argument specification, but not RETURN.
"""

from __future__ import annotations

import importlib
import json
import re
import runpy
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from enum import EnumMeta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.resource import Resource
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Outcome
from ansible_collections.hanok.cloud.plugins.module_utils._model.application import Application
from ansible_collections.hanok.cloud.plugins.module_utils._model.backup_volume import VolumeCopy
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.console_log import ConsoleLog
from ansible_collections.hanok.cloud.plugins.module_utils._model.first_boot import FirstBoot
from ansible_collections.hanok.cloud.plugins.module_utils._model.hardware import Hardware
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import HistoryEntry
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.needs import Limit
from ansible_collections.hanok.cloud.plugins.module_utils._model.problem import Problem
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import Profile
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.secret import NO_SECRETS
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Size
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume_type import VolumeType
from ansible_collections.hanok.cloud.tests.module_args import patch_module_args

COLLECTION = 'ansible_collections.hanok.cloud.plugins.modules'
FOLDER = Path(__file__).resolve().parents[2] / 'plugins' / 'modules'
MODULES = sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != '__init__')
INFO = [name for name in MODULES if name.endswith('_info')]
# What a module that changes nothing needs to have a result.
READING: dict[str, dict[str, Any]] = {**{name: {} for name in INFO}, 'server_log': {'name': 'web'}}
MANAGING = [name for name in MODULES if name not in READING]

# Keys of Ansible itself, which may be in every result.
GENERAL = {'changed', 'diff', 'failed', 'invocation', 'warnings'}
# The key of sample mappings whose keys are chosen by users: their keys are not documented.
FREE = 'chosen by the user'
# Samples for fields that need a specific value, by type or by field name.
SPECIAL: dict[type, Any] = {
    Application: Application(('/app',), {}, '/', 0, 0, 15),
    Hardware: Hardware(cdroms=('disc',)),
    Rule: Rule('ingress', 'tcp', 80, 90),
    Size: Size('g1.nano', 1, 128, 1),
}
TEXTS: dict[str, Any] = {
    'content': '#!/bin/sh\n',
    'progress': {'percent': 42.5, 'seconds_left': 3},
}
TYPES: dict[type, str] = {
    str: 'str',
    int: 'int',
    float: 'float',
    bool: 'bool',
    list: 'list',
    dict: 'dict',
}
# A key that is like another one, maybe of another module: what that contains is not repeated.
LIKE = re.compile(r'like RV\((?:hanok\.cloud\.(\w+)#module:)?(\w+)\)')


def sample(hint: Any, name: str = '') -> Any:
    """Return a sample of a type in which no value is null and no list is empty."""
    if name in TEXTS:
        return TEXTS[name]
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if kind in (typing.Union, types.UnionType):
        return sample(next(one for one in inner if one is not types.NoneType), name)
    if kind in (tuple, list, Sequence):
        return (sample(inner[0]),)
    if kind in (dict, Mapping):
        return {FREE: sample(inner[1])}
    if hint in SPECIAL:
        return SPECIAL[hint]
    if is_dataclass(hint):
        lazy = {'Application': Application, 'Hardware': Hardware, 'VolumeCopy': VolumeCopy}
        hints = typing.get_type_hints(hint, localns=lazy)
        return typing.cast(Any, hint)(
            **{field.name: sample(hints[field.name], field.name) for field in fields(hint)}
        )
    if isinstance(hint, EnumMeta):
        return next(iter(hint))
    samples = {str: 'sample', int: 1, bool: True, float: 1.0, Any: 'sample'}
    assert hint in samples, f'{name}: there is no sample of {hint}; add one to SPECIAL'
    return samples[hint]


class SampleItems:
    """Items of one kind: there is one."""

    def __init__(self, item: Any) -> None:
        """``item``: the only item."""
        self.item = item

    def list(self, *_names: Any, **_options: Any) -> tuple[Any, ...]:
        """List the item."""
        return (self.item,)

    def types(self) -> tuple[VolumeType, ...]:
        """Return a type of volumes."""
        return (VolumeType('default'),)

    def first_boots(self, names: Sequence[str]) -> dict[str, FirstBoot]:
        """Return a sample for each server."""
        return {name: sample(FirstBoot) for name in names}

    def console_logs(self, names: Sequence[str], _lines: int) -> dict[str, ConsoleLog]:
        """Return a sample for each server."""
        return {name: sample(ConsoleLog) for name in names}


def succeeded(changes: Sequence[Change]) -> Sequence[Outcome]:
    """Report success."""
    return [Outcome(change) for change in changes]


class SampleUpkeep:
    """Nothing to repair."""

    def changes(self) -> Sequence[Change]:
        """Return no changes."""
        return ()


class SampleHistory(SampleItems):
    """A history with one change, in which nothing is kept."""

    def keep(self, _origin: Any, changes: Any, apply: Callable[[Any], Any]) -> Any:
        """Apply the changes."""
        return apply(changes)


class SampleCloud:
    """A cloud with one item of each kind."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        """``items``: the items by kind."""
        self.notes: list[str] = []
        self.kinds = {KINDS[kind].plural: SampleItems(item) for kind, item in items.items()}
        # A result has keys that are names of flavors.
        self.kinds['flavors'] = SampleItems(replace(items['flavor'], name=FREE))
        self.upkeep = SampleUpkeep()
        self.history = SampleHistory(sample(HistoryEntry))
        self.profile = Profile()
        self.access = None

    def __getattr__(self, kind: str) -> SampleItems:
        """Return the items of a kind."""
        return self.kinds[kind]

    @contextmanager
    def locked(self, observe: Callable[[], Any]) -> Iterator[Any]:
        """Observe without locks."""
        yield observe()[0]

    def each_project(self) -> Iterator[tuple[str, SampleCloud]]:
        """Yield the only project."""
        yield 'default', self

    def limits(self, resources: Iterable[str]) -> Sequence[Limit]:
        """Return much: it has room for everything."""
        return [Limit(resource, 10**9, 0) for resource in resources]

    def __enter__(self) -> SampleCloud:
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing."""


BECAUSE = Problem('because', 'option', 'refused', 'sample')


class SampleRequest:
    """A valid request."""

    secrets = NO_SECRETS

    def excesses(self, profile: Profile) -> list[Problem]:
        """Return no problems."""
        return []

    def problems(self) -> list[str]:
        """Return no problems."""
        return []


def main_function(module: str) -> Callable[[], None]:
    """Return the main function of a module."""
    plugin = importlib.import_module(f'{COLLECTION}.{module}')
    main: Callable[[], None]
    (main,) = (value for name, value in vars(plugin).items() if name.startswith('main'))
    return main


def resource(module: str) -> Resource[Any, Any, Any]:
    """Return the resource that a module passes to run."""
    main, found = main_function(module), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[main.__module__], 'run', found.append)
        main()
    assert len(found) == 1, f'{module} does not call run(Resource(...)), and is not in READING'
    return typing.cast(Resource[Any, Any, Any], found[0])


def sample_item(managed: Resource[Any, Any, Any]) -> Any:
    """Return a sample of the items of a resource, of the type that ``reload`` returns."""
    return sample(typing.get_args(typing.get_type_hints(managed.reload)['return'])[0])


@pytest.fixture(scope='module')
def items() -> dict[str, Any]:
    """Return one item of each kind."""
    managed = [resource(module) for module in MANAGING]
    return {one.kind: sample_item(one) for one in managed}


@pytest.fixture
def result(
    items: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a module on the sample cloud and returns its result."""
    monkeypatch.setattr(run, 'open_cloud', lambda *_names: SampleCloud(items))

    def ran(main: Callable[[], object], **options: Any) -> dict[str, Any]:
        # Every field of a sample has a value, also task_state: it is never ready.
        with patch_module_args({'wait': False, **options}), pytest.raises(SystemExit):
            main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {key: value for key, value in found.items() if key not in GENERAL}

    return ran


def documented(module: str) -> dict[str, Any]:
    """Return RETURN of a module."""
    found: dict[str, Any] = yaml.safe_load(importlib.import_module(f'{COLLECTION}.{module}').RETURN)
    return found


def differences(docs: Mapping[str, Any], shown: Mapping[str, Any], where: str = '') -> list[str]:
    """Return the differences between documented and returned keys, one sentence each.

    A key that is returned only if something holds may be missing in the sample.
    """
    missing = [
        key
        for key, doc in docs.items()
        if key not in shown and not str(doc.get('returned', '')).startswith('if ')
    ]
    problems = [f'{where}{key} is returned and not documented' for key in shown if key not in docs]
    problems += [f'{where}{key} is documented and not returned' for key in missing]
    for key in docs.keys() & shown.keys():
        problems += value_differences(docs, docs[key], shown[key], where + key)
    return problems


def value_differences(
    docs: Mapping[str, Any], doc: Mapping[str, Any], value: Any, where: str
) -> list[str]:
    """Return the differences of one key; ``docs``: its siblings, for a reference to one of them."""
    if doc['type'] == 'raw':
        return []
    if value is None:
        return [f'{where} is null in the sample, so its type is unknown; add its field to TEXTS']
    if doc['type'] != TYPES[type(value)]:
        return [f'{where} is documented as {doc["type"]} and is {TYPES[type(value)]}']
    if isinstance(value, list):
        if doc.get('elements') != TYPES[type(value[0])]:
            elements, actual = doc.get('elements'), TYPES[type(value[0])]
            return [f'{where} is documented as a list of {elements} and is one of {actual}']
        value = value[0]
    if not isinstance(value, dict) or FREE in value:
        return [f'{where} has contains, but no documented keys'] if 'contains' in doc else []
    return differences(contents(docs, doc), value, where + '.')


def contents(docs: Mapping[str, Any], doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the documented keys: its own, and those of the value that it is said to be like."""
    own = doc.get('contains', {})
    like = LIKE.search(str(doc['description']))
    if not like:
        return own
    module, key = like.groups()
    return {**(documented(module) if module else docs)[key]['contains'], **own}


def sample_options(managed: Resource[Any, Any, Any]) -> dict[str, str]:
    """Return a name, and values for the other options that are required."""
    required = {option: rule for option, rule in managed.arguments.items() if rule.get('required')}
    values = {option: rule.get('choices', ['sample'])[0] for option, rule in required.items()}
    return {'name': 'sample', **values} if 'name' in managed.arguments else values


def main_of(managed: Resource[Any, Any, Any], item: Any, *refused: Problem) -> Callable[[], None]:
    """Return a main function whose plan creates an item, or is refused."""
    planned = Plan(
        (Change(managed.kind, item.name, Verb.CREATE, None, item),), refused, result=(item,)
    )
    changed = replace(
        managed,
        request=lambda _params: SampleRequest(),
        observe=lambda *_requested: (None, set()),
        plan=lambda *_observed: planned,
        reload=lambda _cloud, items: items,
        executors=lambda *_requested: {(managed.kind, Verb.CREATE): succeeded},
        opener=None,
    )
    return lambda: run.run(changed)


@pytest.mark.parametrize('module', MANAGING)
def test_module_results(
    module: str, result: Callable[..., dict[str, Any]], items: dict[str, Any]
) -> None:
    """RETURN has the keys of a run, of one with count, and of a refusal."""
    managed = resource(module)
    options = sample_options(managed)
    shown = result(main_of(managed, items[managed.kind]), **options)
    assert (KINDS[managed.kind].plural if managed.is_list else managed.kind) in shown
    if 'count' in managed.arguments:
        shown.update(result(main_of(managed, items[managed.kind]), **options, count=1))
    shown.update(result(main_of(managed, items[managed.kind], BECAUSE), **options))
    problems = differences(documented(module), shown)
    assert not problems, f'RETURN of {module}: ' + '; '.join(problems)


@pytest.mark.parametrize('module', MANAGING)
def test_check_mode_results(
    module: str, result: Callable[..., dict[str, Any]], items: dict[str, Any]
) -> None:
    """Check mode returns the same keys as a run."""
    managed = resource(module)
    options = sample_options(managed)
    main = main_of(managed, items[managed.kind])
    assert set(result(main, **options, _ansible_check_mode=True)) == set(result(main, **options))


@pytest.mark.filterwarnings(
    'ignore:.*found in sys.modules:RuntimeWarning'
)  # the module was imported for its RETURN
@pytest.mark.parametrize('module', READING)
def test_reading_module_results(module: str, result: Callable[..., dict[str, Any]]) -> None:
    """RETURN has the keys of a module that changes nothing, and of a refusal."""
    options = yaml.safe_load(importlib.import_module(f'{COLLECTION}.{module}').DOCUMENTATION).get(
        'options', {}
    )
    flags = {option: True for option, doc in options.items() if doc['type'] == 'bool'}
    more = {**flags, **READING[module]}

    def main() -> None:
        runpy.run_module(f'{COLLECTION}.{module}', run_name='__main__')

    docs = documented(module)
    refused = result(main, **READING[module], project='-')
    assert refused.pop('msg')
    assert 'as M(hanok.cloud.server) returns it' in str(docs.pop('errors')['description'])
    (error,) = refused.pop('errors')
    assert set(error) == set(documented('server')['errors']['contains'])
    problems = differences(docs, {**result(main, **more), **refused})
    assert not problems, f'RETURN of {module}: ' + '; '.join(problems)


def test_modules_are_found() -> None:
    """The lists are not empty."""
    assert 'server' in MANAGING
    assert 'server_info' in INFO


@pytest.mark.parametrize(
    ('docs', 'shown', 'problem'),
    [
        ({}, {'id': 'x'}, 'id is returned and not documented'),
        ({'id': {'type': 'str'}}, {}, 'id is documented and not returned'),
        ({'size': {'type': 'str'}}, {'size': 1}, 'size is documented as str and is int'),
        ({'size': {'type': 'int'}}, {'size': True}, 'size is documented as int and is bool'),
        ({'size': {'type': 'int'}}, {'size': None}, 'size is null'),
        ({'names': {'type': 'list'}}, {'names': ['x']}, 'as a list of None and is one of str'),
        (
            {'nics': {'type': 'list', 'elements': 'dict', 'description': 'They.'}},
            {'nics': [{'mac': 'x'}]},
            'nics.mac is returned',
        ),
        (
            {'labels': {'type': 'dict', 'description': 'x', 'contains': {}}},
            {'labels': {FREE: 'x'}},
            'labels has contains',
        ),
        (
            {
                'one': {'type': 'dict', 'description': 'It.', 'contains': {}},
                'two': {'type': 'dict', 'description': 'It is like RV(one).'},
            },
            {'one': {}, 'two': {'id': 'x'}},
            'two.id is returned',
        ),
    ],
)
def test_differences(docs: dict[str, Any], shown: dict[str, Any], problem: str) -> None:
    """Every kind of difference is detected."""
    (found,) = differences(docs, shown)
    assert problem in found
