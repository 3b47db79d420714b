# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let the tests import the collection from a clone at any path."""

from __future__ import annotations

import contextlib
from pathlib import Path

import hypothesis
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / 'build'
LINK = TREE / 'ansible_collections' / 'hanok' / 'cloud'


def find_collection() -> None:
    """Start ansible-core's own loader on the link that stands for the clone: at once, because conftest files below this one import the collection."""
    LINK.parent.mkdir(parents=True, exist_ok=True)
    if not LINK.is_symlink():
        # Another worker of the same run may be quicker.
        with contextlib.suppress(FileExistsError):
            LINK.symlink_to('../../..', target_is_directory=True)
    _AnsibleCollectionFinder(paths=[str(TREE)])._install()


def pytest_configure() -> None:
    """Machines are noisy: how long an example takes decides nothing."""
    hypothesis.settings.register_profile('ours', deadline=None)
    hypothesis.settings.load_profile('ours')


find_collection()
