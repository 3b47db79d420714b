# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The description of a resource, from which its module runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, Generic, Tuple

from .._cloud import Cloud, Names
from .._model.change import Item, Plan
from .._model.secret import Secrets
from .module import SecretValues, no_secrets
from .things import AnyRequest, Observed, Requested, Thing

if TYPE_CHECKING:
    from .operations import Operations
    from .wait import Condition

Opener = Callable[[str, str, str, int, Secrets], Cloud]


def _no_executors(cloud: Cloud, request: AnyRequest) -> Operations:
    return {}


def _no_wait(cloud: Cloud, request: AnyRequest, items: Sequence[Item]) -> Condition | None:
    return None


@dataclass(frozen=True)
class Resource(Generic[Requested, Observed, Thing]):
    """The description of a resource: everything its module needs to observe, plan and apply.

    ``request`` builds a request from the parameters. ``observe`` returns what the request
    concerns, with the names to lock. ``plan`` is pure. ``reload`` returns the planned items as
    they are after the changes. ``executors`` apply changes that a cloud cannot apply by itself.
    ``wait`` returns the condition to wait for, after the cloud has finished with the items.
    ``logged`` and ``secrets``: see Module. ``module``: its name, if it is not that of the kind.
    ``is_list``: the result lists items, however many there are.
    """

    kind: str
    arguments: Dict[str, Any]
    request: Callable[[Dict[str, Any]], Requested]
    observe: Callable[[Cloud, Requested], Tuple[Observed, Names]]
    plan: Callable[[Requested, Observed], Plan[Thing]]
    reload: Callable[[Cloud, Sequence[Thing]], Sequence[Thing]]
    executors: Callable[[Cloud, Requested], Operations] = _no_executors
    wait: Callable[[Cloud, Requested, Sequence[Thing]], Condition | None] = _no_wait
    opener: Opener | None = None  # instead of open_cloud
    module: str = ''
    is_list: bool = False
    logged: bool = True
    secrets: SecretValues = no_secrets
    # further arguments of AnsibleModule (mutually_exclusive, ...)
    rules: Mapping[str, Any] = field(default_factory=dict)
    strict: Tuple[str, ...] = ()  # options that may not hold blank values (blank.py)
