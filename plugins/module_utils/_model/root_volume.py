# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root volumes of servers."""

from __future__ import annotations

from typing import Any, Dict

_ROOT = '/root'  # the end of names that users cannot give


def root_name(server: str) -> str:
    """The name of the root volume of a server."""
    return server + _ROOT


def root_server(name: str) -> str:
    """The server whose root volume has this name; empty for the name of another volume."""
    return name[: -len(_ROOT)] if name.endswith(_ROOT) else ''


def root_columns(server: str, identity: str, row: int) -> Dict[str, Any]:
    """The columns of the root volume of a server, but for its size; its id follows from that."""
    return {
        'uuid': f'{identity[:14]}8{identity[15:]}',
        'name': root_name(server),
        'server_id': row,
        'description': '',
        'labels': '{}',
        'bootable': 1,
    }
