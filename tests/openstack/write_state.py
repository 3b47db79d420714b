# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""write_state.py ID VM_STATE TASK_STATE: what Nova does with a server, as if it took long."""

from __future__ import annotations

import os
import sys

import database
from layout import DATABASES

STATEMENT = 'UPDATE nova.instances SET vm_state = %s, task_state = %s WHERE uuid = %s'

if __name__ == '__main__':
    identity, vm_state, task_state = sys.argv[1:]
    os.chdir(DATABASES)
    with database.connection() as connection, connection.cursor() as cursor:
        changed = cursor.execute(STATEMENT, (vm_state, task_state or None, identity))
        connection.commit()
    if changed != 1:
        raise SystemExit(f'no server {identity}')
