# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module project: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names, RefusedTask
from .._model.access import MEMBER, ROLES
from .._model.problem import Problem
from .._model.project import QUOTAS, Project, ProjectRequest
from .._plan.project import ObservedProjects, plan
from .module import actor_of
from .operations import projects_of
from .options import METADATA, NAME, STATE, metadata_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'members': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'name': {'type': 'str', 'required': True},
            'role': {'type': 'str', 'choices': list(ROLES), 'default': MEMBER},
        },
    },
    'quotas': {'type': 'dict', 'options': {quota: {'type': 'int'} for quota in QUOTAS}},
    **METADATA,
}


def request(params: Dict[str, Any]) -> ProjectRequest:
    """Return the request of the task."""
    options = metadata_options(params)
    if params['quotas'] is not None:
        quotas = params['quotas'].items()
        options['quotas'] = {quota: value for quota, value in quotas if value is not None}
    if params['members'] is not None:
        members = params['members']
        options['members'] = tuple((member['name'], member['role']) for member in members)
    return ProjectRequest(params['name'], params['state'], options, actor_of(params))


def observe(cloud: Cloud, requested: ProjectRequest) -> Tuple[ObservedProjects, Names]:
    """Return the project."""
    name = requested.name
    projects = projects_of(cloud)
    problem = projects.request_problem(requested.options)
    if problem:
        raise RefusedTask([Problem(problem, problem.partition(':')[0], 'unsupported')])
    found = {project.name: project for project in projects.list([name])}
    access = cloud.access
    is_host_admin = access is not None and access.is_host_admin
    is_host_admin = is_host_admin or not projects.trusts_actor
    return ObservedProjects(found, is_host_admin), {('project', name)}


def reload(cloud: Cloud, planned: Sequence[Project]) -> Sequence[Project]:
    """Return the project after the changes."""
    return projects_of(cloud).list([project.name for project in planned])


RESOURCE = Resource('project', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module project."""
    run(RESOURCE)
