# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RETURN of every module is what the module returns: each key, its type, and what is inside. The modules are taken from the folder.

ansible-test compares the options with what AnsibleModule gets; what is returned nobody else
compares.
"""

from __future__ import annotations

import importlib
import json
import re
import runpy
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Outcome
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.firewall import Firewall
from ansible_collections.hanok.cloud.plugins.module_utils._model.first_boot import FirstBoot
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule

COLLECTION = 'ansible_collections.hanok.cloud.plugins.modules'
FOLDER = Path(__file__).resolve().parents[2] / 'plugins' / 'modules'
MODULES = sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != '__init__')
INFO = [name for name in MODULES if name.endswith('_info')]
KEEPING = [name for name in MODULES if name not in INFO]

# Ansible's own, in every result.
ASIDE = {'changed', 'diff', 'failed', 'invocation', 'warnings'}
# A mapping of the user's own words has this key in a sample: what is in it is not documented key by
# key.
FREE = 'a word of the user'
# What cannot be made of any text: by type, or by the name of a field.
SPECIAL: dict[type, Any] = {Rule: Rule('ingress', 'tcp', 80, 90)}
TEXTS = {'content': '#!/bin/sh\n'}
TYPES: dict[type, str] = {
    str: 'str',
    int: 'int',
    float: 'float',
    bool: 'bool',
    list: 'list',
    dict: 'dict',
}
LIKE = re.compile(r'like RV\((\w+)\)')


def sample(hint: Any, name: str = '') -> Any:
    """A value of a type, with something in all of it: what may be null is not, and no list is empty."""
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if kind in (typing.Union, types.UnionType):
        return sample(next(one for one in inner if one is not type(None)), name)
    if kind in (tuple, list, Sequence):
        return (sample(inner[0]),)
    if kind in (dict, Mapping):
        return {FREE: sample(inner[1])}
    if hint in SPECIAL:
        return SPECIAL[hint]
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return typing.cast(Any, hint)(
            **{field.name: sample(hints[field.name], field.name) for field in fields(hint)}
        )
    made = {str: TEXTS.get(name, 'sample'), int: 1, bool: True, float: 1.0}
    assert hint in made, f'{name}: this test has no sample of {hint}; add it to SPECIAL'
    return made[hint]


class Samples:
    """One kind of thing of a cloud: there is one, and whatever is asked of it goes well."""

    def __init__(self, thing: Any) -> None:
        """``thing``: the one there is."""
        self.thing = thing

    def list(self, *_names: Any) -> tuple[Any, ...]:
        """Look."""
        return (self.thing,)

    def first_boots(self, names: Sequence[str]) -> dict[str, FirstBoot]:
        """How they went."""
        return {name: sample(FirstBoot) for name in names}

    def create(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Make what was asked for."""
        return [Outcome(change) for change in changes]


class SampleCloud:
    """A cloud with one thing of each kind, full."""

    def __init__(self, things: Mapping[str, Any]) -> None:
        """``things``: by kind."""
        self.notes: list[str] = []
        self.kinds = {kind + 's': Samples(thing) for kind, thing in things.items()}

    def __getattr__(self, kind: str) -> Samples:
        """The things of a kind."""
        return self.kinds[kind]

    @contextmanager
    def locked(self, look: Callable[[], Any]) -> Iterator[Any]:
        """Hold what is seen."""
        yield look()[0]

    def close(self) -> None:
        """Nothing is open."""


class Asked:
    """A request with which nothing is wrong."""

    def problems(self) -> list[str]:
        """Nothing."""
        return []


def entry(module: str) -> Callable[[], None]:
    """What a module calls, whatever it is named."""
    plugin = importlib.import_module(f'{COLLECTION}.{module}')
    main: Callable[[], None]
    (main,) = (value for name, value in vars(plugin).items() if name.startswith('main'))
    return main


def resource(module: str) -> run.Resource:
    """The resource that a module hands on."""
    main, found = entry(module), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[main.__module__], 'run', found.append)
        main()
    assert len(found) == 1, (
        f'{module} does not end in run(Resource(...)), nor does its name end in _info'
    )
    return typing.cast(run.Resource, found[0])


def thing_of(kept: run.Resource) -> Any:
    """What a resource is about, full: the type is what ``reload`` returns."""
    return sample(typing.get_args(typing.get_type_hints(kept.reload)['return'])[0])


@pytest.fixture(scope='module')
def things() -> dict[str, Any]:
    """One thing of each kind."""
    kept = [resource(module) for module in KEEPING]
    return {'firewall': Firewall(), **{one.kind: thing_of(one) for one in kept}}


