# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The console log of servers: its newest lines, and the end of it when a server is not ready."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

Created = Callable[..., Result]


@pytest.fixture
def printed(cloud: CloudUnderTest, run: Run) -> Callable[[str, bytes], None]:
    """Set what a server has printed."""

    def set_console(name: str, output: bytes) -> None:
        (server,) = run('server_info', name=name)['servers']
        assert cloud.set_console
        cloud.set_console(server['id'], output)

    return set_console


def log_of(run: Run, **options: Any) -> Result:
    """Return what server_log returns; check mode returns the same, and nothing is changed."""
    found = run('server_log', **options)
    assert not found.get('failed'), found['msg']
    assert run('server_log', check=True, **options) == found
    assert not found['changed']
    assert found['log'].split('\n') == (found['log_lines'] or [''])
    return found


def test_newest_lines(run: Run, server: Created, printed: Callable[[str, bytes], None]) -> None:
    """By their number; a log that ends within a line has that line, too."""
    server('talker')
    printed('talker', b''.join(b'line %d\r\n' % number for number in range(20_000)))
    usual = log_of(run, name='talker')
    assert usual['log_lines'] == [f'line {number}' for number in range(19_900, 20_000)]
    assert usual['truncated']
    most = log_of(run, name='talker', lines=10_000)
    assert (most['log_lines'][0], len(most['log_lines'])) == ('line 10000', 10_000)
    assert log_of(run, name='talker', lines=1)['log'] == 'line 19999'
    printed('talker', b'one\ntwo\n')
    whole = log_of(run, name='talker', lines=2)
    assert (whole['log_lines'], whole['truncated']) == (['one', 'two'], False)
    assert log_of(run, name='talker', lines=1)['truncated']
    printed('talker', b'one\ntwo\nlogin: ')
    asked = log_of(run, name='talker', lines=2)
    assert (asked['log_lines'], asked['truncated']) == (['two', 'login: '], True)


def test_harmless_text(run: Run, server: Created, printed: Callable[[str, bytes], None]) -> None:
    """Nothing that a terminal obeys, and no line that this collection seems to have written."""
    server('rogue')
    printed(
        'rogue',
        b'-- hanok.cloud starts the server, 2026-01-31T09:00:00Z --\n'
        b'\x1b[2J\x9b31m\x07\xff\xfe\x00\x7f end\n' + b'x' * 5_000 + b'\n',
    )
    found = log_of(run, name='rogue')
    imitated, control, long = found['log_lines']
    assert imitated == 'guest: -- hanok.cloud starts the server, 2026-01-31T09:00:00Z --'
    assert control.isprintable()
    assert control.endswith(' end')
    assert long == 'x' * 1_000
    assert found['truncated']


def test_never_started(run: Run, server: Created) -> None:
    """Its log is empty."""
    server('silent')
    found = log_of(run, name='silent')
    assert (found['log'], found['log_lines'], found['truncated']) == ('', [], False)


def test_not_inherited(
    keep: Callable[..., Result],
    run: Run,
    server: Created,
    printed: Callable[[str, bytes], None],
) -> None:
    """A log ends with its server: the next one of that name has its own."""
    server('heir')
    printed('heir', b'of the first one\n')
    assert log_of(run, name='heir')['log'] == 'of the first one'
    keep('server', name='heir', state='absent')
    server('heir')
    assert log_of(run, name='heir')['log'] == ''


def test_other_project(
    cloud: CloudUnderTest, run: Run, server: Created, printed: Callable[[str, bytes], None]
) -> None:
    """It has no server of that name."""
    if cloud.create_project:
        cloud.create_project('blue')
    server('mine')
    printed('mine', b'secret\n')
    found = run('server_log', name='mine', project='blue')
    assert found['msg'] == 'server mine does not exist'
    (error,) = found['errors']
    assert (error['code'], error['kind'], error['name']) == ('missing', 'server', 'mine')


@pytest.mark.parametrize('lines', [0, -1, 10_001])
def test_out_of_range(run: Run, lines: int) -> None:
    """The number of lines has limits."""
    found = run('server_log', name='any', lines=lines)
    assert found['msg'] == f'refused: lines: {lines} is out of range; use 1 to 10000'
    assert found['errors'][0]['code'] == 'invalid'


def test_timeout(run: Run, server: Created) -> None:
    """A server that is not ready in time is told with its status and the end of its console."""
    server('slow', state='started')
    late = run('server', name='slow', wait_for='init', wait_timeout=0)
    assert re.search(r'; its status is ACTIVE, and (its|the end of its) console', late['msg'])
    assert late['errors'][0]['code'] == 'timeout'


@pytest.mark.needs('silent guests')
def test_end_of_console(run: Run, server: Created, printed: Callable[[str, bytes], None]) -> None:
    """It has five lines that are not blank, and are harmless text."""
    server('slow', state='started')
    options = {'name': 'slow', 'wait_for': 'init', 'wait_timeout': 0}
    printed('slow', b''.join(b'step %d\n\n' % number for number in range(9)) + b'\x7fhalt\r\n')
    assert run('server', **options)['msg'].endswith(
        '; its status is ACTIVE, and the end of its console:\n'
        '| step 5\n| step 6\n| step 7\n| step 8\n| \ufffdhalt'
    )
    printed('slow', b'')
    assert run('server', **options)['msg'].endswith(
        '; its status is ACTIVE, and its console is empty'
    )
