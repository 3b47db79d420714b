# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The event source follows the history of a record: each change at least once, with its id."""

from __future__ import annotations

import asyncio
import json
import runpy
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.history import HistoryEntry

ROOT = Path(__file__).resolve().parents[2]
# As ansible-rulebook loads it.
PLUGIN = runpy.run_path(str(ROOT / 'extensions/eda/plugins/event_source/history.py'))
Event = dict[str, Any]
WORDS = {field.name for field in fields(HistoryEntry)} | {'project'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an empty record."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    record.sql.close()
    return tmp_path


def write(folder: Path, *results: str | None) -> None:
    """Add changes that ended so, or have not ended."""
    record = Record(str(folder), 'me')
    record.writer.open()
    with closing(record.sql):
        for result in results:
            values: Event = {
                'project': 'default',
                'began_at': '2026-01-31T09:00:00Z',
                'actor': 'kim',
                'job': '41',
                'module': 'server',
                'kind': 'server',
                'name': 'web',
                'verb': 'create',
                'why': '',
                'after': '{"image": "small"}',
                'result': result,
            }
            record.execute_insert('INSERT', 'main.history', values)
        record.sql.commit()


def end(folder: Path, number: int) -> None:
    """A change ends."""
    record = Record(str(folder), 'me')
    record.writer.open()
    with closing(record.sql):
        record.sql.execute("UPDATE main.history SET result = 'ok' WHERE id = ?", [number])
        record.sql.commit()


def options(folder: Path, **others: Any) -> Event:
    """Options of the source, with a state file."""
    return {
        'record': str(folder / 'hanok.db'),
        'state_file': str(folder / 'state.json'),
        'first': 'oldest',
        'interval': 0.01,
        **others,
    }


def follow(args: Event, count: int, kill: bool = False) -> list[int]:
    """The numbers of the next events. ``kill``: when they are taken, before that is noted."""

    async def taken() -> list[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue(1)  # as that of ansible-rulebook
        source = asyncio.create_task(PLUGIN['main'](queue, args))
        events = []
        while len(events) < count:
            event = asyncio.create_task(queue.get())
            await asyncio.wait([source, event], return_when=asyncio.FIRST_COMPLETED)
            if source.done():
                source.result()
            events.append(await event)
        while not kill and not is_noted(args, events[-1]['history']['number']):
            await asyncio.sleep(0.01)
        source.cancel()
        with suppress(asyncio.CancelledError):
            await source
        return events

    return [event['history']['number'] for event in asyncio.run(asyncio.wait_for(taken(), 30))]


def noted(args: Event) -> int:
    """The last change that the source has noted."""
    path = Path(args['state_file'])
    return int(json.loads(path.read_text())['last']) if path.exists() else 0


def is_noted(args: Event, number: int) -> bool:
    """Whether the source has noted that a change was delivered."""
    path = Path(args['state_file'])
    state = json.loads(path.read_text()) if path.exists() else {'last': 0}
    return state['last'] >= number and number not in state['unended']


def numbers(history: Any) -> list[int]:
    """What the source sees."""
    return [row['id'] for row in history.look()]


def test_each_change_once(folder: Path) -> None:
    """In the order in which they began, also after a restart."""
    write(folder, 'ok', 'failed')
    assert follow(options(folder), 2) == [1, 2]
    write(folder, 'ok')
    assert follow(options(folder), 1) == [3]


def test_killed_before_it_is_noted(folder: Path) -> None:
    """The event comes again, with the same id."""
    write(folder, 'ok', 'ok')
    assert follow(options(folder), 1, kill=True) == [1]
    assert follow(options(folder), 2) == [1, 2]


def test_feedback(folder: Path) -> None:
    """With it a change is noted only when the rule engine has it."""
    write(folder, 'ok', 'ok')

    async def taken() -> int:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        feedback: asyncio.Queue[Event] = asyncio.Queue(1)
        args = options(folder, eda_feedback_queue=feedback)
        source = asyncio.create_task(PLUGIN['main'](queue, args))
        event = await queue.get()
        before = noted(args)
        await feedback.put(event)
        await queue.get()
        source.cancel()
        with suppress(asyncio.CancelledError):
            await source
        assert before == 0
        return noted(args)

    assert asyncio.run(asyncio.wait_for(taken(), 30)) == 1


def test_a_change_that_has_not_ended(folder: Path) -> None:
    """It has its event when it ends, even if others came first; one that was deleted has none."""
    write(folder, None, 'ok', None)
    assert follow(options(folder), 1) == [2]
    end(folder, 1)
    assert follow(options(folder), 1) == [1]
    state = json.loads((folder / 'state.json').read_text())
    assert state['unended'] == [3]


def test_first_now(folder: Path) -> None:
    """Only what happens from then on, also if nothing happens before a restart."""
    write(folder, 'ok')
    args = options(folder, first='now')
    assert numbers(PLUGIN['history_of'](args)) == []
    write(folder, 'ok')
    assert follow(args, 1) == [2]


def test_another_record(folder: Path) -> None:
    """A record that was lost, and began anew, is followed from its beginning."""
    write(folder, 'ok', 'ok')
    assert follow(options(folder), 2) == [1, 2]
    for path in folder.glob('hanok.*'):
        path.unlink()
    assert numbers(PLUGIN['history_of'](options(folder))) == []
    write(folder, 'ok')
    assert follow(options(folder), 1) == [1]


def test_event(folder: Path) -> None:
    """It has the words of history_info, and an id of its own."""
    write(folder, 'ok', 'ok')
    one, two = (PLUGIN['event'](row) for row in PLUGIN['history_of'](options(folder)).look())
    assert one['history']['changed_by'] == 'kim'
    assert one['history']['after'] == {'image': 'small'}
    assert one['history'].keys() - {'number'} == WORDS
    assert one['meta']['uuid'] != two['meta']['uuid']
    again = PLUGIN['history_of'](options(folder)).look()[0]
    assert PLUGIN['event'](again)['meta'] == one['meta']


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'state_file': ''}, 'state_file is missing; name a file that keeps what was delivered'),
        ({'first': 'all'}, 'first: all is neither now nor oldest'),
        ({'state_file': '/none/x'}, 'state_file: /none is no directory; create it'),
        ({'state_file': __file__}, 'cannot be read .*; correct it, or remove it to begin anew'),
        ({'record': __file__}, 'record: .* cannot be read .*; run ansible-rulebook as root'),
    ],
)
def test_wrong_options(folder: Path, wrong: Event, message: str) -> None:
    """They are refused by their names."""
    with pytest.raises(PLUGIN['SourceError'], match=message):
        PLUGIN['history_of'](options(folder, **wrong)).look()