@pytest.fixture
def result(
    things: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Run the entry of a module on the cloud of samples; its result."""
    monkeypatch.setattr(run, 'open_cloud', lambda *_names: SampleCloud(things))

    def ran(main: Callable[[], object], **options: Any) -> dict[str, Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {key: value for key, value in found.items() if key not in ASIDE}

    return ran


def documented(module: str) -> dict[str, Any]:
    """RETURN of a module."""
    found: dict[str, Any] = yaml.safe_load(importlib.import_module(f'{COLLECTION}.{module}').RETURN)
    return found


def wrong(docs: Mapping[str, Any], shown: Mapping[str, Any], where: str = '') -> list[str]:
    """What is wrong with the documentation of the keys of a mapping, as sentences; none is good."""
    problems = [f'{where}{key} is returned and not documented' for key in shown if key not in docs]
    problems += [f'{where}{key} is documented and not returned' for key in docs if key not in shown]
    for key in docs.keys() & shown.keys():
        problems += wrong_value(docs, docs[key], shown[key], where + key)
    return problems


def wrong_value(
    docs: Mapping[str, Any], doc: Mapping[str, Any], value: Any, where: str
) -> list[str]:
    """The same of one key. ``docs``: its neighbours, one of which it may be like."""
    if doc['type'] == 'raw':
        return []
    if value is None:
        return [
            f'{where} is null in the sample, which tells nothing of its type; add its field to TEXTS'
        ]
    if doc['type'] != TYPES[type(value)]:
        return [f'{where} is documented as {doc["type"]} and is {TYPES[type(value)]}']
    if isinstance(value, list):
        if doc.get('elements') != TYPES[type(value[0])]:
            return [
                f'{where} is documented as a list of {doc.get("elements")} and is one of {TYPES[type(value[0])]}'
            ]
        value = value[0]
    if not isinstance(value, dict) or FREE in value:
        return (
            [f'{where} has contains, and nothing inside that has names']
            if 'contains' in doc
            else []
        )
    like = LIKE.search(str(doc['description']))
    return wrong(
        docs[like.group(1)]['contains'] if like else doc.get('contains', {}), value, where + '.'
    )


def acting(kept: run.Resource, thing: Any, *refused: str) -> Callable[[], None]:
    """The entry of a resource whose plan is to make a thing, or is refused."""
    made = Plan((Change(kept.kind, thing.name, 'create', None, thing),), refused, result=(thing,))
    changed = kept._replace(
        request=lambda _params: Asked(),
        observe=lambda *_asked: (None, set()),
        plan=lambda *_seen: made,
        reload=lambda _cloud, planned: planned,
        executors=lambda *_asked: {},
        opener=None,
        wait=lambda *_asked: 'a sample was waited for',
    )
    return lambda: run.run(changed)


@pytest.mark.parametrize('module', KEEPING)
def test_what_a_module_returns(
    module: str, result: Callable[..., dict[str, Any]], things: dict[str, Any]
) -> None:
    """After a run, after one with count, and after a refusal: together that is what is documented."""
    kept = resource(module)
    options = {option: 'sample' for option, rule in kept.arguments.items() if rule.get('required')}
    shown = result(acting(kept, things[kept.kind]), **options)
    assert kept.kind in shown
    if 'count' in kept.arguments:
        shown.update(result(acting(kept, things[kept.kind]), **options, count=1))
    shown.update(result(acting(kept, things[kept.kind], 'because'), **options))
    problems = wrong(documented(module), shown)
    assert not problems, f'RETURN of {module}: ' + '; '.join(problems)


@pytest.mark.parametrize('module', KEEPING)
def test_what_check_mode_returns(
    module: str, result: Callable[..., dict[str, Any]], things: dict[str, Any]
) -> None:
    """The same keys as a run."""
    kept = resource(module)
    options = {option: 'sample' for option, rule in kept.arguments.items() if rule.get('required')}
    main = acting(kept, things[kept.kind])
    assert set(result(main, **options, _ansible_check_mode=True)) == set(result(main, **options))


@pytest.mark.filterwarnings(
    'ignore:.*found in sys.modules:RuntimeWarning'
)  # RETURN is read of it, too
@pytest.mark.parametrize('module', INFO)
def test_what_an_info_module_returns(module: str, result: Callable[..., dict[str, Any]]) -> None:
    """All that there is, documented."""
    options = yaml.safe_load(importlib.import_module(f'{COLLECTION}.{module}').DOCUMENTATION).get(
        'options', {}
    )
    more = {option: True for option, doc in options.items() if doc['type'] == 'bool'}
    problems = wrong(
        documented(module),
        result(lambda: runpy.run_module(f'{COLLECTION}.{module}', run_name='__main__'), **more),
    )
    assert not problems, f'RETURN of {module}: ' + '; '.join(problems)


def test_the_modules_are_found() -> None:
    """An empty list of modules would be documented well."""
    assert 'server' in KEEPING
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
def test_what_is_wrong_is_seen(docs: dict[str, Any], shown: dict[str, Any], problem: str) -> None:
    """Each way in which documentation and result differ."""
    (found,) = wrong(docs, shown)
    assert problem in found
