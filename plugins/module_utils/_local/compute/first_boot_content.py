# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first-boot content of the machine of a server; ``row`` is a complete one (server_rows.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Dict

from ..._cloud import Refused
from ..._model.user_data import UserDataHash
from ..record.record import Record
from .seed import Seed

if TYPE_CHECKING:
    from .row_types import CompleteServer, ListedServer


def content_of(row: CompleteServer, user_data: str = '') -> Seed:
    """What a machine needs to know at its first boot."""
    return Seed(
        identity=row['uuid'],
        name=row['name'],
        macs=tuple(port['mac'] for port in row['ports']),
        lan_mac='' if row['ports'] else row['bridge_ports'][0]['mac'],
        public_keys=row['public_keys'],
        user_data=user_data,
        clone=row['image_source'].startswith(('server:', 'backup:')),
    )


def check_recorded(row: CompleteServer, secret: str, user_data: str) -> None:
    """Raise Refused if this is not the recorded user data, as far as that can be known."""
    recorded = row['user_data']
    if recorded is None or UserDataHash.of(user_data, secret).matches(recorded):
        return
    # of a run that was killed before it wrote it
    raise Refused(
        'user_data: only a hash of it is recorded; run the task again that sets it',
        'user_data',
    )


def user_data_by_name(
    record: Record, rows: Sequence[ListedServer], user_data: str | None
) -> Dict[str, str]:
    """The user data of this task, by the names of the servers that have it."""
    if not user_data:
        return {}
    own = UserDataHash.of(user_data, record.secret())
    return {row['name']: user_data for row in rows if own.matches(row['user_data'])}
