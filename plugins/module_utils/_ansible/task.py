# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every task does: it plans, and it may wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Generic, List

from .._cloud import Cloud, CloudError, Outcomes
from .._model.change import Plan
from .._model.kinds import KINDS
from .module import Module
from .resource import Resource
from .things import Observed, Requested, Thing

if TYPE_CHECKING:
    from .failure import Failure


@dataclass(frozen=True)
class Applied(Generic[Thing]):
    """The result of a run: plan, outcomes, current items, and an error after the changes.

    ``waited``: the steps of waiting between the changes.
    """

    plan: Plan[Thing]
    outcomes: Outcomes
    items: Sequence[Thing]
    error: CloudError | None = None
    waited: Sequence[Dict[str, Any]] = ()

    def failure(self) -> Failure | None:
        """The errors of changes that failed, and the one after them; None without."""
        if not self.error and not any(outcome.error for outcome in self.outcomes):
            return None
        from .failure import failure_of

        return failure_of(self.outcomes, self.error)


def plan_of(
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    observe: Callable[[], Observed],
) -> Plan[Thing]:
    """Plan the request, as far as the user may, and the repairs of the cloud."""
    upkeep = KINDS[resource.kind].is_networked and cloud.upkeep  # it looks meanwhile
    plan = resource.plan(request, observe())
    access = cloud.access
    if access:
        plan = replace(plan, refused=(*plan.refused, *access.changing(plan.changes)))
    last = sum(plan.turns, ())
    changes = (*plan.changes, *upkeep.changes()) if upkeep else plan.changes
    return replace(plan, changes=tuple(sorted(changes, key=lambda one: one.name in last)))


def wait(
    module: Module,
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    items: Sequence[Thing],
    interrupted: Sequence[str],
) -> List[Dict[str, Any]]:
    """Wait until the cloud has finished with the items, then for the condition of the request.

    What was interrupted has to serve again. Return the steps. Raises CloudError on a timeout.
    """
    if not module.params['wait']:
        return []
    condition = resource.wait(cloud, request, items)
    is_busy = any(getattr(item, 'task_state', None) for item in items)
    if condition is None and not (is_busy or interrupted):
        return []
    from .wait import ready, wait_for_all

    conditions = [ready(resource.kind, items, partial(resource.reload, cloud)), condition]
    if interrupted:
        from .health import healthy

        conditions.append(healthy(cloud, interrupted))
    timeout = module.params['wait_timeout']
    return wait_for_all(conditions, timeout, cloud.profile.poll_interval)
