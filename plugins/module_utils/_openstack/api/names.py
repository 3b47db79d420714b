# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of things in a cloud where several things may have the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Dict, List, Tuple

from ..._cloud import Gone, Missing
from ..._cloud.several import ambiguous
from ..._model.change import AFTER_APPLY, Change
from .api import Raw, Raws
from .marks import PREFIX

_OWNERS = ('project_id', 'tenant_id', 'owner')


def visible(items: Raws, project_id: str) -> List[Raw]:
    """Return items without those of other projects whose names the project uses itself."""
    own = [item for item in items if is_own(item, project_id)]
    hidden = {item['name'] for item in own}
    found: List[Raw] = []
    for item in items:
        if is_own(item, project_id) or item['name'] not in hidden:
            found.append(item)
    return found


def with_name(items: Iterable[Raw], name: str) -> List[Raw]:
    """Return the items of a name."""
    return [item for item in items if item['name'] == name]


def is_own(item: Raw, project_id: str) -> bool:
    """Return whether an item belongs to the project; its name differs between services."""
    return any(item.get(key) == project_id for key in _OWNERS)


def named(
    items: Raws,
    names: Iterable[str] | None,
    project_id: str,
    is_ours: Callable[[Raw], bool],
) -> List[Raw]:
    """Return the items with these names, or all.

    Of those with one name that runs of this collection created at the same time, it is the one that
    stays (api/doubles.py).
    Otherwise all are returned: tasks that use or manage one of them are refused (References).
    """
    groups: Dict[str, List[Raw]] = {}
    for item in visible(items, project_id):
        groups.setdefault(item['name'], []).append(item)
    wanted = set(groups) if names is None else set(names)
    found: List[Raw] = []
    for name, some in groups.items():
        if name not in wanted:
            continue
        if all(map(is_ours, some)):
            found.append(min(some, key=precedence))
        else:
            found += some
    return found


def ids_of(
    kind: str,
    items: Raws,
    names: Iterable[str],
    project_id: str,
    is_ours: Callable[[Raw], bool],
) -> Dict[str, str]:
    """Return ids by names. Raises Missing if a name has no item, Refused if it has several."""
    wanted = sorted(names)
    candidates = named(items, wanted, project_id, is_ours)
    found: Dict[str, str] = {}
    for name in wanted:
        ids = [item['id'] for item in with_name(candidates, name)]
        check_unique(kind, name, ids)
        if not ids:
            raise _missing(kind, name)
        found[name] = ids[0]
    return found


def age(item: Raw) -> Tuple[str, str]:
    """Return what orders items by their age."""
    return (item['created_at'], item['id'])


def precedence(item: Raw) -> Tuple[bool, str, str]:
    """Return what orders items of one name, the one that stays first (api/doubles.py).

    That is one that is complete, then the oldest. What Neutron is given in several steps has its
    marks in its description until then (network/tags.py).
    """
    return (has_marks_in_description(item), *age(item))


def has_marks_in_description(item: Raw) -> bool:
    """Whether the description of an item has its marks (network/tags.py)."""
    return (item.get('description') or '').startswith(PREFIX)


def item_of(change: Change, items: Raws, project_id: str) -> Raw:
    """Return the item that a change begins at, by its id. Raises Gone if it does not exist.

    What an earlier change of the plan created is found by its name.
    """
    if change.id == AFTER_APPLY:
        return the_only(change.kind, change.name, items, project_id)
    for item in items:
        if item['id'] == change.id:
            return item
    raise Gone


def the_only(
    kind: str,
    name: str,
    items: Raws,
    project_id: str,
) -> Raw:
    """Return the item of a name. Raises Missing if there is none, Refused if there are several."""
    found = with_name(visible(items, project_id), name)
    ids = [item['id'] for item in found]
    check_unique(kind, name, ids)
    if not found:
        raise _missing(kind, name)
    return found[0]


def the_id(
    kind: str,
    name: str,
    items: Raws,
    project_id: str,
) -> str:
    """Return the id of the item of a name. Raises as ``the_only`` does."""
    item = the_only(kind, name, items, project_id)
    return str(item['id'])


def _missing(kind: str, name: str) -> Missing:
    text = f'{kind} {name} no longer exists; run the task again'
    return Missing(text, kind=kind, name=name)


def check_unique(kind: str, name: str, ids: Sequence[str]) -> None:
    """Raise Refused if several items have a name."""
    if len(ids) > 1:
        raise ambiguous(kind, kind, name, ids)
