# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of things in a cloud where several things may have the same name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import List

from ..._cloud import Missing, Refused
from .api import Raw


def visible(items: Sequence[Raw], project_id: str) -> List[Raw]:
    """Return items without those of other projects whose names the project uses itself."""
    own = {item['name'] for item in items if is_own(item, project_id)}
    return [item for item in items if is_own(item, project_id) or item['name'] not in own]


def is_own(item: Raw, project_id: str) -> bool:
    """Return whether an item belongs to the project; images name it in ``owner``."""
    return bool(item.get('project_id', item.get('owner')) == project_id)


def the_only(kind: str, name: str, items: Sequence[Raw], project_id: str) -> Raw:
    """Return the item of a name. Raises Missing if there is none, Refused if there are several."""
    found = [item for item in visible(items, project_id) if item['name'] == name]
    check_unique(kind, name, [item['id'] for item in found])
    if not found:
        raise Missing(f'{kind} {name} no longer exists; run the task again', kind=kind, name=name)
    return found[0]


def check_unique(kind: str, name: str, ids: Sequence[str]) -> None:
    """Raise Refused if several items have a name."""
    if len(ids) > 1:
        raise Refused(
            f'{kind} {name} exists {len(ids)} times ({", ".join(sorted(ids))}); rename or delete '
            'all but one',
            kind=kind,
            name=name,
        )
