# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers are deleted, with what is only theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Dict, List

from ..._cloud import CloudError, Outcomes, Refused
from ..._model.change import Change, Changes, names_of
from ..api.api import Api, Raw, Raws
from ..api.lists import by_name
from ..api.names import with_name
from ..api.polling import Reason, Reasons
from ..api.services import COMPUTE
from .server_addresses import Addresses
from .server_lists import is_ours, servers_named
from .server_references import delete_port, own_ports
from .server_status import fault_of, is_deleting
from .server_steps import begin, go_on, remaining, wait_on


def delete(api: Api, changes: Changes) -> Outcomes:
    """Delete servers with what is only theirs; those that are gone already are no error.

    The floating IPs go first: they would stay, and cost, if this run were killed after the
    servers. The doubles that a run that was killed has left go with them; a server that was
    created after the one of a change was deleted stays.
    """
    found = servers_named(api, names_of(changes), fresh=True)
    there = _of_changes(found, changes)
    doomed = _with_doubles(there, found)
    addresses = Addresses(api)

    def step(change: Change) -> None:
        for raw in with_name(doomed, change.name):
            _check_unlocked(raw)
            addresses.release(raw)
            request_deletion(api, raw)

    outcomes = go_on(begin(changes), step)
    outcomes = wait_on(api, outcomes, until_gone(api, there))
    if len(doomed) == len(found):  # else a server that stays may have ports of this name
        deleted = names_of(remaining(outcomes))
        for port in own_ports(api, deleted):
            delete_port(api, port)
    return outcomes


def _of_changes(found: Raws, changes: Changes) -> Dict[str, Raw]:
    """The servers that changes begin at, by name."""
    ids = {change.id for change in changes}
    return by_name(raw for raw in found if raw['id'] in ids)


def _with_doubles(there: Mapping[str, Raw], found: Raws) -> List[Raw]:
    """Servers, and those of ours that have their names."""
    doomed: List[Raw] = []
    for raw in found:
        named = there.get(raw['name'])
        if named is None:
            continue
        is_meant = raw['id'] == named['id']
        if is_meant or is_ours(raw):
            doomed.append(raw)
    return doomed


def _check_unlocked(raw: Raw) -> None:
    if raw['locked']:
        identity = raw['id']
        raise Refused(
            f'it is locked in the cloud; unlock it first (openstack server unlock {identity})'
        )


def request_deletion(api: Api, raw: Raw) -> None:
    """Let Nova delete a server; it answers at once."""
    api.delete(COMPUTE, f'/servers/{raw["id"]}')


def until_gone(api: Api, there: Mapping[str, Raw]) -> Reasons:
    """Return what is awaited of servers that leave, by name."""
    ids = {raw['id'] for raw in there.values()}

    def reasons(names: Collection[str]) -> Mapping[str, Reason]:
        found = servers_named(api, names, fresh=True)
        staying = [raw for raw in found if raw['id'] in ids]
        return {raw['name']: _not_gone(raw) for raw in staying}

    return reasons


def _not_gone(raw: Raw) -> Reason:
    """Why a server that is being deleted is not gone."""
    if raw['OS-EXT-STS:vm_state'] == 'error' and not is_deleting(raw):
        return CloudError(f'Nova did not delete it: {fault_of(raw)}; run the task again')
    return f'its status is {raw["status"]}'
