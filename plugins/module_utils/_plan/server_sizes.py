# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of servers: without a flavor, and with room to grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from .._model.change import Change, Draft
from .._model.machine_size import small_memory
from .._model.server import Server
from .._model.server_effects import has_room, is_within

if TYPE_CHECKING:
    from .._model.flavor import Flavor


def set_room(options: Dict[str, Any], flavor: Flavor | None, current: Server) -> None:
    """Set what the machine can get afterwards: as now if it runs on, else that of the flavor."""
    changed = [
        option for option in ('vcpus', 'memory') if options[option] != getattr(current, option)
    ]
    if flavor is None and not changed:
        return
    fits = all(is_within(option, options[option], current) for option in changed)
    if not (has_room(current) and fits):
        options['max_vcpus'] = flavor.max_vcpus if flavor else None
        options['max_memory'] = flavor.max_memory if flavor else None


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
