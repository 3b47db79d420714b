# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root volumes of new servers."""

from __future__ import annotations

from typing import Any, Dict

from .volume import ROOT


def root_name(server: str) -> str:
    """The name of the root volume of a server."""
    return server + ROOT


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
