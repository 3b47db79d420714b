# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cloud has to repair of its own is part of the plan of each networked kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import task
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change, Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb

CREATE = Change('server', 'web', Verb.CREATE, None, object())
REPAIR = Change('firewall', 'host', Verb.LOAD, object(), object(), why='a route is missing')


def planned(kind: str, *changes: Change) -> tuple[Change, ...]:
    """The changes of a task of this kind, on a cloud that has something to repair."""
    cloud: Any = SimpleNamespace(access=None, upkeep=SimpleNamespace(changes=lambda: [REPAIR]))
    resource: Any = SimpleNamespace(kind=kind, plan=lambda *_inputs: Plan(changes))
    return task.plan_of(resource, cloud, None, lambda: None).changes


@pytest.mark.parametrize('kind', [kind.name for kind in KINDS.values() if kind.is_networked])
def test_networked_kinds(kind: str) -> None:
    """It comes last, and also if nothing else is to be done."""
    assert planned(kind) == (REPAIR,)
    assert planned(kind, CREATE) == (CREATE, REPAIR)


@pytest.mark.parametrize('kind', [kind.name for kind in KINDS.values() if not kind.is_networked])
def test_other_kinds(kind: str) -> None:
    """Their tasks neither look for it nor wait for it."""
    assert planned(kind, CREATE) == (CREATE,)
