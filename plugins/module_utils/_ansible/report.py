# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a task: message and items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Dict

from .._model.change import Changes, Item
from .._model.kinds import KINDS


def summary(
    changes: Changes,
    check_mode: bool,
    kind: str,
    names: Sequence[str],
) -> str:
    """Return one line: what was changed and why, what would be, or that nothing had to be."""
    words = KINDS[kind]
    if changes:
        from .steps import phrases

        text = '; '.join(phrases(changes, check_mode))
        return f'would {text}' if check_mode else text
    if not names:
        return f'no changes: the {words.title} does not exist'
    verb = 'are' if len(names) > 1 else 'is'
    return f'no changes: {words.with_names(names)} {verb} up to date'


def items_of(
    kind: str,
    is_list: bool,
    items: Sequence[Item],
    project: str,
) -> Dict[str, Any]:
    """Return the items under the key of their kind: a list, or one or null."""
    words = KINDS[kind]
    place = {'project': project} if words.is_in_project else {}
    shown = [{**item.public(), **place} for item in items]
    if is_list:
        return {words.plural: shown}
    return {kind: shown[0] if shown else None}
