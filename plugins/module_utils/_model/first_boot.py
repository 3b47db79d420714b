# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the first boot of a server went."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from . import guest
from .change import plain_fields

RUNNING, DONE, FAILED = 'running', 'done', 'failed'
_LINES = 20
_WIDTH = 240  # characters of a line of these
_MOST_ERRORS = 10
_LEVELS = ('CRITICAL', 'ERROR', 'WARNING')
# What cloud-init prints begins a line, on a console after the time of the kernel and the name of
# the program.
_LINE = r'^(?:\[ *[0-9.]+\] )?(?:cloud-init\[[0-9]+\]: )?'
_LOGGED = _LINE + r'(?:[0-9-]{10} [0-9:,]{8,12} - )?[a-z_]+\.py\[(?:WARNING|ERROR)\]: '
_FINISHED = re.compile(_LINE + r'Cloud-init v\. \S+ finished at', re.MULTILINE)
_WRONG = re.compile(
    _LOGGED
    + r'(Failed to run module [^\n]{1,200}|Running module \S+ \(.*\) failed|Failed loading yaml[^\n]{0,200})',
    re.MULTILINE,
)


@dataclass(frozen=True)
class FirstBoot:
    """``state``: running, done or failed. ``errors``: what cloud-init says went wrong. ``output``: the end of what was printed meanwhile."""

    state: str
    errors: Tuple[str, ...] = ()
    output: str = ''

    def public(self) -> Dict[str, Any]:
        """The first boot as a result shows it."""
        return plain_fields(self)

    def failure(self) -> str:
        """What went wrong, with the last lines that were printed; empty: nothing."""
        if self.state != FAILED:
            return ''
        last = [f'| {line[-_WIDTH:]}' for line in self.output.rstrip().splitlines()[-_LINES:]]
        printed = '\n'.join(['; the end of what it printed:', *last]) if last else ''
        return 'its first boot went wrong: ' + '; '.join(self.errors) + printed


def from_result(result: bytes, output: bytes) -> FirstBoot | None:
    """By what cloud-init writes when it is done (docs.cloud-init.io, "Boot status", result.json); None when that is no result.

    ``output``: what was printed meanwhile. A user data that is no YAML is no error of cloud-init
    before 23.4, but a line there.
    """
    whole = guest.parse_json(result.decode(errors='replace'))
    told = whole.get('v1') if isinstance(whole, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get('errors'), (list, type(None))):
        return None
    printed = guest.printable(output)
    errors = _texts(told.get('errors')) + _recoverable(told.get('recoverable_errors'))
    return _ended(errors or _WRONG.findall(printed), printed)


def _recoverable(answer: object) -> List[str]:
    """Errors after which cloud-init goes on, by their level; that a key is deprecated is none."""
    if not isinstance(answer, dict):
        return []
    return [text for level in _LEVELS for text in _texts(answer.get(level))]


def _texts(answer: object) -> List[str]:
    return [str(text) for text in answer] if isinstance(answer, list) else []


def from_console(console: bytes) -> FirstBoot:
    """By what a server without a guest agent shows on its console."""
    text = guest.printable(console)
    if not _FINISHED.search(text):
        return FirstBoot(RUNNING, (), text)
    return _ended(_WRONG.findall(text), text)


def _ended(errors: List[str], printed: str) -> FirstBoot:
    lines = [line for line in map(guest.printable_line, errors) if line]
    told = tuple(dict.fromkeys(lines))[:_MOST_ERRORS]
    return FirstBoot(FAILED if told else DONE, told, printed)
