# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists that are sets: order and duplicates change neither the request nor the plan."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import (
    lb,
    port,
    security_group,
    server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.module import SHARED_OPTIONS

RULE = {
    'preset': None,
    'direction': 'ingress',
    'protocol': None,
    'port': None,
    'ports': None,
    'remote': 'any',
}
RULES: list[dict[str, Any]] = [
    {**RULE, 'preset': 'ssh'},
    {**RULE, 'protocol': 'tcp', 'ports': ['80', '443']},
    {**RULE, 'protocol': 'udp', 'port': '53', 'remote': '10.0.0.0/8'},
    {**RULE, 'protocol': 'icmp', 'direction': 'EGRESS'},
]
LISTENERS = [
    {'protocol': 'http', 'port': 80, 'member_port': None},
    {'protocol': 'TCP', 'port': 443, 'member_port': 8443},
]
# The module, an option of it that is a set, its elements.
SETS: list[tuple[Any, str, list[Any]]] = [
    (security_group, 'rules', RULES),
    (lb, 'members', ['web-1', 'web-2', 'web-10']),
    (lb, 'listeners', LISTENERS),
    (server, 'security_groups', ['a', 'b', 'c']),
    (port, 'security_groups', ['a', 'b', 'c']),
]


def params(module: Any, **said: Any) -> dict[str, Any]:
    """The parameters of a module from Ansible, with None or the default for those not set."""
    return {
        option: said.get(option, rule.get('default'))
        for option, rule in {**SHARED_OPTIONS, **module.ARGUMENTS}.items()
    } | {'name': 'x'}


@pytest.mark.parametrize(
    ('module', 'option', 'elements'),
    SETS,
    ids=[f'{module.__name__.rpartition(".")[2]}.{option}' for module, option, _elements in SETS],
)
@given(data=st.data())
def test_order_is_ignored(
    module: Any, option: str, elements: list[Any], data: st.DataObject
) -> None:
    """Every permutation is the same request."""
    written = data.draw(st.permutations(elements))
    assert module.request(params(module, **{option: written})) == module.request(
        params(module, **{option: elements})
    )
