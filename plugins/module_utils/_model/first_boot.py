# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of the first boot of a server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from . import guest
from .change import plain_fields

RUNNING = 'running'
DONE = 'done'
FAILED = 'failed'
_MAX_LINES = 20
_MAX_WIDTH = 240  # characters of one of these lines
_MAX_ERRORS = 10
_LEVELS = ('CRITICAL', 'ERROR', 'WARNING')
# Messages of cloud-init begin a line; on a console the time of the kernel and the name of the
# program precede them.
_LINE = r'^(?:\[ *[0-9.]+\] )?(?:cloud-init\[[0-9]+\]: )?'
_LOGGED = _LINE + r'(?:[0-9-]{10} [0-9:,]{8,12} - )?[a-z_]+\.py\[(?:WARNING|ERROR)\]: '
_FINISHED = re.compile(_LINE + r'Cloud-init v\. \S+ finished at[^\n]*', re.MULTILINE)
# What cloud-init calls it if it has found no data. Each server has a CD with some.
_NO_DATA = 'DataSourceNone'
_NOT_FOUND = f'the guest has not found its first-boot content ({_NO_DATA})'
_ERROR = re.compile(
    _LOGGED + r'(Failed to run module [^\n]{1,200}|Running module \S+ \(.*\) failed'
    r'|Failed loading yaml[^\n]{0,200})',
    re.MULTILINE,
)


@dataclass(frozen=True)
class FirstBoot:
    """The state (running, done or failed), the errors of cloud-init, and the end of the output."""

    state: str
    errors: Tuple[str, ...] = ()
    output: str = ''

    def public(self) -> Dict[str, Any]:
        """The first boot for the result of a module."""
        return plain_fields(self)

    def failure(self) -> str:
        """The errors with the last lines of output; empty: it did not fail."""
        if self.state != FAILED:
            return ''
        lines = self.output.rstrip().splitlines()[-_MAX_LINES:]
        last = [f'| {line[-_MAX_WIDTH:]}' for line in lines]
        printed = '\n'.join(['; its last output:', *last]) if last else ''
        return 'its first boot failed: ' + '; '.join(self.errors) + printed


def from_result(result: bytes, output: bytes) -> FirstBoot | None:
    """Parse result.json of cloud-init (docs.cloud-init.io, "Boot status"); None if it is invalid.

    ``output``: what was printed during the boot. Before 23.4, cloud-init reports user data that is
    not YAML only there, not as an error.
    """
    document = guest.parse_json(result.decode(errors='replace'))
    parsed = document.get('v1') if isinstance(document, dict) else None
    if not isinstance(parsed, dict) or not isinstance(parsed.get('errors'), (list, type(None))):
        return None
    printed = guest.printable(output)
    errors = _texts(parsed.get('errors')) + _recoverable(parsed.get('recoverable_errors'))
    source = str(parsed.get('datasource'))
    return _ended(_without_data(source) + (errors or _ERROR.findall(printed)), printed)


def _without_data(source: str) -> List[str]:
    return [_NOT_FOUND] if _NO_DATA in source else []


def _recoverable(answer: object) -> List[str]:
    """Errors after which cloud-init continues; those of the level DEPRECATED are left out."""
    if not isinstance(answer, dict):
        return []
    return [text for level in _LEVELS for text in _texts(answer.get(level))]


def _texts(answer: object) -> List[str]:
    return [str(text) for text in answer] if isinstance(answer, list) else []


def from_console(console: bytes) -> FirstBoot:
    """Parse the console of a server that has no guest agent."""
    text = guest.printable(console)
    finished = _FINISHED.search(text)
    if not finished:
        return FirstBoot(RUNNING, (), text)
    return _ended(_without_data(finished.group()) + _ERROR.findall(text), text)


def _ended(errors: List[str], printed: str) -> FirstBoot:
    lines = [line for line in map(guest.printable_line, errors) if line]
    unique = tuple(dict.fromkeys(lines))[:_MAX_ERRORS]
    return FirstBoot(FAILED if unique else DONE, unique, printed)
