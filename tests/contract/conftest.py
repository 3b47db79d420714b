# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud that the suite runs on: one in memory."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run as edge
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run
from ansible_collections.hanok.cloud.tests.memory_cloud import Memory, MemoryCloud

MODULES = 'ansible_collections.hanok.cloud.plugins.modules'


@pytest.fixture(scope='session')
def run() -> Iterator[Run]:
    """Run a module on the cloud."""
    memory = Memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge, 'open_cloud', lambda _name, actor, *_rest: MemoryCloud(memory, actor))
        yield run_in_process


def run_in_process(module: str, check: bool = False, **options: Any) -> Result:
    """Run a module in this process; its result."""
    found: list[Result] = []
    plugin = importlib.import_module(f'{MODULES}.{module}')
    (main,) = (value for name, value in vars(plugin).items() if name.startswith('main'))
    # The main function of most _info modules takes the kind.
    kinds = [module.removesuffix('_info')] if main.__code__.co_argcount else []
    arguments = {**options, '_ansible_check_mode': check, '_ansible_diff': True}
    with pytest.MonkeyPatch.context() as patch, patch_module_args(arguments):
        patch.setattr('builtins.print', lambda text: found.append(json.loads(text)))
        with pytest.raises(SystemExit):
            main(*kinds)
    return found[-1]


@pytest.fixture(scope='session')
def keep(run: Run) -> Callable[..., Result]:
    """Run a task as the whole project promises it; what is listed afterwards is its result."""

    def kept(module: str, **options: Any) -> Result:
        done = promises.keep(run, module, **options)
        kind = KINDS[module]
        items = done.get(kind.plural) or [done[module]]
        for item in items:
            listed = run(f'{module}_info', name=item['name'])[kind.plural] if item else []
            assert listed == ([item] if item else [])
        return done

    return kept


@pytest.fixture(scope='session')
def refused(run: Run) -> Callable[..., str]:
    """Run a task that is refused; return the message."""
    return lambda module, **options: promises.refused(run, module, **options)


@pytest.fixture(scope='session')
def image_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small image."""
    path = tmp_path_factory.mktemp('image') / 'small.qcow2'
    path.write_bytes(b'QFI\xfb')
    return str(path)


@pytest.fixture(scope='session')
def image(keep: Callable[..., Result], image_path: str) -> Iterator[str]:
    """An image."""
    keep('image', name='small', path=image_path)
    yield 'small'
    keep('image', name='small', state='absent')


@pytest.fixture
def server(keep: Callable[..., Result], image: str) -> Iterator[Callable[..., Result]]:
    """Create servers that are not started; they are deleted at the end of the test."""
    names: list[str] = []

    def created(name: str, **options: Any) -> Result:
        names.append(name)
        options = {'image': image, 'flavor': 'g1.nano', 'state': 'stopped', **options}
        return keep('server', name=name, **options)

    yield created
    for name in reversed(names):
        keep('server', name=name, state='absent', delete_protection=False)
