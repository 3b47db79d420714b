# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of several items stays that runs create at once, by what a run sees after its own."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Busy
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api import doubles, names

Raw = dict[str, Any]
OWN: Raw = {'id': 'b', 'created_at': '2026-01-01T00:00:05Z'}
OLDER: Raw = {'id': 'c', 'created_at': '2026-01-01T00:00:04Z'}
YOUNGER: Raw = {'id': 'a', 'created_at': '2026-01-01T00:00:06Z'}
SAME_SECOND: Raw = {'id': 'a', 'created_at': '2026-01-01T00:00:05Z'}
BEGUN: Raw = {**OWN, 'description': 'hanok:created_by=kim; hanok:unfinished=creating'}
COMPLETE: Raw = {**YOUNGER, 'description': ''}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run yields at its second look, and waits for nothing."""
    monkeypatch.setattr(doubles, '_PATIENCE', 0.0)
    monkeypatch.setattr(doubles, '_PAUSE', 0.01)


@pytest.mark.parametrize(
    ('seen', 'expected'),
    [
        ([[OWN]], True),
        ([[OLDER, OWN]], False),
        ([[OWN, SAME_SECOND]], False),
        # The other one was deleted by its run, or was kept before this one was there.
        ([[OWN, YOUNGER], [OWN]], True),
        ([[OWN, YOUNGER], [OWN, YOUNGER]], False),
    ],
)
def test_stays(seen: list[list[Raw]], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest stays, unless a younger one does not disappear."""
    times = iter([0.0, *[float(number > 1) for number in range(1, 9)]])
    monkeypatch.setattr(doubles.time, 'monotonic', lambda: next(times))
    looks = iter(seen)
    assert doubles.stays(OWN, lambda: next(looks)) is expected


def test_complete_item_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run has kept its item and completed it: it stays at once, and tasks refer to it."""
    monkeypatch.setattr(doubles.time, 'sleep', lambda _seconds: pytest.fail('nothing to wait for'))
    assert not doubles.stays(BEGUN, lambda: [BEGUN, COMPLETE])
    owned = [{**raw, 'name': 'same', 'project_id': 'p'} for raw in (BEGUN, COMPLETE)]
    (found,) = names.named(owned, ['same'], 'p', lambda _raw: True)
    assert found['id'] == COMPLETE['id']


def test_until_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that yielded to each other create it again; not for ever."""
    monkeypatch.setattr(doubles, 'random', lambda: 0.0)
    found = iter([None, None, OWN])
    assert doubles.until_one_stays(lambda: next(found)) == OWN
    with pytest.raises(Busy, match='other runs create it'):
        doubles.until_one_stays(lambda: None)
