# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who else sees an image or a flavor, in the words of Glance: imported where it is requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict, List

from .checks import name_problems
from .problem import Problem, invalid

PRIVATE = 'private'
SHARED = 'shared'
PUBLIC = 'public'
VISIBILITIES = (PRIVATE, SHARED, PUBLIC)


def sharing_problems(options: Mapping[str, Any]) -> List[Problem]:
    """Return what is wrong with the visibility of a request, and with whom it shares."""
    projects: Sequence[str] = options.get('shared_with', ())
    problems = [one for name in projects for one in name_problems(name, 'shared_with')]
    if projects and options.get('visibility', SHARED) != SHARED:
        text = f'it requires visibility: shared, not {options["visibility"]}'
        problems.append(invalid('shared_with', text))
    return problems


def with_visibility(options: Mapping[str, Any], current: str) -> Dict[str, Any]:
    """Return options in which whom it is shared with says that it is shared, and not else.

    ``current``: the visibility of the image or the flavor.
    """
    found = dict(options)
    if found.get('shared_with'):
        found['visibility'] = SHARED
    if found.get('visibility', current) != SHARED:
        found['shared_with'] = ()
    return found


def is_visible(visibility: str, shared_with: Sequence[str], project: str) -> bool:
    """Whether a project sees an image or a flavor of another one."""
    return visibility == PUBLIC or (visibility == SHARED and project in shared_with)
