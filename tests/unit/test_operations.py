# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every change that a plan may hold has an operation of the cloud, or one of its module."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.operations import operation
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Unsupported
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb
from ansible_collections.hanok.cloud.plugins.module_utils._plan import server
from ansible_collections.hanok.cloud.tests.memory_cloud import Memory, MemoryCloud

COMMON = [
    (kind, verb)
    for kind in KINDS
    # these are created by their modules
    if kind not in ('private_key', 'image_file', 'record', 'firewall')
    for verb in (Verb.CREATE, Verb.UPDATE, Verb.DELETE)
]
OTHERS = [*server.ORDER, ('volume', Verb.ATTACH), ('volume', Verb.DETACH), ('firewall', Verb.LOAD)]


@pytest.mark.parametrize(('kind', 'verb'), sorted({*COMMON, *OTHERS}))
def test_operations(kind: str, verb: Verb) -> None:
    """An operation that applies no changes returns no outcomes; a cloud may lack one by name."""
    cloud = MemoryCloud(Memory(), 'me')
    lacking = {('server', Verb.REPAIR): 'repair', ('firewall', Verb.LOAD): 'upkeep'}
    if (kind, verb) in lacking:
        text = f'{lacking[kind, verb]}: the cloud memory does not support it'
        with pytest.raises(Unsupported, match=text):
            operation(cloud, kind, verb)
        return
    assert operation(cloud, kind, verb)(()) == []
