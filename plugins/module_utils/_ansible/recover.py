# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module recover: params in, result out."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Names
from .._model.recovery import RecordState, RecoverRequest
from .._plan.recover import RecordSeen, plan
from .clouds import open_recovery
from .run import Resource, run


def request(params: Dict[str, Any]) -> RecoverRequest:
    """What the task asks for: there is nothing to say."""
    return RecoverRequest()


def look(cloud: Any, asked: RecoverRequest) -> Tuple[RecordSeen, Names]:
    """The record, and what is left of the cloud when it is lost."""
    now: RecordState = cloud.records.list()[0]
    return RecordSeen(
        now, cloud.records.rebuilt() if now.state in ('missing', 'damaged') else None
    ), {('record', now.name)}


def again(cloud: Any, planned: Sequence[RecordState]) -> Sequence[RecordState]:
    """The record that was planned: what was lost is known of the plan only."""
    return planned


def main() -> None:
    """Be the module."""
    run(Resource('record', {}, request, look, plan, again, opener=open_recovery))
