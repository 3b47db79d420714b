# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queries for servers in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Set, Tuple, TypeVar

from ..._model.server import Nic
from ..._model.status import TaskState
from ..._model.user_data import UserDataHash
from ..record.database import Query
from ..record.record import Record

if TYPE_CHECKING:
    from ..record.rows import BridgePortRow, InitScriptRow
    from .row_types import GroupOfServer, ListedServer, PortOfServer, VolumeOfServer

# ?1: names as a JSON array, or NULL for all. ?2: the name of a group, or NULL.
_SELECTED = """FROM server s
  WHERE (?1 IS NULL OR s.name IN (SELECT value FROM json_each(?1)) OR s.member_of = ?2)"""
_MORE_KEYS = """(SELECT json_group_array(name) FROM (
  SELECT k.name FROM server_keypair sk JOIN keypair k ON k.id = sk.keypair_id
  WHERE sk.server_id = s.id ORDER BY sk.position))"""
_SNAPSHOTS = """(SELECT json_group_array(name) FROM (
  SELECT substr(name, length(s.name) + 2) AS name FROM server_snapshot
  WHERE server_id = s.id ORDER BY id))"""
_CDROMS = """(SELECT json_group_array(uuid) FROM (
  SELECT c.uuid FROM json_each(s.hardware, '$.cdroms') h JOIN image c ON c.name = h.value
  ORDER BY h.key))"""
_WITH_IMAGE_AND_ROOT = """JOIN main.image i ON i.id = s.image_id
  LEFT JOIN main.image r ON r.id = s.rescue_image_id
  LEFT JOIN volume v ON v.server_id = s.id AND v.bootable
  LEFT JOIN flavor f ON f.name = s.flavor"""
# Some of its disks may be of a snapshot or a backup, and others not.
_RESTORING = f"""'{TaskState.RESTORING}' IN (
  SELECT n.task_state FROM server_snapshot n WHERE n.server_id = s.id UNION
  SELECT b.task_state FROM backup b WHERE b.server_uuid = s.uuid AND b.volumes <> '[]')"""
_SERVERS: Query[ListedServer] = (
    Query(f"""SELECT s.*, i.name AS image, i.uuid AS image_uuid, i.source AS image_source,
  i.os_admin_user, i.application,
  r.name AS rescue_image, r.uuid AS rescue_image_uuid,
  {_MORE_KEYS} AS more_keys, {_CDROMS} AS cdroms, {_SNAPSHOTS} AS snapshots,
  {_RESTORING} AS is_being_restored,
  v.size AS volume_size, v.task_state AS volume_task_state,
  f.limits, f.task_state AS flavor_task_state
  {_SELECTED.replace('WHERE', f'{_WITH_IMAGE_AND_ROOT} WHERE')}
  ORDER BY length(s.name), s.name""")
)
PORTS: Query[PortOfServer] = Query(f"""SELECT p.*, n.name AS network, n.cidr, n.gateway,
  f.address AS floating
  FROM port p JOIN network n ON n.id = p.network_id LEFT JOIN floating_ip f ON f.port_id = p.id
  WHERE p.server_id IN (SELECT s.id {_SELECTED}) ORDER BY p.server_id, p.position""")
BRIDGE_PORTS: Query[BridgePortRow] = Query(f"""SELECT * FROM bridge_port
  WHERE server_id IN (SELECT s.id {_SELECTED}) ORDER BY id""")
GROUPS: Query[GroupOfServer] = Query(f"""SELECT p.server_id, p.id AS port_id, p.own_groups, g.name
  FROM port_security_group pg JOIN port p ON p.id = pg.port_id
  JOIN security_group g ON g.id = pg.group_id
  WHERE p.server_id IN (SELECT s.id {_SELECTED}) ORDER BY g.name""")
VOLUMES: Query[VolumeOfServer] = Query(f"""SELECT a.*, uuid, name, volume_type, mount_point
  FROM volume JOIN (SELECT id, server_id, task_state, 0 AS read_only FROM volume
    UNION ALL SELECT volume_id, server_id, task_state, 1 FROM volume_reader) a USING (id)
  WHERE a.server_id IN (SELECT s.id {_SELECTED}) AND NOT bootable ORDER BY id""")
_INIT_SCRIPTS: Query[InitScriptRow] = Query('SELECT * FROM init_script')


def server_rows(record: Record, names: str | None, member_of: str | None) -> List[ListedServer]:
    """The rows of servers with those of their images and root volumes.

    A server whose root volume is being extended is being updated; one whose snapshot is being
    restored is, too.
    """
    rows: List[ListedServer] = _as_dicts(record.rows(_SERVERS, names, member_of))
    for row in rows:
        if row['task_state'] is None and row['volume_task_state'] is not None:
            row['task_state'] = TaskState.UPDATING
        if row['task_state'] is None and row['is_being_restored']:
            row['task_state'] = TaskState.RESTORING
    return rows


def _as_dicts(rows: Sequence[Any]) -> List[Any]:
    """Rows that can be changed; sqlite3 would look up each column in each row."""
    columns = rows[0].keys() if rows else ()
    return [dict(zip(columns, row)) for row in rows]


ServersRow = TypeVar(
    'ServersRow', 'PortOfServer', 'GroupOfServer', 'VolumeOfServer', 'BridgePortRow'
)


def by_server(rows: Sequence[ServersRow]) -> Dict[int | None, List[ServersRow]]:
    """Rows by server_id."""
    found: Dict[int | None, List[ServersRow]] = {}
    for row in rows:
        found.setdefault(row['server_id'], []).append(row)
    return found


def key_names(row: ListedServer) -> Tuple[str, ...]:
    """The key pairs of a server in their order."""
    first = row['key_name']
    if first is None:
        return ()
    return (first, *words_of(row['more_keys']))


def words_of(recorded: str) -> Tuple[str, ...]:
    """The words of a list in JSON; most lists are empty."""
    return () if recorded == '[]' else tuple(json.loads(recorded))


def nic_of(port: BridgePortRow) -> Nic:
    """The connection to a bridge that a row is of."""
    return Nic('', '', port['mac'], None, (), port['bridge'], port['vlan'] or None)


def init_script_hash(record: Record, name: str | None) -> UserDataHash | None:
    """The hash of an init script, recorded with a new server to find later changes of it."""
    if name is None:
        return None
    content = record.value('SELECT content FROM init_script WHERE name = ?', name)
    if content is None:
        return None
    return UserDataHash.of(content, record.secret())


def init_scripts(record: Record) -> Dict[str, str]:
    """The content of init scripts, by name."""
    return {row['name']: row['content'] for row in record.rows(_INIT_SCRIPTS)}


def find_outdated(record: Record, rows: Sequence[ListedServer]) -> Set[str]:
    """The names of servers whose init script has changed since they were created."""
    with_hash = [row for row in rows if row['init_script'] and row['init_script_seal']]
    if not with_hash:
        return set()
    from .outdated_scripts import with_other_script

    return with_other_script(with_hash, init_scripts(record), record.secret())
