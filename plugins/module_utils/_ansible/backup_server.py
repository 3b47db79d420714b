# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is observed of the server of a backup that is made, restored or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Dict, Tuple

from .._cloud import Cloud, Names
from .._model.backup import ABORTED, Backup, BackupRequest
from .._model.history import utc
from .._model.server import Server
from .._plan.backup import ObservedBackups
from .operations import backups_of
from .options import by_name

_LEAVING = ('absent', ABORTED)


def with_server(
    cloud: Cloud,
    requested: BackupRequest,
    server: str,
    found: Mapping[str, Backup],
    names: Names,
) -> Tuple[ObservedBackups, Names]:
    """Add the server of the backup, and the volumes that are in it or will be."""
    current = found.get(requested.name)
    if current is None and requested.state == 'restored':  # for the message that it does not exist
        return ObservedBackups(by_name('backup', backups_of(cloud).list())), names
    if requested.state == ABORTED:  # check mode waits for no lock, and so asks nobody
        backups_of(cloud).interrupt(requested.name)
    if requested.state in _LEAVING:
        found = with_dependents(cloud, requested.name)
    elif requested.incremental:
        found = of_server(cloud, server)
    if requested.state == 'absent' and _is_complete(current):
        return ObservedBackups(found), names
    names = {*names, ('server', server), *(('backup', name) for name in found)}
    observed = _observed(cloud, requested, server, found)
    if _has_volumes(requested, current):
        return _with_volumes(cloud, server, current, observed, names)
    return observed, names


def _has_volumes(requested: BackupRequest, backup: Backup | None) -> bool:
    if requested.options.get('include_volumes'):
        return True
    return backup is not None and backup.include_volumes


def _is_complete(backup: Backup | None) -> bool:
    return backup is not None and backup.status in ('available', 'unavailable')


def _observed(
    cloud: Cloud, requested: BackupRequest, server: str, found: Mapping[str, Backup]
) -> ObservedBackups:
    """The server, the stores, and what can be a base."""
    if requested.state in _LEAVING:
        return ObservedBackups(found)
    backups = backups_of(cloud)
    now = utc(datetime.now(timezone.utc))
    bases = backups.bases(server) if requested.incremental else {}
    is_restored = requested.state == 'restored' and _is_complete(found.get(requested.name))
    shortage = backups.shortage(requested.name) if is_restored else ''
    stores = backups.stores()
    return ObservedBackups(found, _servers(cloud, server), stores, now, {}, bases, shortage)


def of_server(cloud: Cloud, server: str) -> Dict[str, Backup]:
    """All backups of a server."""
    return by_name('backup', [one for one in backups_of(cloud).list() if server == one.server])


def with_dependents(cloud: Cloud, name: str) -> Dict[str, Backup]:
    """A backup, and those that stand on it, whatever their server was called then."""
    backups = backups_of(cloud).list()
    return by_name('backup', [one for one in backups if name in (one.name, one.base)])


def _servers(cloud: Cloud, name: str) -> Dict[str, Server]:
    """The server, or all of them for the message that it does not exist."""
    return by_name('server', cloud.servers.list([name]) or cloud.servers.list())


def _with_volumes(
    cloud: Cloud,
    server: str,
    current: Backup | None,
    observed: ObservedBackups,
    names: Names,
) -> Tuple[ObservedBackups, Names]:
    """Add the volumes of the backup and of its server; they and who has them are locked."""
    copied = {copy.id for copy in current.volumes} if current else set()
    found = [
        volume
        for volume in cloud.volumes.list()
        if volume.id in copied or (volume.server == server and not volume.bootable)
    ]
    locked = {('volume', volume.name) for volume in found}
    locked |= {('server', volume.server) for volume in found if volume.server}
    return replace(observed, volumes=by_name('volume', found)), {*names, *locked}
