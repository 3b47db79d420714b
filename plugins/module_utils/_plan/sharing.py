# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images and flavors that other projects see: imported where that is requested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict

from .._model.change import Draft
from .._model.flavor import Flavor
from .._model.image import Image
from .._model.sharing import is_visible, with_visibility


def shared_options(
    kind: str, current: Flavor | Image, options: Mapping[str, Any], draft: Draft
) -> Dict[str, Any]:
    """The options with what they imply; projects whose servers use an item keep seeing it."""
    found = with_visibility(options, current.visibility)
    visibility = found.get('visibility', current.visibility)
    shared_with = found.get('shared_with', current.shared_with)
    for user in current.used_by:
        project = user.rpartition('/')[0]
        if project and not is_visible(visibility, shared_with, project):
            draft.refuse(
                'shared_with',
                f'{kind} {current.name} is used by {user}; share it with {project}, or delete that '
                'server first',
                name=current.name,
            )
    return found
