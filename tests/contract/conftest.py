# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud that the suite runs on, chosen by --cloud, and what every test needs of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import (
    MAX_LIMIT,
    OK,
    HistoryEntry,
    HistoryRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.contract.clouds import (
    CAN,
    FEATURES,
    CloudUnderTest,
)
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run
from ansible_collections.hanok.cloud.tests.contract.sample import is_in_sample


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On an OpenStack only a sample of the suite runs, except in the long form."""
    if config.getoption('--cloud') != 'openstack' or config.getoption('--soak'):
        return
    ours = [item for item in items if '/contract/' in item.nodeid]
    left_out = [item for item in ours if not is_in_sample(item.nodeid)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs what the cloud lacks."""
    name = item.config.getoption('--cloud')
    for mark in item.iter_markers('needs'):
        assert FEATURES.issuperset(mark.args), mark.args
        missing = set(mark.args) - CAN[name]
        if missing:
            pytest.skip(f'{name} lacks {", ".join(sorted(missing))}')


@pytest.fixture(scope='session')
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CloudUnderTest]:
    """The cloud."""
    found = importlib.import_module(f'..cloud_{request.config.getoption("--cloud")}', __name__)
    yield from found.opened(tmp_path_factory.mktemp('cloud'))


@pytest.fixture(scope='session')
def run(cloud: CloudUnderTest) -> Run:
    """Run a module on the cloud."""
    return cloud.run


def history_of(cloud: CloudUnderTest, options: Result) -> Sequence[HistoryEntry]:
    """The history of the project of a task, the latest change first; none in a cloud without it."""
    if 'history' not in cloud.can:
        return ()
    with cloud.open(options.get('project', 'default')) as opened:
        found: Sequence[HistoryEntry] = opened.history.list(HistoryRequest(limit=MAX_LIMIT))
        return found


@pytest.fixture(scope='session')
def keep(cloud: CloudUnderTest, run: Run) -> Callable[..., Result]:
    """Run a task as the whole project promises it; what is listed afterwards is its result.

    Each change that it made, and nothing else, is in the history of a cloud that keeps one.
    """

    def kept(module: str, **options: Any) -> Result:
        if module == 'project':
            options = {'project': options['name'], **options}  # its history is in that
        before = history_of(cloud, options)
        done = promises.keep(run, module, **options)
        if 'history' in cloud.can:
            entries = history_of(cloud, options)
            check_history(entries[: len(entries) - len(before)], done)
        kind = KINDS[module]
        for item in done[kind.plural] if kind.plural in done else [done[module]]:
            where = {one: options[one] for one in ('project', 'actor') if one in options}
            listed = run(f'{module}_info', name=item['name'], **where)[kind.plural] if item else []
            # The health of members may change from one look to the next.
            assert [dict(one, health=None) for one in listed] == (
                [dict(item, health=None)] if item else []
            )
        return done

    return kept


def check_history(entries: Sequence[HistoryEntry], done: Result) -> None:
    """Check that entries of the history are the steps of a task."""
    changes = [step for step in done['steps'] if not step['what'].startswith('waited for')]
    assert sorted((_what(entry), entry.why) for entry in entries) == sorted(
        (step['what'], step['why']) for step in changes
    )
    assert all(entry.result == OK and entry.ended_at for entry in entries)


def _what(entry: HistoryEntry) -> str:
    """A change as steps name it; one whose name was not known is called by its address then."""
    is_address = entry.kind == 'floating_ip' and entry.name[:1].isdigit()
    name = AFTER_APPLY if is_address and entry.verb == 'create' else entry.name
    return f'{entry.kind} {name}: {entry.verb}'


@pytest.fixture(scope='session')
def refused(run: Run) -> Callable[..., str]:
    """Run a task that is refused; return the message."""
    return lambda module, **options: promises.refused(run, module, **options)


@pytest.fixture(scope='session')
def image(cloud: CloudUnderTest) -> Iterator[str]:
    """An image."""
    promises.keep(cloud.run, 'image', name='small', path=cloud.image_path)
    yield 'small'
    promises.keep(cloud.run, 'image', name='small', state='absent')


def _scope_of_checks(fixture_name: str, config: pytest.Config) -> str:
    """Lists of an OpenStack take seconds, so that they are compared after a file of tests."""
    return 'module' if config.getoption('--cloud') == 'openstack' else 'function'


@pytest.fixture(autouse=True, scope=_scope_of_checks)
def nothing_left(cloud: CloudUnderTest, request: pytest.FixtureRequest) -> Iterator[None]:
    """Check that a test leaves nothing behind: what it created is deleted without a trace."""
    if 'image' in request.fixturenames:
        request.getfixturevalue('image')  # it stays
    before = cloud.remains()
    yield
    after = cloud.remains()
    if after != before and cloud.clean:
        cloud.clean(before)  # for the tests that follow
    assert after == before


@pytest.fixture
def server(
    cloud: CloudUnderTest, keep: Callable[..., Result], image: str
) -> Iterator[Callable[..., Result]]:
    """Create servers that are not started; they are deleted at the end of the test."""
    names: list[str] = []

    def created(name: str, **options: Any) -> Result:
        names.append(name)
        options = {'image': image, 'flavor': cloud.flavor, 'state': 'stopped', **options}
        return keep('server', name=name, **options)

    yield created
    for name in reversed(names):
        promises.keep(cloud.run, 'server', name=name, state='absent', delete_protection=False)
