# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .._model.change import Draft, Plan
from .._model.kinds import KINDS
from .._model.project import TABLE, Project, ProjectRequest
from .common import plan_one


def plan(request: ProjectRequest, observed: Mapping[str, Project]) -> Plan[Project]:
    """Create, update or delete one project; what is in it stays."""
    draft = Draft()
    current = observed.get(request.name)
    if request.state == 'absent':
        if current:
            _check_empty(current, draft)
    elif current and not current.is_declared:
        current = None  # what is in it is in the project that is created
    options = request.with_quotas(current.quotas if current else {})
    completed = replace(request, options=options)
    result = plan_one(
        'project', completed, current, TABLE, lambda: Project(request.name, **options), draft
    )
    return draft.finish(result)


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
