# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of what can be protected from deletion."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .options import METADATA, metadata_options, specified_options

PROTECTED: Dict[str, Any] = {'delete_protection': {'type': 'bool'}, **METADATA}


def protected_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return description, labels and delete_protection, if they are set."""
    return {**metadata_options(params), **specified_options(params, 'delete_protection')}
