# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Projects of Keystone: mostly only administrators create them, and say who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Dict, List, Tuple

from ..._cloud import Busy, NoAnswer, Outcomes, Unsupported
from ..._model.change import Change, Changes
from ..._model.checks import DEFAULT_PROJECT
from ..._model.project import Project
from ..api.api import Api, Raw
from ..api.parallel import each
from ..api.projects import named_project
from ..api.services import IDENTITY, NETWORK
from .project_members import members_of, members_problem, set_members
from .project_quotas import quotas_and_usage, quotas_problem, reset_quotas, set_quotas

_MARKS = 'hanok'  # an attribute of ours: Keystone keeps those that it does not know


class Projects:
    """Projects in the domain of that of the entry, which tasks call ``default``."""

    trusts_actor = False  # Keystone knows who has signed in

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project of the entry sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Project, ...]:
        """List all that the user may see, or those with these names."""
        found = self._all() if names is None else self._named(set(names))
        projects = [self._project(raw) for raw in found]
        return tuple(sorted(projects, key=lambda project: project.name))

    def _all(self) -> List[Raw]:
        query = {'domain_id': self.api.domain_id}
        try:
            found = self.api.pages(IDENTITY, '/projects', 'projects', **query)
        except Unsupported:  # to members; each sees those in which it has a role
            found = self.api.pages(IDENTITY, '/auth/projects', 'projects')
        return [raw for raw in found if raw['domain_id'] == self.api.domain_id]

    def _named(self, names: Iterable[str]) -> List[Raw]:
        try:
            found = [self._by_name(name) for name in names]
        except Unsupported:
            return [raw for raw in self._all() if self._name(raw) in names]
        return [raw for raw in found if raw]

    def _by_name(self, name: str) -> Raw | None:
        if name == DEFAULT_PROJECT:
            return self._by_id(self.api.project_id)
        return named_project(self.api, name)

    def _by_id(self, identity: str) -> Raw:
        found: Raw = self.api.get(IDENTITY, f'/projects/{identity}')['project']
        return found

    def _name(self, raw: Raw) -> str:
        """The name of a project as tasks have it."""
        return DEFAULT_PROJECT if raw['id'] == self.api.project_id else str(raw['name'])

    def _project(self, raw: Raw) -> Project:
        quotas, used = quotas_and_usage(self.api, raw['id'])
        marks = raw.get(_MARKS) or {}
        return Project(
            self._name(raw),
            raw.get('description') or '',
            marks.get('labels', {}),
            quotas,
            used,
            members_of(self.api, raw['id']),
            raw['id'],
            marks.get('created_by', ''),
            '',  # Keystone does not tell
        )

    def request_problem(self, options: Mapping[str, Any]) -> str:
        """Return why the user cannot manage projects, or not in this way; else empty."""
        api = self.api
        query = f'?domain_id={api.domain_id}&limit=1'
        if not api.find(IDENTITY, f'/projects{query}', (403,)):
            return (
                f'cloud: the cloud {api.cloud} lets only its administrators manage projects; use '
                'an entry of clouds.yaml with the role admin, or ask its operator'
            )
        return quotas_problem(api, options) or members_problem(api, options.get('members', ()))

    def create(self, changes: Changes) -> Outcomes:
        """Create projects, with their members and quotas."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        project = change.new(Project)
        body = {
            'name': project.name,
            'domain_id': self.api.domain_id,
            **_attributes(project, self.api.actor),
        }
        try:
            raw: Raw = self.api.post(IDENTITY, '/projects', {'project': body})['project']
        except (Busy, NoAnswer):
            # It exists: of another run at the same time, or of this one without an answer.
            found = named_project(self.api, project.name)
            if found is None:
                raise
            raw = found
        set_members(self.api, raw['id'], project.members)
        set_quotas(self.api, raw['id'], {}, project.quotas)

    def update(self, changes: Changes) -> Outcomes:
        """Update projects; what is over a quota stays."""
        return each(changes, self._update)

    def _update(self, change: Change) -> None:
        before, project = change.old(Project), change.new(Project)
        attributes = _attributes(project, project.created_by)
        if attributes != _attributes(before, project.created_by):
            path = f'/projects/{before.id}'
            self.api.call(IDENTITY, 'PATCH', path, {'project': attributes})
        if project.members != before.members:
            set_members(self.api, before.id, project.members)
        set_quotas(self.api, before.id, before.quotas, project.quotas)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete projects that hold nothing; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        identity = change.old(Project).id
        _quotas, used = quotas_and_usage(self.api, identity)
        if Project(change.name, used=used).held():
            raise Busy(
                f'project {change.name} holds something by now; run the task again to see what '
                'it is'
            )
        query = {'project_id': identity}
        groups = self.api.pages(NETWORK, '/security-groups', 'security_groups', **query)
        for group in groups:  # Neutron has made the group default
            self.api.delete(NETWORK, f'/security-groups/{group["id"]}')
        reset_quotas(self.api, identity)
        self.api.delete(IDENTITY, f'/projects/{identity}')


def _attributes(project: Project, created_by: str) -> Dict[str, Any]:
    marks = {'created_by': created_by, 'labels': dict(project.labels)}
    return {'description': project.description, _MARKS: marks}
