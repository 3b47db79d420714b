# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud that the suite runs on, chosen by --cloud, and what every test needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.contract.clouds import CLOUDS, CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run


@pytest.fixture(scope='session')
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CloudUnderTest]:
    """The cloud."""
    yield from CLOUDS[request.config.getoption('--cloud')](tmp_path_factory.mktemp('cloud'))


@pytest.fixture(scope='session')
def run(cloud: CloudUnderTest) -> Run:
    """Run a module on the cloud."""
    return cloud.run


@pytest.fixture(scope='session')
def keep(run: Run) -> Callable[..., Result]:
    """Run a task as the whole project promises it; what is listed afterwards is its result."""

    def kept(module: str, **options: Any) -> Result:
        done = promises.keep(run, module, **options)
        kind = KINDS[module]
        for item in done[kind.plural] if kind.plural in done else [done[module]]:
            where = {'project': options['project']} if 'project' in options else {}
            listed = run(f'{module}_info', name=item['name'], **where)[kind.plural] if item else []
            # The health of members may change from one look to the next.
            assert [dict(one, health=None) for one in listed] == (
                [dict(item, health=None)] if item else []
            )
        return done

    return kept


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


@pytest.fixture(autouse=True)
def nothing_left(cloud: CloudUnderTest, image: str) -> Iterator[None]:
    """Check that a test leaves nothing behind: what it created is deleted without a trace."""
    before = cloud.remains()
    yield
    assert cloud.remains() == before


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
