# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of servers that are deleted, and what belongs to those."""

from __future__ import annotations

import json
from typing import Sequence

from ..._model.status import TaskState
from ..record.record import Record

# Nothing is left to attach them to, or to detach them from. {0}: servers that are deleted.
_NO_LONGER_READ = f"""UPDATE main.volume SET task_state = NULL WHERE task_state IN
  ('{TaskState.ATTACHING}', '{TaskState.DETACHING}')
  AND id IN (SELECT volume_id FROM volume_reader WHERE server_id IN ({{0}}))
  AND NOT EXISTS (SELECT 1 FROM volume_reader r WHERE r.volume_id = volume.id
    AND r.server_id NOT IN ({{0}}) AND r.task_state = volume.task_state)"""


def delete(record: Record, servers: Sequence[int]) -> None:
    """Delete servers, snapshots, root volumes and automatic floating IPs; detach the rest."""
    selected = 'SELECT value FROM json_each(?1)'
    for statement in (
        'DELETE FROM main.floating_ip WHERE automatic AND port_id IN '
        f'(SELECT id FROM port WHERE server_id IN ({selected}))',
        'UPDATE main.port SET server_id = NULL, position = 0 '
        f'WHERE name IS NOT NULL AND server_id IN ({selected})',
        f'DELETE FROM main.server_snapshot WHERE server_id IN ({selected})',
        f'DELETE FROM main.volume WHERE bootable AND server_id IN ({selected})',
        "UPDATE main.volume SET server_id = NULL, mount_point = '', task_state = CASE "
        'WHEN task_state IN '
        f"('{TaskState.ATTACHING}', '{TaskState.DETACHING}') THEN NULL ELSE task_state END "
        f'WHERE server_id IN ({selected})',
        _NO_LONGER_READ.format(selected),
        f'DELETE FROM main.volume_reader WHERE server_id IN ({selected})',
        f'DELETE FROM main.server WHERE id IN ({selected})',
    ):
        record.sql.execute(statement, (json.dumps(servers),))
