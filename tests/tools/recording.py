# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record what a command prints, and show it in a page.

    recording.py record FILE COMMAND [ARGUMENT...]
    recording.py html FILE

FILE: in the format of asciinema (asciicast, version 2), which `asciinema play` replays.
"""

from __future__ import annotations

import html
import json
import os
import pty
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

CLONE = f'{Path(__file__).resolve().parents[2]}/'  # no reader has it there
WIDTH, HEIGHT = 80, 24
LONGEST = 1.0  # seconds between two lines: a recording is read, nobody waits for servers to boot
COLOR = re.compile(r'\x1b\[([0-9;]*)m')
COLORS = {31: 'red', 32: 'green', 33: 'yellow', 34: 'blue', 35: 'purple', 36: 'cyan'}


def record(file: Path, command: Sequence[str]) -> int:
    """Run a command in a terminal of this size; return its exit code."""
    text = bytearray()
    times: list[tuple[float, int]] = []  # until when how much was printed

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        text.extend(data)
        times.append((time.monotonic(), len(text)))
        return data

    words = ['env', f'COLUMNS={WIDTH}', f'LINES={HEIGHT}', 'TERM=xterm-256color', *command]
    status = os.waitstatus_to_exitcode(pty.spawn(words, read))
    header = {'version': 2, 'width': WIDTH, 'height': HEIGHT, 'title': 'make getting-started'}
    with file.open('w', encoding='utf-8') as written:
        for row in (header, *timed(bytes(text), times)):
            print(json.dumps(row, ensure_ascii=False), file=written)
    return status


def timed(text: bytes, times: Sequence[tuple[float, int]]) -> Iterator[tuple[float, str, str]]:
    """Yield the lines with the times at which they were complete, without the waits."""
    printed, shown = 0, 0.0
    last = times[0][0]
    for line in text.splitlines(keepends=True):
        printed += len(line)
        now, _end = times[bisect_left(times, printed, key=lambda moment: moment[1])]
        shown += min(now - last, LONGEST)
        last = now
        yield round(shown, 2), 'o', line.decode('utf-8', errors='replace').replace(CLONE, '')


def page(file: Path) -> str:
    """Return a recording as HTML, a line an element with its time."""
    _head, *rows = [json.loads(line) for line in file.read_text('utf-8').splitlines()]
    spans = [f'<span data-time="{at}">{colored(text.rstrip())}\n</span>' for at, _o, text in rows]
    return f'<div class="recording"><pre tabindex="0">{"".join(spans)}</pre></div>\n'


def colored(line: str) -> str:
    """Return a line as HTML, with the colors that it sets; each line begins without one."""
    plain, *parts = COLOR.split(line)
    result = html.escape(plain)
    for codes, text in zip(parts[::2], parts[1::2], strict=True):
        names = [COLORS[int(code)] for code in codes.split(';') if code and int(code) in COLORS]
        escaped = html.escape(text)
        result += f'<span class="{names[0]}">{escaped}</span>' if names else escaped
    return result


def main(verb: str, file: str, *command: str) -> int:
    """Record, or print the page."""
    if verb == 'record':
        return record(Path(file), command)
    print(page(Path(file)), end='')
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
