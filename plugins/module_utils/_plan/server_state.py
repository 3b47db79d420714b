# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the state of a server allows a change of what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._model.status import Status, TaskState

if TYPE_CHECKING:
    from .._model.change import Draft
    from .._model.kinds import Verb
    from .._model.server import Server

RESTORE_INTERRUPTED = (
    'a restore was interrupted; restore the snapshot or the backup again (server_snapshot or '
    'backup: state: restored)'
)


def check_server(server: Server | None, verb: Verb, draft: Draft) -> None:
    """Refuse a server whose machine differs from the record, or whose status does not allow it.

    Attaching or detaching a volume redefines the machine, which undoes that difference.
    """
    if server is None or is_unfinished(server, draft):
        return
    if server.status == Status.UNMANAGED:
        faults = '; '.join(server.faults)
        draft.refuse(
            'server',
            f'server: {server.name} is UNMANAGED ({faults}); repair it first (server: repair: '
            'true), or delete it, which keeps its volumes',
        )
    else:
        check_allowed(server, verb, draft)


def is_unfinished(server: Server, draft: Draft) -> bool:
    """Refuse a server that an interrupted run has left; return whether it is one."""
    if not server.unfinished:
        return False
    if server.unfinished == TaskState.RESTORING:
        draft.refuse(
            'server',
            f'server: {server.name} is unfinished ({server.unfinished}): {RESTORE_INTERRUPTED}',
        )
    else:
        draft.refuse(
            'server',
            f'server: {server.name} is unfinished ({server.unfinished}); run the task that creates '
            'or deletes it again',
        )
    return True


def check_bus(server: Server, draft: Draft) -> None:
    """Refuse a disk that comes or goes while a machine runs whose bus does not have that."""
    if server.power != 'stopped' and server.hardware and server.hardware.bus == 'sata':
        draft.refuse(
            'server',
            f'server: {server.name} is {server.status}, and disks on its bus (disk_bus: sata) come '
            'and go only while it is off; stop it first (server: state: stopped)',
        )


def check_allowed(server: Server, verb: Verb, draft: Draft) -> None:
    """Refuse a verb that the status of a server does not allow."""
    from .._model.container import lack
    from .._model.lifecycle import is_allowed, refusal

    text = lack(server.name, server.type, verb)
    if text or not is_allowed('server', server.status, verb):
        draft.refuse('server', text or refusal('server', server.name, server.status, verb))
