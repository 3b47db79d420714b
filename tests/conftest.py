# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the collection importable from a clone at any path."""

from __future__ import annotations

import contextlib
from pathlib import Path

import hypothesis
import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / 'build'
LINK = TREE / 'ansible_collections' / 'hanok' / 'cloud'


def find_collection() -> None:
    """Start ansible-core's collection loader on the link to the clone.

    It runs at import, because conftest files below this one import the collection.
    """
    LINK.parent.mkdir(parents=True, exist_ok=True)
    if not LINK.is_symlink():
        # Another worker of the same run may have created it.
        with contextlib.suppress(FileExistsError):
            LINK.symlink_to('../../..', target_is_directory=True)
    _AnsibleCollectionFinder(paths=[str(TREE)])._install()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the contract suite, and of the long form, which make soak uses."""
    parser.addoption(
        '--soak',
        action='store_true',
        help='all points and many examples of tests of reliability, instead of a fixed sample',
    )
    parser.addoption(
        '--cloud',
        default='memory',
        choices=['memory', 'local', 'openstack'],
        help='tests/contract: the cloud that they run on; local only in scripts/world, openstack '
        'with the clouds.yaml of tests/openstack',
    )


@pytest.fixture(scope='session')
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is the long form."""
    return bool(request.config.getoption('--soak'))


def pytest_configure() -> None:
    """Disable the deadline of hypothesis examples: the speed of test machines varies."""
    hypothesis.settings.register_profile('ours', deadline=None)
    hypothesis.settings.load_profile('ours')


find_collection()
