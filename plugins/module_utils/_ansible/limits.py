# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the limits of a cloud permit a plan: imported when a plan creates or changes something.

Limits are advice: others may use up what is left, and then the cloud refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._cloud import Cloud
from .._model.change import Change
from .._model.needs import needs_of
from .._model.problem import Problem
from .._model.shortages import shortages


def excesses(cloud: Cloud, changes: Iterable[Change]) -> Sequence[Problem]:
    """Return the limits that changes would exceed; what is no problem yet becomes a note."""
    needs = needs_of(changes)
    if not needs:
        return ()
    problems, notes = shortages(needs, cloud.limits(set(needs)), cloud.flavors.list)
    cloud.notes.extend(notes)
    return problems
