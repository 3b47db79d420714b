# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of servers without a flavor."""

from __future__ import annotations

from .._model.change import Change, Draft
from .._model.machine_size import small_memory
from .._model.server import Server


def warn_of_small_memory(draft: Draft) -> None:
    """Warn of servers that get little memory. A flavor that has little is so on purpose."""
    for text in dict.fromkeys(map(_warning, draft.changes)):
        if text:
            draft.notes.append(text)


def _warning(change: Change) -> str:
    if not isinstance(change.after, Server) or change.after.flavor:
        return ''
    before = change.before.memory if isinstance(change.before, Server) else None
    memory = change.after.memory
    return '' if before == memory else small_memory(memory)
