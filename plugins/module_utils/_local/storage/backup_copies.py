# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is recorded of the copies of volumes in a backup."""

from __future__ import annotations

import json
from typing import Any, Dict


def volume_file(identity: str) -> str:
    """The name of the copy of a volume in the folder of a backup, by its UUID."""
    return f'{identity}.qcow2'


def copies_of_volumes(recorded: str | None) -> Dict[str, Dict[str, Any]]:
    """The volumes of a backup, by the names of their copies."""
    return {volume_file(one['id']): one for one in json.loads(recorded or '[]')}
