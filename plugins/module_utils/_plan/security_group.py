# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._model.change import Draft, Plan
from .._model.firewall import Firewall
from .._model.security_group import MAX_RULES, TABLE, SecurityGroup, SecurityGroupRequest
from .common import plan_one, repair_firewall


@dataclass(frozen=True)
class ObservedSecurityGroups:
    """Groups by name, and the state of the host."""

    groups: Mapping[str, SecurityGroup]
    firewall: Firewall = field(default_factory=Firewall)


def plan(request: SecurityGroupRequest, observed: ObservedSecurityGroups) -> Plan:
    """Make, keep or delete one group."""
    draft, current = Draft(), observed.groups.get(request.name)
    rules = set(request.options.get('rules', ()))
    if current and not request.purge_rules:
        rules |= set(current.rules)
    options = (
        {**request.options, 'rules': tuple(sorted(rules))}
        if 'rules' in request.options
        else dict(request.options)
    )
    if len(rules) > MAX_RULES:
        draft.refused.append(
            f'rules: {request.name} would have {len(rules)}; a group has at most {MAX_RULES}'
        )
    for name in sorted(
        {rule.remote_group for rule in options.get('rules', ()) if rule.remote_group}
    ):
        draft.require('security_group', name, {**observed.groups, request.name: None})
    if request.state == 'absent' and current and current.named_by:
        draft.refused.append(
            f'security_group {current.name} is named by rules of {", ".join(current.named_by)}; change those first'
        )
    plan_one(
        'security_group',
        replace(request, options=options),
        current,
        TABLE,
        lambda: SecurityGroup(request.name, **options),
        draft,
    )
    repair_firewall(observed.firewall, draft)
    return draft.finish()
