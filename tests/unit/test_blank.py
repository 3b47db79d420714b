# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blank options, as AWX sends them for unanswered questions, count as not set."""

from __future__ import annotations

import copy
import importlib
import json
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import info, run
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.blank import (
    MEANINGFUL,
    drop_blank,
)
from ansible_collections.hanok.cloud.tests.module_args import patch_module_args

COLLECTION = 'ansible_collections.hanok.cloud.plugins.modules'
FOLDER = Path(__file__).resolve().parents[2] / 'plugins' / 'modules'
MODULES = sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != '__init__')
STRICT = ('rules',)  # a missing value would allow more, so blank values are refused


class _Read(BaseException):
    """Raised after the options were read, to skip the rest of the module."""


def reader(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that reads raw options as a module does, and returns the module."""
    read = run.create_module

    def stop(*arguments: Any, **rest: Any) -> Any:
        raise _Read(read(*arguments, **rest))

    for file in (run, info):
        monkeypatch.setattr(file, 'create_module', stop)

    def params(raw: Mapping[str, Any]) -> Any:
        with patch_module_args({**raw}), pytest.raises(_Read) as caught:
            runpy.run_module(f'{COLLECTION}.{name}', run_name='__main__')
        return caught.value.args[0]

    return params


def places(arguments: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the options of a module, with their suboptions."""
    for option, rule in arguments.items():
        if option in (*MEANINGFUL, *STRICT):
            continue
        if not rule.get('required'):
            yield (option,)
        yield from ((option, *inner) for inner in places(rule.get('options', {})))


def with_blank(place: tuple[str, ...], arguments: Mapping[str, Any], blank: Any) -> Any:
    """Return raw options with a blank value at a path."""
    if not place:
        return blank
    rule = arguments[place[0]]
    inner = with_blank(place[1:], rule.get('options', {}), blank)
    entry = isinstance(inner, dict) and rule.get('type') == 'list'
    return {place[0]: [inner] if entry else inner}


@pytest.mark.parametrize('name', MODULES)
def test_every_option_of_every_module(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blank option, alone or in a list, is read as if it were not set.

    Choices, numbers and booleans too.
    """
    params = reader(name, monkeypatch)
    needed = {'name': 'x'} if name not in ('recover', 'topology_info', 'capacity_info') else {}
    if name == 'server_action':
        needed['action'] = 'start'
    if name in ('server_snapshot', 'volume_snapshot'):
        needed[name.partition('_')[0]] = 'x'
    module = params(needed)
    tried = 0
    for place in places(module.argument_spec):
        for blank in ('', '  ', None, *([['']] if listed(place, module.argument_spec) else [])):
            raw = {**needed, **with_blank(place, module.argument_spec, blank)}
            drop_blank(raw, module.argument_spec)
            others = {option: value for option, value in needed.items() if option != place[0]}
            expected = {
                **others,
                **(with_blank(place[:-1], module.argument_spec, {}) if place[1:] else {}),
            }
            assert raw == expected, place
            tried += 1
            if len(place) == 1 and place[0] not in needed:
                assert params({**needed, place[0]: blank}).params == module.params, place
    assert tried > 4


def listed(place: tuple[str, ...], arguments: Mapping[str, Any]) -> bool:
    """Return whether the option at a path is a list of plain values."""
    for option in place[:-1]:
        arguments = arguments[option]['options']
    rule = arguments[place[-1]]
    return rule.get('type') == 'list' and 'options' not in rule


ARGUMENTS: dict[str, Any] = {
    'name': {'type': 'str'},
    'description': {'type': 'str'},
    'labels': {'type': 'dict'},
    'members': {'type': 'list', 'elements': 'str'},
    'networks': {'type': 'list', 'elements': 'dict', 'options': {'name': {}, 'port': {}}},
    'check': {'type': 'dict', 'options': {'port': {'type': 'int'}, 'path': {}}},
    'rules': {'type': 'list', 'elements': 'dict', 'options': {'remote': {}, 'port': {}}},
}


@pytest.mark.parametrize(
    ('raw', 'expected'),
    [
        ({'name': ''}, {}),
        ({'name': None}, {}),
        ({'name': 0}, {'name': 0}),
        ({'members': ['', 'a', ' ']}, {'members': ['a']}),
        ({'members': 'a,,b'}, {'members': ['a', 'b']}),
        ({'members': ''}, {}),
        ({'members': ['', '']}, {}),
        ({'members': []}, {'members': []}),
        ({'networks': [{'name': 'a', 'port': ''}]}, {'networks': [{'name': 'a'}]}),
        ({'check': {'port': '', 'path': '/'}}, {'check': {'path': '/'}}),
        ({'description': '', 'labels': {'a': ''}}, {'description': '', 'labels': {'a': ''}}),
        ({'rules': [{'remote': '', 'port': None}]}, {'rules': [{'remote': '', 'port': ''}]}),
        ({'_ansible_check_mode': '', 'other': ''}, {'_ansible_check_mode': '', 'other': ''}),
    ],
)
def test_drop_blank(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    """Only blank text is dropped; an empty list or description is set on purpose."""
    params = copy.deepcopy(raw)
    drop_blank(params, ARGUMENTS, STRICT)
    assert params == expected


def test_blank_required_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task fails with Ansible's message."""
    module = importlib.import_module(f'{COLLECTION}.network')
    with patch_module_args({'name': ''}), pytest.raises(SystemExit):
        module.main()
    assert json.loads(capsys.readouterr().out)['msg'] == 'missing required arguments: name'
