# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking without root, for members of the group hanok: imported by no run of root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._cloud import CloudError

if TYPE_CHECKING:
    from .host import Host


def only_root() -> CloudError:
    """Return the error about a change, or about a user who may not even look."""
    return CloudError(
        'the local cloud is this host, which only root may change, and only members of its group '
        'hanok may look at; set become: true in the play'
    )


def for_root(what: str) -> CloudError:
    """Return the error about something that cannot be seen at all."""
    return CloudError(f'{what}: for root only; set become: true in the play')


def hide(host: Host, what: str) -> None:
    """Warn about what a result does not tell."""
    note = f'{what}, is not visible without root; set become: true in the play'
    if note not in host.notes:
        host.notes.append(note)


def hide_progress(host: Host, kind: str, name: str, task_state: str | None) -> None:
    """Warn that what was begun is shown as if it went on."""
    hide(host, f'whether a task is changing {kind} {name}, or was interrupted ({task_state})')
