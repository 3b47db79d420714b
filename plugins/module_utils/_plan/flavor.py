# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping

from .._model.change import Draft, Plan
from .._model.flavor import TABLE, Flavor, FlavorRequest
from .common import plan_one


def plan(request: FlavorRequest, observed: Mapping[str, Flavor]) -> Plan:
    """Make, keep or delete one flavor."""
    draft, current = Draft(), observed.get(request.name)
    if current is None and request.state == 'present':
        absent = [option for option in ('vcpus', 'memory', 'disk') if option not in request.options]
        if absent:
            draft.refused.append(
                f'flavor {request.name} does not exist; to create it, also set {", ".join(absent)}'
            )
    plan_one(
        'flavor', request, current, TABLE, lambda: Flavor(request.name, **request.options), draft
    )
    return draft.finish()
