# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ids of the security groups that ports and rules name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Dict

from ..api.api import Api
from ..api.lists import all_security_groups
from ..api.names import ids_of
from .tags import is_ours


def security_group_ids(api: Api, names: Iterable[str]) -> Dict[str, str]:
    """Return the ids of security groups by name. Raises Missing or Refused as ids_of does."""
    groups = all_security_groups(api)
    return ids_of('security_group', groups, names, api.project_id, is_ours)
