# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .._model.access import ADMIN
from .._model.change import Draft, Plan
from .._model.kinds import KINDS
from .._model.project import TABLE, Project, ProjectRequest
from .common import plan_one


@dataclass(frozen=True)
class ObservedProjects:
    """Projects by name, and whether the user is an admin of the host, and so of all of them."""

    projects: Mapping[str, Project]
    is_host_admin: bool = False


def plan(request: ProjectRequest, observed: ObservedProjects) -> Plan[Project]:
    """Create, update or delete one project; what is in it stays."""
    draft = Draft()
    current = observed.projects.get(request.name)
    if request.state == 'absent':
        if current:
            _check_empty(current, draft)
    elif current and not current.is_declared:
        current = None  # what is in it is in the project that is created
    options = request.completed(current.quotas if current else {})
    completed = replace(request, options=options)
    if 'members' in options and not observed.is_host_admin:
        _check_stays_admin(request.actor, options['members'], draft)
    result = plan_one(
        'project', completed, current, TABLE, lambda: Project(request.name, **options), draft
    )
    return draft.finish(result)


def _check_stays_admin(actor: str, members: Mapping[str, str], draft: Draft) -> None:
    """Refuse members with which the next run of the task would be refused."""
    if draft.refused or members.get(actor) == ADMIN:
        return
    draft.refuse(
        'members',
        f'members: {actor}, who runs this task (actor), would be no admin of the project and could '
        f'not change it again; add {actor} with the role admin',
    )


def _check_empty(current: Project, draft: Draft) -> None:
    """Refuse to delete a project in which something is."""
    titles = {kind.plural: kind.title for kind in KINDS.values()}
    held = [
        f'{number} {titles[plural]}{"" if number == 1 else "s"}'
        for plural, number in current.held().items()
    ]
    if held:
        draft.refuse(
            'state',
            f'project {current.name} holds {", ".join(held)}; delete those first '
            f'(project: {current.name})',
            name=current.name,
        )
