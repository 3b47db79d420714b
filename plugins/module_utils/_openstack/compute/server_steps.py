# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of changes of servers, one after another: each for those that succeeded until then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Dict, List

from ..._cloud import CloudError, Gone, Outcome, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..api.api import Api, Raw
from ..api.parallel import each
from ..api.polling import Reasons, await_all, with_errors
from .server_lists import servers_named, without_our_doubles
from .server_status import fault_of, never_ran

Wanted = Callable[[Change], bool]


def begin(changes: Changes) -> Outcomes:
    """Return outcomes to go on with."""
    return [Outcome(change) for change in changes]


def go_on(
    outcomes: Outcomes, step: Callable[[Change], object], wanted: Wanted | None = None
) -> Outcomes:
    """Apply a step to the changes that succeeded so far and need it, side by side."""
    chosen = remaining(outcomes, wanted)
    if not chosen:
        return outcomes
    return _merged(outcomes, each(chosen, step))


def wait_on(
    api: Api, outcomes: Outcomes, reasons: Reasons, wanted: Wanted | None = None
) -> Outcomes:
    """Wait for the servers of the changes that succeeded so far."""
    chosen = remaining(outcomes, wanted)
    if not chosen:
        return outcomes
    return _merged(outcomes, await_all(api, begin(chosen), reasons))


def remaining(outcomes: Outcomes, wanted: Wanted | None = None) -> List[Change]:
    """Return the changes that succeeded so far and need a step."""
    succeeded = [outcome.change for outcome in outcomes if not outcome.error]
    return [change for change in succeeded if wanted is None or wanted(change)]


def _merged(outcomes: Outcomes, others: Outcomes) -> Outcomes:
    errors = {other.change.name: other.error for other in others}
    return with_errors(outcomes, errors)


def observed(api: Api, names: Collection[str]) -> Dict[str, Raw]:
    """Return servers as they are now, by name."""
    found = servers_named(api, names, fresh=True)
    return {raw['name']: raw for raw in without_our_doubles(found)}


def meant(api: Api, changes: Changes) -> Dict[str, Raw]:
    """Return the servers that changes begin at, as they are now, by name; those gone are left out.

    One that an earlier change of the plan created has no other identity than its name.
    """
    found = observed(api, [change.name for change in changes])
    ids = {change.name: change.id for change in changes}
    return {name: raw for name, raw in found.items() if ids[name] in (None, AFTER_APPLY, raw['id'])}


def the(servers: Mapping[str, Raw], change: Change) -> Raw:
    """Return the server of a change. Raises Gone if it is not there any more."""
    if change.name not in servers:
        raise Gone
    return servers[change.name]


def failed(raw: Raw) -> CloudError:
    """Return the error about a server that Nova could not build, or do something with."""
    way_out = 'the operator of the cloud can reset it'
    if never_ran(raw):
        way_out = 'when the cause is gone, run the task again'
    return CloudError(
        f'its status is ERROR: {fault_of(raw)}; {way_out}, or delete the server (state: absent)'
    )


def until(api: Api, problem: Callable[[Raw], str | CloudError]) -> Reasons:
    """Return what is awaited of servers, by one list for all; a server that is gone is an error."""

    def reasons(names: Collection[str]) -> Mapping[str, str | CloudError]:
        found = observed(api, names)
        return {name: problem(found[name]) if name in found else Gone() for name in names}

    return reasons
