# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of backups of servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._model.backup import ABORTED, TABLE, Backup, BackupRequest
from .._model.change import Draft, Plan

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume


@dataclass(frozen=True)
class ObservedBackups:
    """The backup, its server, and the stores, by name.

    ``backups``: also the others of its server, if some of those may expire. ``servers``: all of
    them, if the one does not exist. ``stores``: why each cannot be used now; empty: it can.
    ``now``: the time, for what is created. ``volumes``: those that the backup has or gets, and
    those of its server, if it is about any. ``bases``: see Backups.bases. ``shortage``: see
    Backups.shortage.
    """

    backups: Mapping[str, Backup] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)
    now: str = ''
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    shortage: str = ''


def plan(request: BackupRequest, observed: ObservedBackups) -> Plan[Backup]:
    """Create, update, restore, abort or delete one backup."""
    draft = Draft()
    if request.state == ABORTED:
        from .backup_abort import abort

        return abort(request, observed, draft)
    current = draft.settled('backup', observed.backups.get(request.name))
    if request.state == 'absent' and current is None:
        return draft.finish(())
    if request.state == 'present' and current and not (current.unfinished or request.keep):
        return draft.finish((draft.update('backup', current, request.compared(), TABLE),))
    from .backup_changes import changed

    return changed(request, current, observed, draft)
