# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module recover: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Names
from .._model.recovery import RecordState, RecoverRequest
from .._plan.recover import ObservedRecord, plan
from .clouds import open_recovery
from .run import Resource, run


def request(params: Dict[str, Any]) -> RecoverRequest:
    """What the task asks for: there is nothing to say."""
    return RecoverRequest()


def observe(cloud: Any, requested: RecoverRequest) -> Tuple[ObservedRecord, Names]:
    """The record, and what is left of the cloud when it is lost."""
    current: RecordState = cloud.records.list()[0]
    return ObservedRecord(
        current, cloud.records.rebuilt() if current.state in ('missing', 'damaged') else None
    ), {('record', current.name)}


def reload(cloud: Any, planned: Sequence[RecordState]) -> Sequence[RecordState]:
    """The record that was planned: what was lost is known of the plan only."""
    return planned


def main() -> None:
    """Run the module."""
    run(Resource('record', {}, request, observe, plan, reload, opener=open_recovery))
