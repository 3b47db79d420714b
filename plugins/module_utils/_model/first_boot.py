# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the first boot of a server went."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Tuple

from .change import plain

RUNNING, DONE, FAILED = 'running', 'done', 'failed'
_LINES = 20
_FINISHED = re.compile(r'^.*Cloud-init v\. \S+ finished at', re.MULTILINE)
_WRONG = re.compile(r'Failed to run module \S+|Running module \S+ \(.*\) failed')


@dataclass(frozen=True)
class FirstBoot:
    """``state``: running, done or failed. ``errors``: what cloud-init says went wrong. ``output``: the end of what was printed meanwhile."""

    state: str
    errors: Tuple[str, ...] = ()
    output: str = ''

    def public(self) -> Dict[str, Any]:
        """The first boot as a result shows it."""
        return plain(self)

    def complaint(self) -> str:
        """What went wrong, with the last lines that were printed; empty: nothing."""
        if self.state != FAILED:
            return ''
        last = '\n'.join(self.output.rstrip().splitlines()[-_LINES:])
        return 'its first boot went wrong: ' + '; '.join(self.errors) + (f'; the end of what it printed:\n{last}' if last else '')


def from_result(text: str, output: str) -> FirstBoot:
    """By what cloud-init writes when it is done (docs.cloud-init.io, "Boot status", result.json)."""
    errors = tuple(str(error) for error in json.loads(text).get('v1', {}).get('errors') or ())
    return FirstBoot(FAILED if errors else DONE, errors, output)


def from_console(text: str) -> FirstBoot:
    """By what a server without a guest agent shows on its console."""
    if not _FINISHED.search(text):
        return FirstBoot(RUNNING, (), text)
    errors = tuple(dict.fromkeys(_WRONG.findall(text)))
    return FirstBoot(FAILED if errors else DONE, errors, text)
