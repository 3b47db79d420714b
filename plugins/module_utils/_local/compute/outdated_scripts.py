# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Init scripts that have changed since servers were created with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Dict, Set

from ..._model.user_data import UserDataHash

if TYPE_CHECKING:
    from .row_types import ListedServer


def with_other_script(
    rows: Iterable[ListedServer], scripts: Mapping[str, str], secret: str
) -> Set[str]:
    """The names of servers whose script is another one now; each has the hash of its own.

    ``scripts``: as they are now, by name. ``secret``: the key of the hashes.
    """
    hashes: Dict[str, UserDataHash] = {}
    for name, content in scripts.items():
        hashes[name] = UserDataHash.of(content, secret)
    return {row['name'] for row in rows if _has_changed(row, hashes)}


def _has_changed(row: ListedServer, hashes: Mapping[str, UserDataHash]) -> bool:
    """Whether the init script of a server has; hashes with different secrets say nothing."""
    recorded = row['init_script_seal'] or ''
    current = hashes.get(row['init_script'] or '')
    if current is None or recorded == current:
        return False
    return not current.supersedes(recorded)
