# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of flavors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .._model.change import Draft, Plan
from .._model.flavor import TABLE, Flavor, FlavorRequest
from .common import plan_one


def plan(request: FlavorRequest, observed: Mapping[str, Flavor]) -> Plan[Flavor]:
    """Create, update or delete one flavor."""
    draft = Draft()
    current = _of_project(request, observed.get(request.name), draft)
    if current and current.built_in:
        _check_unchanged(request, current, draft)
        return draft.finish([current])
    if current is None and request.state == 'present':
        _check_complete(request, draft)
    request = _with_sharing(request, current, draft)
    result = plan_one(
        'flavor', request, current, TABLE, lambda: Flavor(request.name, **request.options), draft
    )
    if draft.changes and result:
        from .checks import check_room

        check_room(result[0], draft)
    return draft.finish(result)


def _of_project(request: FlavorRequest, found: Flavor | None, draft: Draft) -> Flavor | None:
    """What is found, if it belongs to the project: a new one goes before that of another."""
    if found and found.owner:
        _check_name_is_free(request, found, draft)
        return None
    return draft.settled('flavor', found) if found else None


def _with_sharing(request: FlavorRequest, current: Flavor | None, draft: Draft) -> FlavorRequest:
    if {'visibility', 'shared_with'}.isdisjoint(request.options):
        return request
    from .sharing import shared_options

    known = current or Flavor(request.name)
    options = shared_options('flavor', known, request.options, draft)
    return replace(request, options=options)


def _check_complete(request: FlavorRequest, draft: Draft) -> None:
    unset = [option for option in ('vcpus', 'memory', 'disk') if option not in request.options]
    if unset:
        draft.refuse(
            unset[0],
            f'flavor {request.name} does not exist; to create it, also set {", ".join(unset)}',
        )


def _check_name_is_free(request: FlavorRequest, shared: Flavor, draft: Draft) -> None:
    """Refuse a flavor whose name servers of the project mean another one by."""
    if shared.used_by and request.state == 'present':
        draft.refuse(
            'name',
            f'name: the flavor {shared.name} of the project {shared.owner} is used by '
            f'{", ".join(shared.used_by)}; use another name',
        )


def _check_unchanged(request: FlavorRequest, current: Flavor, draft: Draft) -> None:
    """Refuse to change or delete a flavor of the cloud itself."""
    differs = any(getattr(current, option) != value for option, value in request.options.items())
    if differs or request.state == 'absent':
        draft.refuse(
            'name',
            f'name: the flavor {request.name} is built in and cannot be changed or deleted; '
            'use another name',
        )
