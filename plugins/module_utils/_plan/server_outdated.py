# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that were created with an older version of an init script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Dict, List

from .._model.change import Draft
from .._model.server import Server


def warn_of_outdated(servers: Sequence[Server], draft: Draft) -> None:
    """Warn of servers that were created with an older version of an init script."""
    outdated: Dict[str, List[str]] = {}
    for server in servers:
        if server.init_script and 'init_script' in server.outdated:
            outdated.setdefault(server.init_script, []).append(server.name)
    for script, names in outdated.items():
        draft.notes.append(
            f'server {", ".join(names)}: created with an older version of init script {script}, '
            'which ran only at the first boot; to use the new version, delete and re-create the '
            'server'
        )
