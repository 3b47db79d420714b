# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of volume types on the disks of machines.

They are settings. What machines have been given is recorded, to find that the settings have others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Dict, Mapping

from ..._model.volume import DEFAULT_TYPE
from ..host.settings_volume_types import limits_of_types
from ..record.database import Query
from ..storage.pools import pool_of

if TYPE_CHECKING:
    from ..record.host import Host
    from .row_types import CompleteServer, Named, ObservedServer

KEY = 'volume_limits'  # in the table meta
WITH_TYPES: Query[Named] = Query(f"""SELECT DISTINCT s.project, s.name
  FROM main.server s JOIN main.volume v ON v.server_id = s.id
    OR v.id IN (SELECT volume_id FROM main.volume_reader WHERE server_id = s.id)
  WHERE v.volume_type <> '{DEFAULT_TYPE}' ORDER BY s.project, s.name""")


def limits_of_volumes(
    host: Host, row: CompleteServer | ObservedServer
) -> Dict[str, Mapping[str, int]]:
    """Return the limits of the volumes of a server that have some, by serial."""
    if not host.settings.volume_types:
        return {}
    limits = limits_of_types(host.settings)
    pool = pool_of(host)
    return {
        pool.volume(volume['uuid']).serial: limits[volume['volume_type']]
        for volume in row['volumes']
        if volume['volume_type'] in limits
    }


def recorded_limits(host: Host, row: ObservedServer) -> Dict[str, Mapping[str, int] | None]:
    """Return the limits that the volumes of a server have to have, by serial.

    None: of a volume that is being changed, and of all with a type while the settings have others.
    """
    found: Dict[str, Mapping[str, int] | None] = {**limits_of_volumes(host, row)}
    pool = pool_of(host)
    for volume in row['volumes']:
        if volume['task_state'] or (volume['volume_type'] != DEFAULT_TYPE and not is_applied(host)):
            found[pool.volume(volume['uuid']).serial] = None
    return found


def is_due(host: Host) -> bool:
    """Whether there are machines that the settings have other limits for."""
    return not is_applied(host) and bool(host.record.rows(WITH_TYPES))


def is_applied(host: Host) -> bool:
    """Whether machines have been given the limits of the settings."""
    return bool(host.record.meta().get(KEY, '{}') == text_of(host))


def text_of(host: Host) -> str:
    """Return the limits of the settings as they are recorded."""
    return json.dumps(limits_of_types(host.settings), sort_keys=True)
