# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module security_group: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, CloudError, Names
from .._model.rule import Rule, parse
from .._model.security_group import SecurityGroup, SecurityGroupRequest
from .._plan.security_group import ObservedSecurityGroups, plan
from .options import DESCRIBED, NAME, STATE, by_name, described
from .run import Resource, run

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
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> SecurityGroupRequest:
    """What the task asks for. Raises CloudError with all that is wrong with the rules."""
    options = {**described(params), 'cut': params['cut']}
    if params['rules'] is not None and params['state'] == 'present':
        options['rules'] = _rules(params['rules'])
    return SecurityGroupRequest(params['name'], params['state'], options, params['purge_rules'])


def _rules(raw: Sequence[Dict[str, Any]]) -> Tuple[Rule, ...]:
    rules: List[Rule] = []
    problems: List[str] = []
    for number, one in enumerate(raw):
        try:
            rules += parse(one, f'rules[{number}]')
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise CloudError('refused: ' + '; '.join(problems))
    return tuple(sorted(set(rules)))


def observe(cloud: Cloud, requested: SecurityGroupRequest) -> Tuple[ObservedSecurityGroups, Names]:
    """All groups, because rules may name any."""
    return ObservedSecurityGroups(
        by_name(cloud.security_groups.list()), cloud.firewalls.list()[0]
    ), {('security_group', requested.name)}


def reload(cloud: Cloud, planned: Sequence[SecurityGroup]) -> Sequence[SecurityGroup]:
    """The group as it is after the run."""
    return cloud.security_groups.list([group.name for group in planned])


def main() -> None:
    """Run the module."""
    run(Resource('security_group', ARGUMENTS, request, observe, plan, reload, strict=('rules',)))
