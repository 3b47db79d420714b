# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe, plan, apply: the same for every resource. Only this file handles check mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, List

from .._cloud import Cloud, CloudError, Outcome, Outcomes
from .._model.change import Changes
from .._model.secret import NO_SECRETS, Secrets
from .clouds import open_cloud
from .module import Module, actor_of, create_module
from .report import items_of, summary
from .resource import Opener, Resource
from .task import Applied, plan_of, wait
from .things import Observed, Requested, Thing


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
        plan = plan_of(resource, cloud, request, lambda: resource.observe(cloud, request)[0])
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
                from .attempt import apply

                applied = apply(module, resource, cloud, request)
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


@contextmanager
def opened(
    module: Module, secrets: Secrets = NO_SECRETS, opener: Opener | None = None
) -> Iterator[Cloud]:
    """Open the cloud that the task names, and close it."""
    module.check_shared_options()
    params = module.params
    cloud: Cloud = (opener or open_cloud)(
        params['cloud'], module.project, actor_of(params), params['wait_timeout'], secrets
    )
    with cloud:
        access = None if module.is_for_all_projects else cloud.access
        if access:
            module.refuse(access.looking())
        yield cloud


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
            waited += wait(module, resource, cloud, request, applied.items, interrupted)
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
        **items_of(resource.kind, is_list, applied.items, module.project),
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
