# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the changes of a task: imported when there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Dict, List

from .._cloud import Cloud, CloudError
from .._model.change import Plan
from .._model.history import Origin
from .execute import apply_in_turn, attempted, execute
from .module import Module
from .resource import Resource
from .task import Applied, plan_of, wait
from .things import Observed, Requested, Thing


def apply(
    module: Module, resource: Resource[Requested, Observed, Thing], cloud: Cloud, request: Requested
) -> Applied[Thing]:
    """Apply what is to be done, and once more what is left of it if an answer was lost."""
    if module._diff:
        from .diff import require_yaml

        require_yaml()
    return attempted(partial(_attempt, module, resource, cloud, request))


def _attempt(
    module: Module, resource: Resource[Requested, Observed, Thing], cloud: Cloud, request: Requested
) -> Applied[Thing]:
    """Lock what the plan concerns, plan again with what is observed then, and apply that plan."""
    applied: Applied[Thing] | None = None
    try:
        with cloud.locked(lambda: resource.observe(cloud, request)) as observed:
            plan = plan_of(resource, cloud, request, lambda: observed)
            module.refuse(plan.refused + plan.missing)
            applied = _execute(module, resource, cloud, request, plan)
            applied = replace(applied, items=resource.reload(cloud, plan.result))
    except CloudError as error:
        if applied is None:
            raise
        applied = replace(applied, error=error)  # the changes are still reported
    return applied


def _execute(
    module: Module,
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    plan: Plan[Thing],
) -> Applied[Thing]:
    """Apply a plan: all of it at once, or in turns that are waited for."""
    origin = Origin(resource.module or resource.kind, module.params['job'])
    execute_some = partial(execute, cloud, resource.executors(cloud, request), origin)

    def wait_for(names: Sequence[str]) -> List[Dict[str, Any]]:
        planned = [item for item in plan.result if item.name in names]
        return wait(module, resource, cloud, request, resource.reload(cloud, planned), names)

    turned = apply_in_turn(plan, execute_some, wait_for)
    if turned.note:
        cloud.notes.append(turned.note)
    return Applied(plan, turned.outcomes, plan.result, turned.error, turned.waited)
