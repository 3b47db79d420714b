# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For how long servers were billable."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.history import HistoryEntry
from ansible_collections.hanok.cloud.plugins.module_utils._model.usage import Period, usage_of

DAY = Period('2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z')
SERVER = {'id': 'a', 'name': 'web', 'billable': True, 'created_at': '2026-03-01T12:00:00Z'}


def entry(time: str, verb: str, before: Any, after: Any, **values: Any) -> HistoryEntry:
    """A change of the server on a day of the month, with what ``billable`` was and is."""
    moment = f'2026-03-{time}:00Z'
    sides = [None if one is None else {'billable': one} for one in (before, after)]
    fields = {'id': 'a', 'result': 'ok', 'before': sides[0], 'after': sides[1], **values}
    return HistoryEntry(moment, 'server', 'web', verb, 'me', 'server', ended_at=moment, **fields)


CREATED = entry('01T12:00', 'create', None, True)
SHELVED = entry('02T06:00', 'shelve', True, False)
UNSHELVED = entry('02T18:00', 'unshelve', False, True)
DELETED = entry('02T21:00', 'delete', True, None)


@pytest.mark.parametrize(
    ('entries', 'hours'),
    [
        ([CREATED], 24.0),
        ([CREATED, SHELVED], 6.0),
        ([CREATED, SHELVED, UNSHELVED], 12.0),
        ([CREATED, SHELVED, UNSHELVED, DELETED], 9.0),
        ([entry('02T20:00', 'create', None, True)], 4.0),
        ([entry('02T20:00', 'create', None, True), DELETED], 1.0),
        # the history of before is not kept any more
        ([SHELVED], 6.0),
        ([UNSHELVED], 6.0),
        ([DELETED], 21.0),
        # a change that failed has changed nothing
        ([CREATED, entry('02T06:00', 'shelve', True, False, result='failed')], 24.0),
        # a change of something else
        ([CREATED, entry('02T06:00', 'update', None, None)], 24.0),
    ],
)
def test_hours(entries: list[HistoryEntry], hours: float) -> None:
    """Billable hours lie between changes, within the period."""
    (found,) = usage_of(reversed(entries), [], DAY)
    assert (found.name, found.id, found.hours, found.is_deleted) == ('web', 'a', hours, True)
    (found,) = usage_of(reversed(entries), [SERVER], DAY)
    assert (found.hours, found.is_deleted) == (hours, False)


def test_no_history() -> None:
    """A server without any change is what it is since its creation; others are left out."""
    (found,) = usage_of([], [SERVER], DAY)
    assert found.hours == 24.0
    before = Period('2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z')
    (found,) = usage_of([CREATED], [SERVER], before)
    assert found.hours == 0.0
    assert usage_of([DELETED, CREATED], [], before) == []


def test_result() -> None:
    """It has the period, and hours that can be read."""
    (found,) = usage_of([CREATED], [SERVER], DAY)
    assert found.public(DAY) == {
        'name': 'web',
        'id': 'a',
        'hours': 24.0,
        'from': DAY.since,
        'to': DAY.until,
        'deleted': False,
    }
