# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.backup import KEEP
from ansible_collections.hanok.cloud.plugins.module_utils._model.retention import Dated, expired

FIRST = datetime(2026, 1, 1)  # a Thursday


def made(*hours: int) -> list[Dated]:
    """Backups that were made so many hours after the first one."""
    return [Dated(str(hour), (FIRST + timedelta(hours=hour)).isoformat() + 'Z') for hour in hours]


@pytest.mark.parametrize(
    ('keep', 'kept'),
    [
        ({}, [0, 5, 24, 30, 96, 97, 240]),
        ({'keep_last': 2}, [97, 240]),
        ({'keep_daily': 1}, [240]),
        ({'keep_daily': 3}, [30, 97, 240]),
        ({'keep_daily': 9}, [5, 30, 97, 240]),
        ({'keep_weekly': 1}, [240]),
        ({'keep_weekly': 3}, [30, 240]),
        ({'keep_last': 3, 'keep_weekly': 3}, [30, 96, 97, 240]),
    ],
)
def test_rules(keep: dict[str, int], kept: list[int]) -> None:
    """The newest of each period; a rule does not care what another one keeps."""
    backups = made(0, 5, 24, 30, 96, 97, 240)
    gone = expired(backups, keep)
    assert [one.name for one in backups if one.name not in gone] == [str(hour) for hour in kept]


@given(
    st.lists(st.integers(0, 2000), unique=True),
    st.dictionaries(st.sampled_from(KEEP), st.integers(1, 9), min_size=1),
)
def test_what_is_kept_stays(hours: list[int], keep: dict[str, int]) -> None:
    """The newest is kept, a second look finds nothing, and the oldest are deleted first."""
    backups = made(*hours)
    gone = expired(backups, keep)
    left = [one for one in backups if one.name not in gone]
    assert expired(left, keep) == []
    assert gone == sorted(gone, key=int)
    if hours:
        assert str(max(hours)) not in gone
        assert len(left) >= min(len(hours), keep.get('keep_last', 1))
        assert len(left) <= sum(keep.values())
