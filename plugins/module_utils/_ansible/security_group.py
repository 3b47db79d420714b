# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module security_group: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names, RefusedTask
from .._model.problem import Problem
from .._model.rule import Rule
from .._model.rule_parser import parse
from .._model.security_group import SecurityGroup, SecurityGroupRequest
from .._plan.security_group import ObservedSecurityGroups, plan
from .options import METADATA, NAME, STATE, metadata_options
from .references import References
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'rules': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'preset': {'type': 'str'},
            'direction': {'type': 'str', 'default': 'ingress'},
            'protocol': {'type': 'str'},
            'port': {'type': 'str'},
            'ports': {'type': 'list', 'elements': 'str'},
            'remote': {'type': 'str', 'default': 'any'},
        },
    },
    'purge_rules': {'type': 'bool', 'default': True},
    'cut': {'type': 'bool', 'default': False},
    **METADATA,
}


def request(params: Dict[str, Any]) -> SecurityGroupRequest:
    """Return the request of the task. Raises RefusedTask with all problems of the rules."""
    state = params['state']
    rules = params['rules']
    options = metadata_options(params)
    options['cut'] = params['cut']
    if rules is not None and state == 'present':
        options['rules'] = _rules(rules)
    return SecurityGroupRequest(params['name'], state, options, params['purge_rules'])


def _rules(raw: Sequence[Dict[str, Any]]) -> Tuple[Rule, ...]:
    rules: List[Rule] = []
    problems: List[Problem] = []
    for index, rule in enumerate(raw):
        place = f'rules[{index}]'
        try:
            rules += parse(rule, place)
        except ValueError as error:
            problem = Problem(str(error), place, 'invalid')
            problems.append(problem)
    if problems:
        raise RefusedTask(problems)
    return tuple(sorted(set(rules)))


def observe(cloud: Cloud, requested: SecurityGroupRequest) -> Tuple[ObservedSecurityGroups, Names]:
    """Return all groups, because rules may refer to any of them."""
    groups = References('security_group', cloud.security_groups.list())
    return ObservedSecurityGroups(groups), {('security_group', requested.name)}


def reload(cloud: Cloud, planned: Sequence[SecurityGroup]) -> Sequence[SecurityGroup]:
    """Return the group after the changes."""
    return cloud.security_groups.list([group.name for group in planned])


RESOURCE = Resource('security_group', ARGUMENTS, request, observe, plan, reload, strict=('rules',))


def main() -> None:
    """Run the module."""
    run(RESOURCE)
