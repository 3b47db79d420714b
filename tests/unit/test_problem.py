# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Problems keep the option, the item and the code beside their sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Draft, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import fixed
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor import Flavor
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import LbRequest, Listener
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.problem import Problem, invalid
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest

ROOMS = Path(__file__).parents[2] / 'plugins/module_utils'


def parts(problem: Problem) -> tuple[str, str, str]:
    """What a problem has beside its sentence."""
    return problem.option, problem.code, problem.name


def test_invalid() -> None:
    """The sentence begins with the option."""
    problem = invalid('count', '0 is too few')
    assert problem == 'count: 0 is too few'
    assert parts(problem) == ('count', 'invalid', '')


def test_place_of_an_option() -> None:
    """An option inside a list is named with its place, another by its own name."""
    request = ServerRequest('web', 'present', {}, count=900, networks=(NicRequest('two\nlines'),))
    found = [(problem.option, problem.code) for problem in request.problems()]
    assert found == [('count', 'invalid'), ('networks[0].name', 'invalid')]
    (port,) = LbRequest('in', 'present', {'listeners': (Listener(0),)}).problems()
    assert (port, port.option) == (
        'listeners: port: 0 is not a port; use 1 to 65535',
        'listeners',
    )
    last = ServerRequest('w' * 62, 'present', {}, count=2).problems()
    assert [problem.option for problem in last] == ['count']


def test_draft() -> None:
    """A draft keeps refusals and missing references apart."""
    draft = Draft()
    draft.refuse('state', 'it is busy', name='web-1')
    draft.require('keypair', 'ann', {}, 'key_names')
    draft.require('flavor', 'big', {'small': None})
    current = Flavor('own', vcpus=1, memory=32, disk=1)
    draft.update('flavor', current, {'vcpus': 2}, {'vcpus': fixed('never')})
    plan: Plan[object] = draft.finish(())
    assert [parts(problem) for problem in plan.refused] == [
        ('state', 'refused', 'web-1'),
        ('vcpus', 'refused', 'own'),
    ]
    assert [parts(problem) for problem in plan.missing] == [
        ('key_names', 'missing', ''),
        ('flavor', 'missing', ''),
    ]
    assert plan.missing[1] == 'flavor big does not exist; available: small'


def calls() -> Iterator[tuple[str, str]]:
    """The options that plans give to refuse and miss as text, with the file."""
    for file in sorted((ROOMS / '_plan').glob('*.py')):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ('refuse', 'miss')
                and isinstance(node.args[0], ast.Constant)
            ):
                yield file.stem, node.args[0].value


@pytest.mark.parametrize(('file', 'option'), sorted(set(calls())))
def test_options_exist(file: str, option: str) -> None:
    """A refusal names an option of a module; its sentence must not stand in that place."""
    documented = ROOMS.parent / 'modules'
    texts = [*documented.glob('*.py'), ROOMS.parent / 'doc_fragments' / 'cloud.py']
    modules = [module.read_text() for module in texts]
    assert any(f'\n  {option}:\n' in text for text in modules), (file, option)
