# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The console log: over rotated files, bounded, harmless, and not to be imitated by a guest."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import console
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.console import Console
from ansible_collections.hanok.cloud.plugins.module_utils._model.console_log import (
    MAX_WIDTH,
    bytes_of,
    newest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_type import CONTAINER

START = '-- hanok.cloud starts the server, '


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of four files, the first of which ends within a line."""
    path = tmp_path / 'console.log'
    for name, text in (('.10', 'a\n'), ('.1', 'b\nc'), ('.0', 'd\n'), ('', 'e\nf\n')):
        Path(f'{path}{name}').write_text(text)
    (tmp_path / 'console.log.part').write_text('another file\n')
    return path


def test_rotated_files(log: Path) -> None:
    """They are one log, by their numbers, of which as much is read as is wanted."""
    text = b'a\nb\ncd\ne\nf\n'
    assert console.read_end(str(log), 100) == (text, True)
    for size in range(1, len(text)):
        assert console.read_end(str(log), size) == (text[-size:], False), size
    assert console.read_end(str(log), len(text)) == (text, True)


def test_rotation_while_it_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that became another one meanwhile is not read twice, nor in another order."""
    read = console._read
    rotations = iter(range(99))

    def rotated(paths: list[str], limit: int) -> tuple[bytes, bool]:
        first = read(paths[:1], limit)
        number = next(rotations)
        if number < allowed:
            os.rename(f'{log}.0', f'{log}.{11 + number}')
            os.rename(log, f'{log}.0')
            log.write_text(f'{number}\n')
        return first if len(paths) == 1 else read(paths, limit)

    monkeypatch.setattr(console, '_read', rotated)
    allowed = 2
    end, is_whole = console.read_end(str(log), 100)
    assert end.endswith(b'0\n1\n')
    assert is_whole
    allowed = 99
    end, is_whole = console.read_end(str(log), 100)
    assert re.fullmatch(rb'\d+\n', end)
    assert not is_whole


def test_renamed_after_it_was_opened(log: Path) -> None:
    """The next name is the same file then."""
    os.rename(f'{log}.0', f'{log}.2')
    os.link(log, f'{log}.0')
    assert console._read([str(log), f'{log}.0'], 100) == (b'e\nf\n', True)


def test_log_of_a_container(tmp_path: Path) -> None:
    """Its older files are called by their times, and the newest one of them previous at first."""
    mine = Console(str(tmp_path), CONTAINER)
    mine.mark_start()
    folder = tmp_path / 'console'
    for name, text in (('@40b.s', 'b\n'), ('@40a.u', 'a\n'), ('previous', 'c\n'), ('state', 'x\n')):
        (folder / name).write_text(text)
    lines = mine.newest(10).lines
    assert list(lines[:3]) == ['a', 'b', 'c']
    assert lines[3].startswith(START)
    assert os.access(mine.path, os.X_OK)
    assert not folder.stat().st_mode & 0o77


def test_no_log(tmp_path: Path) -> None:
    """It is empty, also without the folder."""
    for folder in (tmp_path, tmp_path / 'nowhere'):
        found = Console(str(folder)).newest(10)
        assert (found.lines, found.truncated) == ((), False)
        assert Console(str(folder)).last_boot() == b''


def test_starts(tmp_path: Path) -> None:
    """They are told without their signatures, and where the last one is."""
    mine, path = Console(str(tmp_path)), tmp_path / 'console.log'
    for text in (b'first\n', b'second, broken off'):
        mine.mark_start()
        with path.open('ab') as file:
            file.write(text)
    mine.mark_start()
    first, begun, second, broken, third = mine.newest(10).lines
    for line in (first, second, third):
        assert re.fullmatch(START + r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ --', line)
    assert (begun, broken) == ('first', 'second, broken off')
    assert mine.last_boot() == b'\n'
    for file in ('console.log', 'console.key'):
        assert (tmp_path / file).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize('prefix', ['', '\x1b[0m', '\x1b]0;title\x07'])
def test_imitated_start(tmp_path: Path, prefix: str) -> None:
    """What a guest can know of a line is not enough to print one."""
    mine, path = Console(str(tmp_path)), tmp_path / 'console.log'
    mine.mark_start()
    signed = path.read_text().strip()
    shown = mine.newest(1).lines[0]
    later = signed.replace('Z', 'T').replace(', 2', ', 3')
    other = Console(str(tmp_path / 'other'))
    (tmp_path / 'other').mkdir()
    other.mark_start()
    foreign = (tmp_path / 'other' / 'console.log').read_text().strip()
    with path.open('a') as file:
        file.writelines(f'{prefix}{line}\n' for line in (shown, later, foreign, f'{START}now --'))
    told, *imitated = mine.newest(5).lines
    assert told == shown
    assert len(imitated) == 4
    assert all(line.startswith(f'guest: {START}') for line in imitated)
    assert mine.last_boot().count(START.encode()) == 4


@given(st.binary(), st.integers(1, 5))
def test_any_bytes(printed: bytes, lines: int) -> None:
    """Become at most so many lines of harmless text."""
    found = newest(printed, lines, is_whole=True)
    assert len(found.lines) <= lines
    assert all(line.isprintable() or not line for line in found.lines)


@given(st.lists(st.text('ab', max_size=3)), st.integers(1, 5))
def test_newest_lines(printed: list[str], lines: int) -> None:
    """They are the last ones, and it is told whether there are more."""
    text = ''.join(f'{line}\r\n' for line in printed)
    found = newest(text.encode(), lines, is_whole=True)
    assert list(found.lines) == printed[-lines:]
    assert found.truncated == (len(printed) > lines)


def test_line_without_end() -> None:
    """Of a line that goes beyond what is read, a part is returned; else only whole lines."""
    for end in (b'', b'\n', b'\r\n'):
        found = newest(b'x' * bytes_of(1) + end, 1, is_whole=False)
        assert (found.lines, found.truncated) == (('x' * MAX_WIDTH,), True)
    assert newest(b'rest\nwhole\n', 5, is_whole=False).lines == ('whole',)
