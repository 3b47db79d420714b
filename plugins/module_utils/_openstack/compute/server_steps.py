# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of changes of servers, one after another: each for those that succeeded until then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Dict, List

from ..._cloud import CloudError, Gone, Outcome, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes, names_of
from ..api.api import Api, Raw
from ..api.lists import by_name
from ..api.parallel import each
from ..api.polling import Reason, Reasons, await_all, with_errors
from .server_lists import servers_named, without_our_doubles
from .server_status import fault_of, never_ran

Wanted = Callable[[Change], bool]


def begin(changes: Changes) -> Outcomes:
    """Return outcomes to go on with."""
    return [Outcome(change) for change in changes]


def go_on(
    outcomes: Outcomes,
    step: Callable[[Change], object],
    wanted: Wanted | None = None,
) -> Outcomes:
    """Apply a step to the changes that succeeded so far and need it, side by side."""
    chosen = remaining(outcomes, wanted)
    if not chosen:
        return outcomes
    return _merged(outcomes, each(chosen, step))


def wait_on(
    api: Api,
    outcomes: Outcomes,
    reasons: Reasons,
    wanted: Wanted | None = None,
) -> Outcomes:
    """Wait for the servers of the changes that succeeded so far."""
    chosen = remaining(outcomes, wanted)
    if not chosen:
        return outcomes
    awaited = await_all(api, begin(chosen), reasons)
    return _merged(outcomes, awaited)


def remaining(outcomes: Outcomes, wanted: Wanted | None = None) -> List[Change]:
    """Return the changes that succeeded so far and need a step."""
    succeeded = [outcome.change for outcome in outcomes if not outcome.error]
    if wanted is None:
        return succeeded
    return list(filter(wanted, succeeded))


def _merged(outcomes: Outcomes, others: Outcomes) -> Outcomes:
    errors = {other.change.name: other.error for other in others}
    return with_errors(outcomes, errors)


def observed(api: Api, names: Collection[str]) -> Dict[str, Raw]:
    """Return servers as they are now, by name."""
    found = servers_named(api, names, fresh=True)
    return by_name(without_our_doubles(found))


def meant(api: Api, changes: Changes) -> Dict[str, Raw]:
    """Return the servers that changes begin at, as they are now, by name; those gone are left out.

    One that an earlier change of the plan created has no other identity than its name.
    """
    found = observed(api, names_of(changes))
    servers: Dict[str, Raw] = {}
    for change in changes:
        raw = found.get(change.name)
        if raw and change.id in (None, AFTER_APPLY, raw['id']):
            servers[change.name] = raw
    return servers


def the(servers: Mapping[str, Raw], change: Change) -> Raw:
    """Return the server of a change. Raises Gone if it is not there any more."""
    if change.name not in servers:
        raise Gone
    return servers[change.name]


def failed(raw: Raw) -> CloudError:
    """Return the error about a server that Nova could not build, or do something with."""
    fault = fault_of(raw)
    way_out = 'the operator of the cloud can reset it'
    if never_ran(raw):
        way_out = 'when the cause is gone, run the task again'
    return CloudError(
        f'its status is ERROR: {fault}; {way_out}, or delete the server (state: absent)'
    )


def until(api: Api, problem: Callable[[Raw], Reason]) -> Reasons:
    """Return what is awaited of servers, by one list for all; a server that is gone is an error."""

    def reasons(names: Collection[str]) -> Mapping[str, Reason]:
        servers = observed(api, names)
        found: Dict[str, Reason] = {}
        for name in names:
            raw = servers.get(name)
            found[name] = Gone() if raw is None else problem(raw)
        return found

    return reasons
