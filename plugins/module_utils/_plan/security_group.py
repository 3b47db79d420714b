# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of security groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Tuple

from .._model.change import Draft, Plan
from .._model.rule import AnyRule, Rule, normalized
from .._model.security_group import MAX_RULES, TABLE, SecurityGroup, SecurityGroupRequest
from .common import plan_one


@dataclass(frozen=True)
class ObservedSecurityGroups:
    """Groups by name, and the state of the host."""

    groups: Mapping[str, SecurityGroup]


def plan(request: SecurityGroupRequest, observed: ObservedSecurityGroups) -> Plan[SecurityGroup]:
    """Create, update or delete one group."""
    draft = Draft()
    current = observed.groups.get(request.name)
    options = dict(request.options)
    if 'rules' in options:
        options['rules'] = _rules(request, current)
        _check_rules(request.name, options['rules'], observed, draft)
    if request.state == 'absent' and current and current.named_by:
        draft.refuse(
            'state',
            f'security_group {current.name} is used by rules of {", ".join(current.named_by)}; '
            'change those first',
        )
    result = plan_one(
        'security_group',
        replace(request, options=options),
        current,
        TABLE,
        lambda: SecurityGroup(request.name, **options),
        draft,
    )
    return draft.finish(result)


def _rules(request: SecurityGroupRequest, current: SecurityGroup | None) -> Tuple[AnyRule, ...]:
    """The requested rules, with the existing ones unless those are purged.

    These are normalized together: added to other egress rules, one that allows all egress counts.
    """
    kept = current.rules if current and not request.purge_rules else ()
    return normalized((*request.options['rules'], *kept))


def _check_rules(
    name: str,
    rules: Tuple[AnyRule, ...],
    observed: ObservedSecurityGroups,
    draft: Draft,
) -> None:
    if len(rules) > MAX_RULES:
        draft.refuse(
            'rules',
            f'rules: {name} would have {len(rules)}; a group has at most {MAX_RULES}',
        )
    own = [rule for rule in rules if isinstance(rule, Rule)]
    for remote in sorted({rule.remote_group for rule in own if rule.remote_group}):
        if remote not in observed.groups:  # which also refuses a name that several groups have
            draft.require('security_group', remote, {**observed.groups, name: None}, 'rules')
