# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module flavor: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Names, RefusedTask
from .._model.flavor import FAMILIES, Flavor, FlavorRequest
from .._model.flavor_limits import LIMITS
from .._model.problem import Problem
from .._plan.flavor import plan
from .options import METADATA, NAME, STATE, by_name, metadata_options, specified_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'family': {'type': 'str', 'choices': list(FAMILIES)},
    'vcpus': {'type': 'int'},
    'memory': {'type': 'int'},
    'disk': {'type': 'int'},
    'max_vcpus': {'type': 'int'},
    'max_memory': {'type': 'int'},
    'limits': {'type': 'dict', 'options': {name: {'type': 'int'} for name in LIMITS}},
    **METADATA,
}


def request(params: Dict[str, Any]) -> FlavorRequest:
    """Return the request of the task."""
    options = {
        **specified_options(params, 'family', 'vcpus', 'memory', 'disk', 'max_vcpus', 'max_memory'),
        **metadata_options(params),
    }
    if params['limits'] is not None:
        limits = params['limits'].items()
        options['limits'] = {limit: value for limit, value in limits if value is not None}
    return FlavorRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: FlavorRequest) -> Tuple[Mapping[str, Flavor], Names]:
    """Return the flavor, with its name, and those of its servers if their limits may change."""
    wanted = requested.options.get('limits')
    if wanted:
        problem = cloud.flavors.limit_problem(wanted)
        if problem:
            raise RefusedTask([Problem(problem, 'limits', 'unsupported')])
    found = by_name('flavor', cloud.flavors.list([requested.name]))
    names = {('flavor', requested.name)}
    for flavor in found.values():
        if flavor.unfinished or wanted not in (None, flavor.limits):
            names |= {('server', server) for server in flavor.used_by}
    return found, names


def reload(cloud: Cloud, planned: Sequence[Flavor]) -> Sequence[Flavor]:
    """Return the flavor after the changes."""
    return cloud.flavors.list([flavor.name for flavor in planned])


RESOURCE = Resource('flavor', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
