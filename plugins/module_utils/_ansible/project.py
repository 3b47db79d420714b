# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules project and project_info: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.project import QUOTAS, Project, ProjectRequest
from .._plan.project import plan
from .info import ARGUMENTS as OF_INFO
from .info import run_query, selection
from .operations import projects_of
from .options import METADATA, NAME, STATE, metadata_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'quotas': {'type': 'dict', 'options': {quota: {'type': 'int'} for quota in QUOTAS}},
    **METADATA,
}
_INFO = {option: OF_INFO[option] for option in ('name', 'labels', 'query')}


def request(params: Dict[str, Any]) -> ProjectRequest:
    """Return the request of the task."""
    options = metadata_options(params)
    if params['quotas'] is not None:
        quotas = params['quotas'].items()
        options['quotas'] = {quota: value for quota, value in quotas if value is not None}
    return ProjectRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: ProjectRequest) -> Tuple[Mapping[str, Project], Names]:
    """Return the project."""
    name = requested.name
    found = {project.name: project for project in projects_of(cloud).list([name])}
    return found, {('project', name)}


def reload(cloud: Cloud, planned: Sequence[Project]) -> Sequence[Project]:
    """Return the project after the changes."""
    return projects_of(cloud).list([project.name for project in planned])


RESOURCE = Resource('project', ARGUMENTS, request, observe, plan, reload)


def main() -> None:
    """Run the module project."""
    run(RESOURCE)


def _listed(cloud: Cloud, params: Dict[str, Any]) -> object:
    select = selection(params)
    name = params['name']
    found = projects_of(cloud).list(None if name is None else [name])
    return select([project.public() for project in found])


def main_of_info() -> None:
    """Run the module project_info."""
    run_query('projects', _INFO, _listed, is_networked=False, kind='project')
