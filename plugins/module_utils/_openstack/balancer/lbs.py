# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers of a project: listed here, changed by what is imported at the first change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Tuple

from ..._cloud import Outcomes
from ..._model.change import Changes
from ..._model.lb import Lb
from ..api.api import Api
from ..api.names import named
from ..api.services import BALANCER
from .lb_items import lb_of
from .lb_lists import around_of, listed
from .lb_marks import is_ours


class Lbs:
    """Load balancers of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def list(self, names: Iterable[str] | None = None) -> Tuple[Lb, ...]:
        """List all load balancers, or those with these names; none if the cloud has no Octavia."""
        api = self.api
        if not api.offers(BALANCER):
            return ()
        found = named(listed(api, 'loadbalancers'), names, api.project_id, is_ours)
        if not found:
            return ()
        around = around_of(api, found)
        return tuple(lb_of(raw, around) for raw in found)

    def create(self, changes: Changes) -> Outcomes:
        """Create load balancers; a creation that was interrupted is completed."""
        from .lb_writer import LbWriter

        return LbWriter(self.api).create(changes)

    def update(self, changes: Changes) -> Outcomes:
        """Update load balancers, which serve all the time."""
        from .lb_updates import update

        return update(self.api, changes)

    def delete(self, changes: Changes) -> Outcomes:
        """Delete load balancers; those that are gone already are no error."""
        from .lb_writer import LbWriter

        return LbWriter(self.api).delete(changes)
