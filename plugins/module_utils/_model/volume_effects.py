# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the options of a volume may change."""

from __future__ import annotations

from .effect import FIXED, LIVE, Effect, Table, live
from .volume import Volume

_READ = 'its disk is not changed while servers read it; detach it first (state: detached)'


def _size(before: int, after: int, current: Volume) -> Effect:
    if after < before:
        return Effect(FIXED, 'a volume cannot shrink; create a new one')
    if current.readers:
        return Effect(FIXED, _READ)
    return Effect(LIVE)


def _source(before: str | None, after: str, current: Volume) -> Effect:
    why = 'a volume keeps what it was created with; delete and re-create it, or use another name'
    return Effect(FIXED, why, after.partition(':')[0])


def _volume_type(before: str, after: str, current: Volume) -> Effect:
    if current.bootable:
        return Effect(FIXED, 'a root volume stays where its server is; create a server of an image')
    if current.snapshots or current.server_snapshots:
        return Effect(FIXED, 'snapshots do not move with a volume; delete those first')
    if current.readers:
        return Effect(FIXED, _READ)
    if current.file_system:
        return Effect(FIXED, 'one with a file_system does not move; copy its files to another one')
    return Effect(LIVE)


def _file_system(before: str | None, after: str, current: Volume) -> Effect:
    return Effect(FIXED, 'a volume keeps what it was created with; create another one')


TABLE: Table = {
    'file_system': _file_system,
    'size': _size,
    'volume_type': _volume_type,
    'source': _source,
    'delete_protection': live,
    'filled': live,
    'limits': live,
    'description': live,
    'labels': live,
}
