# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe, plan, apply: the same for every resource. Only this file handles check mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Dict, Generic, List

from .._cloud import Cloud, CloudError, Outcome, Outcomes
from .._model.change import Changes, Plan
from .._model.kinds import KINDS
from .._model.secret import NO_SECRETS, Secrets
from .clouds import open_cloud
from .module import Module, actor_of, create_module
from .report import items_of, summary
from .resource import Opener, Resource
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
        """Return the error of each change that failed, and the one after them, if there are any."""
        if not self.error and not any(outcome.error for outcome in self.outcomes):
            return None
        from .failure import failure_of

        return failure_of(self.outcomes, self.error)


def run(resource: Resource[Requested, Observed, Thing]) -> None:
    """Run the module of a resource."""
    module = create_module(
        resource.arguments,
        kind=resource.kind,
        strict=resource.strict,
        secrets=resource.secrets,
        logged=resource.logged,
        **resource.rules,
    )
    try:
        _run(module, resource)
    except Exception as error:
        module.fail(error)


def _run(module: Module, resource: Resource[Requested, Observed, Thing]) -> None:
    request = resource.request(module.params)
    module.refuse(request.problems())
    with opened(module, request.secrets, resource.opener) as cloud:
        request = _translated(module, resource, cloud, request)
        module.refuse(request.excesses(cloud.profile))
        plan = _plan(resource, cloud, request, resource.observe(cloud, request)[0])
        module.refuse(plan.refused)
        if not module.check_mode:
            module.refuse(plan.missing)
        if any(change.after for change in plan.changes):
            from .limits import excesses

            module.refuse(excesses(cloud, plan.changes))
        if module.check_mode:
            cloud.notes.extend((*plan.missing, *plan.awaited))
            applied = Applied(plan, [Outcome(change) for change in plan.changes], plan.result)
        else:
            applied = Applied(plan, [], plan.result)
            if plan.changes or plan.awaited:
                applied = _apply(module, resource, cloud, request)
        _report(module, resource, cloud, request, applied)


def _translated(
    module: Module, resource: Resource[Requested, Observed, Thing], cloud: Cloud, request: Requested
) -> Requested:
    """Return the request in the names of the cloud; refuse what it does not support."""
    profile = cloud.profile
    if not (profile.unsupported or profile.aliases):
        return request
    from .translation import translated, unsupported_options

    params = module.params
    module.refuse(unsupported_options(profile, cloud.name, resource.kind, params))
    return resource.request(translated(resource.kind, params, profile))


def _plan(
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    observed: Observed,
) -> Plan[Thing]:
    """Plan the request, then what the cloud has to repair of its own."""
    plan = resource.plan(request, observed)
    if not (KINDS[resource.kind].is_networked and cloud.upkeep):
        return plan
    return replace(plan, changes=(*plan.changes, *cloud.upkeep.changes()))


@contextmanager
def opened(
    module: Module, secrets: Secrets = NO_SECRETS, opener: Opener | None = None
) -> Iterator[Cloud]:
    """Open the cloud that the task names, and close it."""
    module.check_shared_options()
    params = module.params
    cloud: Cloud = (opener or open_cloud)(
        params['cloud'], params['project'], actor_of(params), params['wait_timeout'], secrets
    )
    with cloud:
        yield cloud


def _apply(
    module: Module, resource: Resource[Requested, Observed, Thing], cloud: Cloud, request: Requested
) -> Applied[Thing]:
    """Apply what is to be done, and once more what is left of it if an answer was lost."""
    from .execute import attempted

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
            plan = _plan(resource, cloud, request, observed)
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
    from .._model.history import Origin
    from .execute import apply_in_turn, execute

    origin = Origin(resource.module or resource.kind, module.params['job'])
    apply = partial(execute, cloud, resource.executors(cloud, request), origin)

    def wait(names: Sequence[str]) -> List[Dict[str, Any]]:
        planned = [item for item in plan.result if item.name in names]
        return _wait(module, resource, cloud, request, resource.reload(cloud, planned), names)

    turned = apply_in_turn(plan, apply, wait)
    if turned.note:
        cloud.notes.append(turned.note)
    return Applied(plan, turned.outcomes, plan.result, turned.error, turned.waited)


def _report(
    module: Module,
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    applied: Applied[Thing],
) -> None:
    """Wait for what was requested, then end the task with the result."""
    failure = applied.failure()
    waited = [*applied.waited]
    if not module.check_mode and not failure:
        interrupted = [name for names in applied.plan.turns for name in names]
        try:
            waited += _wait(module, resource, cloud, request, applied.items, interrupted)
            if waited:
                applied = replace(applied, items=resource.reload(cloud, applied.items))
        except CloudError as error:
            from .failure import failure_of

            failure = failure_of((), error)
            failure.texts += cloud.obstacles()
    result = _result(module, resource, applied)
    result['steps'] += waited
    for note in (*applied.plan.notes, *cloud.notes):
        module.warn(note)
    if failure:
        module.fail_with(failure, result)
    module.exit_json(**result)


def _wait(
    module: Module,
    resource: Resource[Requested, Observed, Thing],
    cloud: Cloud,
    request: Requested,
    items: Sequence[Thing],
    interrupted: Sequence[str],
) -> List[Dict[str, Any]]:
    """Wait until the cloud has finished with the items, then for the condition of the request.

    What was interrupted has to serve again. Return the steps. Raises CloudError on a timeout, with
    the reason for each item.
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


def _result(
    module: Module, resource: Resource[Requested, Observed, Thing], applied: Applied[Thing]
) -> Dict[str, Any]:
    """Return the result of a task; what failed is no part of it."""
    done = [outcome for outcome in applied.outcomes if not outcome.error]
    changes = [outcome.change for outcome in done]
    names = [item.name for item in applied.items]
    is_list = resource.is_list or module.params.get('count') is not None
    result: Dict[str, Any] = {
        'msg': summary(changes, module.check_mode, resource.kind, names),
        'changed': bool(done),
        'steps': _steps(done),
        **items_of(resource.kind, is_list, applied.items, module.params['project']),
    }
    if module._diff:
        result['diff'] = _diff(changes)
    return result


def _steps(done: Outcomes) -> List[Dict[str, Any]]:
    if not done:
        return []
    from .steps import steps

    return steps(done)


def _diff(changes: Changes) -> Dict[str, str]:
    if not changes:
        return {'before': '', 'after': ''}
    from .diff import diff

    return diff(changes)
