# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The newest lines of the console of a server: what its guest prints there, which is untrusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Tuple

from . import guest
from .problem import Problem, invalid

MAX_LINES = 10_000
MAX_WIDTH = 1_000  # characters of a line
MARK = '-- hanok.cloud '  # begins the lines of this collection in a log
_BYTES_PER_LINE = 1_024  # on average; what lines are longer than that is read of fewer lines
_LEAST_BYTES = guest.MAX_BYTES
_RETURNS = re.compile(rb'\r+')


@dataclass(frozen=True)
class ConsoleLogRequest:
    """How many of the newest lines are wanted."""

    lines: int

    def problems(self) -> List[Problem]:
        """Return what is invalid in it."""
        if 1 <= self.lines <= MAX_LINES:
            return []
        return [invalid('lines', f'{self.lines} is out of range; use 1 to {MAX_LINES}')]


@dataclass(frozen=True)
class ConsoleLog:
    """Lines of text that is harmless on a terminal.

    ``truncated``: whether the log has more, before the lines or in one that is too long.
    """

    lines: Tuple[str, ...] = ()
    truncated: bool = False

    def public(self) -> Dict[str, Any]:
        """The log for the result of a module."""
        return {
            'log': '\n'.join(self.lines),
            'log_lines': list(self.lines),
            'truncated': self.truncated,
        }


def is_by_guest(line: str) -> str:
    """Return a line that begins as those of this collection do, marked as one of the guest."""
    return f'guest: {line}'


def bytes_of(lines: int) -> int:
    """Return how much of the end of a log is read for so many lines."""
    return max(_LEAST_BYTES, lines * _BYTES_PER_LINE)


def newest(
    end: bytes, lines: int, is_whole: bool, marked: Callable[[str], str] = is_by_guest
) -> ConsoleLog:
    """Return the newest lines. ``end``: of the log; ``is_whole``: it is all of the log.

    ``marked`` returns how a line is shown that begins with MARK.
    """
    pieces = end.rsplit(b'\n', lines + 1)
    is_whole = is_whole and len(pieces) <= lines + 1
    found = _complete_lines(pieces, is_whole)
    shown = [_shown(line, marked) for line in found[-lines:]]
    is_cut = any(len(line) > MAX_WIDTH for line in shown)
    return ConsoleLog(
        tuple(line[:MAX_WIDTH] for line in shown),
        truncated=is_cut or not is_whole or len(found) > lines,
    )


def _complete_lines(pieces: List[bytes], is_whole: bool) -> List[bytes]:
    if not pieces[-1]:
        del pieces[-1]  # the last line is complete
    if not is_whole and len(pieces) > 1:
        del pieces[0]  # its beginning may be missing
    found: List[bytes] = []
    for piece in pieces:
        found += _RETURNS.split(piece.strip(b'\r'))
    return found


def _shown(line: bytes, marked: Callable[[str], str]) -> str:
    """A line, of one that is too long some more than is returned of it."""
    text = guest.without_sequences(line[: 8 * MAX_WIDTH].decode(errors='replace'))
    text = guest.printable(text[: MAX_WIDTH + 1], MAX_WIDTH + 1)
    return marked(text) if text.startswith(MARK) else text
