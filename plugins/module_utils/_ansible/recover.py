# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module recover: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.kinds import Verb
from .._model.record_state import RecordState, RecoverRequest
from .._plan.recover import ObservedRecord, plan
from .clouds import open_recovery, supported
from .operations import Operations
from .resource import Resource
from .run import run


def request(params: Dict[str, Any]) -> RecoverRequest:
    """Return the request, which has no options."""
    return RecoverRequest()


def observe(cloud: Cloud, requested: RecoverRequest) -> Tuple[ObservedRecord, Names]:
    """Return the record; if it is lost or damaged, also what can be rebuilt from the host."""
    records = supported(cloud, cloud.records, 'cloud')
    current = records.list()[0]
    is_lost = current.state in ('missing', 'damaged')
    rebuilt = records.rebuilt() if is_lost else None
    return ObservedRecord(current, rebuilt), {('record', current.name)}


def reload(cloud: Cloud, planned: Sequence[RecordState]) -> Sequence[RecordState]:
    """Return the planned record: only the plan knows what was lost."""
    return planned


def executors(cloud: Cloud, requested: RecoverRequest) -> Operations:
    """Return what rebuilds the record."""
    return {('record', Verb.CREATE): supported(cloud, cloud.records, 'cloud').create}


RESOURCE = Resource(
    'record', {}, request, observe, plan, reload, executors, opener=open_recovery, module='recover'
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
