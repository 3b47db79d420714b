# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Init scripts: first-boot content that is stored and used by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import length_problems
from .effect import Table, live
from .problem import Problem, invalid
from .profile import Profile
from .request import Request

LANGUAGES = {
    'sh': 'shell',
    'bash': 'shell',
    'dash': 'shell',
    'ash': 'shell',
    'ksh': 'shell',
    'zsh': 'shell',
    'python': 'python',
    'perl': 'perl',
}
_FIRST_LINE = re.compile(r'#! ?(/\S+)(?: +(\S+))?')


@dataclass(frozen=True)
class InitScript:
    """A named script.

    ``used_by``: servers that are being created with it; later they have a copy.
    """

    name: str
    content: str
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    used_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    def public(self) -> Dict[str, Any]:
        """The script for the result of a module."""
        return {**plain_fields(self), 'language': language(self.content)}


def language(content: str) -> str | None:
    """The language of a script by its first line (execve(2)): shell, python or perl, or None."""
    found = _FIRST_LINE.match(content)
    if not found:
        return None
    program, argument = found.groups()
    name = program.rsplit('/', 1)[-1]
    name = argument or '' if name == 'env' else name
    return LANGUAGES.get(re.sub(r'[0-9.]+\Z', '', name))


class InitScriptRequest(Request):
    """The requested state."""

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        return super().problems() + _content_problems(self.options.get('content'))

    def excesses(self, profile: Profile) -> List[Problem]:
        """What is more than the cloud allows."""
        content = length_problems('content', self.options.get('content'), profile.max_init_script)
        return super().excesses(profile) + content


def _content_problems(content: str | None) -> List[Problem]:
    if content is None:
        return []
    problems = []
    if language(content) is None:
        problems.append(
            invalid(
                'content',
                'its first line must name a shell, Python or Perl, such as #!/bin/sh, '
                '#!/usr/bin/env python3 or #!/usr/bin/perl',
            )
        )
    if '\r\n' in content:
        problems.append(
            invalid(
                'content',
                'it has Windows line endings (CR LF), with which no interpreter would be '
                'found; save it with LF',
            )
        )
    if '\0' in content:
        problems.append(invalid('content', 'it contains a NUL character; it must be text'))
    return problems


TABLE: Table = {'content': live, 'description': live, 'labels': live}
