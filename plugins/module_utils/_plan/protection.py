# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is protected from deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._model.change import Draft


def check_protection(kind: str, current: Any, options: Mapping[str, Any], draft: Draft) -> None:
    """Refuse to delete what is protected, unless the same task lifts the protection."""
    if options.get('delete_protection', current.delete_protection):
        draft.refuse(
            'delete_protection',
            f'{kind} {current.name} is protected; set delete_protection: false, also in this task, '
            'to allow its deletion',
            name=current.name,
        )
