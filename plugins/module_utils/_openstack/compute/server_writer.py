# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are created.

What is to be done after Nova has built a server (its floating IP, its stop) is written with the
request for it, and removed when it is done: the next run completes it if this one is killed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Dict, List, Set
from uuid import uuid4

from ..._cloud import CloudError, Missing, NoAnswer, Outcomes
from ..._model.change import Change, Changes, names_of
from ..._model.secret import Secrets
from ..._model.server import Server
from ..._model.status import Status
from ..api.api import Api, Raw, Raws
from ..api.lists import by_name
from ..api.marks import PREFIX, from_metadata
from ..api.polling import Reason
from ..api.services import COMPUTE
from .first_boot_content import encoded
from .server_actions import awaited, request
from .server_addresses import Addresses
from .server_bodies import Content, References, creation_body
from .server_deletion import request_deletion, until_gone
from .server_lists import TOKEN, is_ours, servers_named, without_our_doubles
from .server_marks import PENDING, Pending, pending_of
from .server_references import (
    delete_port,
    own_ports,
    prefetch,
    references_of,
    with_own_ports,
)
from .server_status import is_deleting, never_ran, state_of
from .server_steps import begin, failed, go_on, observed, remaining, the, until, wait_on


class ServerWriter:
    """Creates servers of a project."""

    def __init__(self, api: Api, secrets: Secrets) -> None:
        """``api``: the services, as the project sees them. ``secrets``: of the task."""
        self.api = api
        self.secrets = secrets
        self.tokens: Set[str] = set()  # of what was requested here

    def create(self, changes: Changes) -> Outcomes:
        """Create servers; those that an earlier run, or another one, requested are completed."""
        api = self.api
        names = names_of(changes)
        there = observed(api, names)
        leaving = {name: raw for name, raw in there.items() if _is_leaving(raw)}
        staying = set(there) - set(leaving)
        outcomes = self._delete_failed(begin(changes), leaving)
        outcomes = self._request(outcomes, staying)
        outcomes = wait_on(api, outcomes, until(api, _not_built))
        built = servers_named(api, names, fresh=True)
        self._delete_own_doubles(built)
        return self._complete(outcomes, without_our_doubles(built))

    def _delete_failed(self, outcomes: Outcomes, leaving: Mapping[str, Raw]) -> Outcomes:
        """Delete servers of ours that failed before they ran; await those that are leaving."""
        if not leaving:
            return outcomes

        def step(change: Change) -> None:
            request_deletion(self.api, leaving[change.name])

        def wanted(change: Change) -> bool:
            return change.name in leaving

        outcomes = go_on(outcomes, step, wanted)
        gone = until_gone(self.api, leaving)
        return wait_on(self.api, outcomes, gone, wanted)

    def _request(self, outcomes: Outcomes, there: Collection[str]) -> Outcomes:
        """Request the servers that are not there."""
        absent = remaining(outcomes, lambda change: change.name not in there)
        servers = [change.new(Server) for change in absent]
        if not servers:
            return outcomes
        prefetch(self.api, servers)
        contents = self._contents(servers)
        references = self._references(servers)
        self._delete_left_ports(references)

        def step(change: Change) -> None:
            found = references[change.name]
            if isinstance(found, CloudError):
                raise found
            server = change.new(Server)
            self._request_one(server, found, contents)

        def wanted(change: Change) -> bool:
            return change.name in references

        return go_on(outcomes, step, wanted)

    def _references(self, servers: Sequence[Server]) -> Mapping[str, References | CloudError]:
        """What servers refer to, by name; or why one refers to something that does not exist."""
        found: Dict[str, References | CloudError] = {}
        for server in servers:
            try:
                found[server.name] = references_of(self.api, server)
            except CloudError as error:
                found[server.name] = error
        return found

    def _contents(self, servers: Sequence[Server]) -> Mapping[str | None, Content]:
        """The content of init scripts by name, and of the user data of the task by None."""
        found: Dict[str | None, Content] = {}
        user_data = self.secrets.user_data
        if user_data is not None:
            found[None] = Content(encoded(user_data))
        scripts: Set[str] = set()
        for server in servers:
            if server.init_script and not server.user_data:
                scripts.add(server.init_script)
        if scripts:
            from ..catalogue.init_scripts import InitScripts

            known = InitScripts(self.api)
            seals = known.seals()
            for script in known.list(scripts):
                found[script.name] = Content(encoded(script.content), seals[script.name])
        return found

    def _delete_left_ports(self, references: Mapping[str, References | CloudError]) -> None:
        """Delete the ports that an earlier run created for servers that it did not come to."""
        names: List[str] = []
        for name, found in references.items():
            if isinstance(found, References) and found.own_ports:
                names.append(name)
        if not names:
            return
        for port in own_ports(self.api, names):
            if not port['device_id']:
                delete_port(self.api, port)

    def _request_one(
        self,
        server: Server,
        ids: References,
        contents: Mapping[str | None, Content],
    ) -> None:
        content = _content(server, contents)
        token = str(uuid4())
        ids = with_own_ports(self.api, ids)
        body = creation_body(server, ids, self.api.actor, token, content)
        try:
            self.api.post(COMPUTE, '/servers', {'server': body})
        except NoAnswer:
            found = servers_named(self.api, [server.name], fresh=True)
            tokens = {raw['metadata'].get(TOKEN) for raw in found}
            if token not in tokens:
                raise
        self.tokens.add(token)

    def _delete_own_doubles(self, built: Raws) -> None:
        """Delete the servers that another run created at the same time, and before this one."""
        first = {raw['id'] for raw in without_our_doubles(built)}
        for raw in built:
            is_own = raw['metadata'].get(TOKEN) in self.tokens
            if is_own and raw['id'] not in first:
                name = raw['name']
                request_deletion(self.api, raw)
                self.api.notes.append(
                    f'server {name}: another run created it at the same time; the second one was '
                    'deleted'
                )

    def _complete(self, outcomes: Outcomes, built: Raws) -> Outcomes:
        """Do what is left to be done with the servers."""
        api = self.api
        there = by_name(built)
        pending = _pending_by_name(there)
        if not pending:
            return outcomes
        needs_address = any(left.floating_ip for left in pending.values())
        addresses = Addresses(api) if needs_address else None

        def float_and_stop(change: Change) -> None:
            raw = the(there, change)
            left = pending[change.name]
            if addresses and left.floating_ip:
                addresses.give(raw, left.floating_ip)
            if left.stop and state_of(raw).status == Status.ACTIVE:
                request(api, raw, {'os-stop': None})

        def remove_mark(change: Change) -> None:
            server = the(there, change)['id']
            api.delete(COMPUTE, f'/servers/{server}/metadata/{PREFIX}{PENDING}')

        def wanted(change: Change) -> bool:
            return change.name in pending

        def stops(change: Change) -> bool:
            left = pending.get(change.name)
            return left is not None and left.stop

        def not_off(raw: Raw) -> Reason:
            return awaited(raw, Status.SHUTOFF)

        outcomes = go_on(outcomes, float_and_stop, wanted)
        outcomes = wait_on(api, outcomes, until(api, not_off), stops)
        return go_on(outcomes, remove_mark, wanted)


def _pending_by_name(servers: Mapping[str, Raw]) -> Dict[str, Pending]:
    """What is left to be done with new servers, of those that need something."""
    found: Dict[str, Pending] = {}
    for name, raw in servers.items():
        pending = pending_of(from_metadata(raw['metadata']))
        if pending:
            found[name] = pending
    return found


def _content(server: Server, contents: Mapping[str | None, Content]) -> Content:
    """The first-boot content of a new server."""
    if server.user_data:
        script = None
    elif server.init_script:
        script = server.init_script
    else:
        return Content()
    if script not in contents:
        text = f'init script {script} no longer exists; run the task again'
        raise Missing(text, 'init_script', 'init_script', script or '')
    return contents[script]


def _is_leaving(raw: Raw) -> bool:
    """Whether a server is not there any more, or can be created anew without loss."""
    return is_deleting(raw) or (is_ours(raw) and never_ran(raw))


def _not_built(raw: Raw) -> Reason:
    """Why Nova has not built a server yet; empty if it has."""
    status = state_of(raw).status
    if status == Status.ERROR:
        return failed(raw)
    if status == Status.BUILD:
        return f'its status is {raw["status"]}'
    return ''
