# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module flavor: parameters to requests, and observations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Names, RefusedTask
from .._model.flavor import FAMILIES, Flavor, FlavorRequest
from .._model.flavor_limits import LIMITS
from .._model.problem import Problem
from .._plan.flavor import plan
from .options import METADATA, NAME, STATE, by_name, metadata_options, names_of, specified_options
from .resource import Resource
from .run import run

SHARING = ('visibility', 'shared_with')
ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'family': {'type': 'str', 'choices': list(FAMILIES)},
    'vcpus': {'type': 'int'},
    'memory': {'type': 'int'},
    'disk': {'type': 'int'},
    'max_vcpus': {'type': 'int'},
    'max_memory': {'type': 'int'},
    'visibility': {'type': 'str', 'choices': ['private', 'shared', 'public']},
    'shared_with': {'type': 'list', 'elements': 'str'},
    'limits': {'type': 'dict', 'options': {name: {'type': 'int'} for name in LIMITS}},
    **METADATA,
}


def request(params: Dict[str, Any]) -> FlavorRequest:
    """Return the request of the task."""
    options = {
        **specified_options(params, 'family', 'vcpus', 'memory', 'disk', 'max_vcpus', 'max_memory'),
        **specified_options(params, 'visibility'),
        **metadata_options(params),
    }
    if params['shared_with'] is not None:
        options['shared_with'] = names_of(params['shared_with'])
    if params['limits'] is not None:
        limits = params['limits'].items()
        options['limits'] = {limit: value for limit, value in limits if value is not None}
    return FlavorRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: FlavorRequest) -> Tuple[Mapping[str, Flavor], Names]:
    """Return the flavor, with its name, and those of its servers if their limits may change."""
    limits = requested.options.get('limits')
    _check_limits(cloud, limits or {})
    name = requested.name
    seen = cloud.flavors.list([name])
    own = [flavor for flavor in seen if not flavor.owner]
    found = by_name('flavor', own or seen)
    names = {('flavor', name)}
    _check_sharing(cloud, requested, [*own, Flavor(name)][0])
    limited = [one for one in own if one.unfinished or limits not in (None, one.limits)]
    names |= {('server', server) for flavor in limited for server in flavor.used_by}
    return found, names


def _check_limits(cloud: Cloud, limits: Mapping[str, int]) -> None:
    problem = cloud.flavors.limit_problem(limits)
    if problem:
        raise RefusedTask([Problem(problem, 'limits', 'unsupported')])


def _check_sharing(cloud: Cloud, requested: FlavorRequest, current: Flavor) -> None:
    """Raise RefusedTask if the cloud cannot share the flavor in this way."""
    if requested.state != 'present' or {*SHARING}.isdisjoint(requested.options):
        return
    from .._model.sharing import with_visibility

    options = with_visibility(requested.options, current.visibility)
    wanted = replace(current, **{name: options[name] for name in SHARING if name in options})
    problem = cloud.flavors.sharing_problem(current, wanted)
    if problem:
        raise RefusedTask([Problem(problem, 'visibility', name=current.name)])


def reload(cloud: Cloud, planned: Sequence[Flavor]) -> Sequence[Flavor]:
    """Return the flavor after the changes."""
    return cloud.flavors.list([flavor.name for flavor in planned])


RESOURCE = Resource('flavor', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
