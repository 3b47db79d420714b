# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Columns of what can be protected from deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict

from .record import description_columns

if TYPE_CHECKING:
    from .row_types import Protectable


def protected_columns(resource: Protectable) -> Dict[str, str | int]:
    """Return the columns description, labels and delete_protection of a resource."""
    return {
        **description_columns(resource),
        'delete_protection': int(resource.delete_protection),
    }
