# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import DEFAULT_GROUP
from .effect import Table, live
from .problem import Problem, invalid
from .request import Request
from .rule import AnyRule, public

MAX_RULES = 100


@dataclass(frozen=True)
class SecurityGroup:
    """A named set of rules, as ``normalized`` returns them.

    What any group of a server allows is allowed; without an egress rule, a group allows all egress.
    A cloud lists rules that tasks cannot write as ForeignRule. ``used_by``: servers that have it.
    ``named_by``: other groups whose rules refer to it. ``cut``: a change of its rules ends
    connections that they do not allow.
    """

    name: str
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    rules: Tuple[AnyRule, ...] = ()
    used_by: Tuple[str, ...] = ()
    named_by: Tuple[str, ...] = ()
    id: str = AFTER_APPLY
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY
    cut: bool = field(default=False, compare=False)

    def public(self) -> Dict[str, Any]:
        """The group for the result of a module."""
        return {**plain_fields(self, 'cut'), 'rules': [public(rule) for rule in self.rules]}


@dataclass(frozen=True)
class SecurityGroupRequest(Request):
    """The requested state. ``purge_rules``: remove the rules that are not specified."""

    purge_rules: bool = True

    def problems(self) -> List[Problem]:
        """What is invalid in the request, regardless of what exists."""
        problems = super().problems()
        if self.state == 'absent' and self.name == DEFAULT_GROUP:
            problems.append(
                invalid(
                    'name',
                    'the group default cannot be deleted, because servers without '
                    'security_groups have it; set rules: [] to remove its rules',
                )
            )
        return problems


TABLE: Table = {'description': live, 'labels': live, 'rules': live, 'cut': live}
