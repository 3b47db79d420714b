# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of the users who log in to servers."""

from __future__ import annotations

import re
from typing import List

from .problem import Problem, invalid

LOGIN_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z')


def login_problems(user: str, option: str = 'os_admin_user') -> List[Problem]:
    """Check the name of a user who logs in."""
    if LOGIN_NAME.match(user):
        return []
    return [
        invalid(
            option,
            f'{user!r} is not a login name; use at most 32 letters, digits, hyphens, underscores '
            'and dots, a letter or an underscore first',
        )
    ]
