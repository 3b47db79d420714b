# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of security groups: one form of egress, and rules that no task can write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]


def test_egress_to_everywhere_is_no_egress_rule(keep: Keep, run: Run) -> None:
    """A group without egress rules allows all egress: however that is written."""
    all_egress = {'direction': 'egress', 'protocol': 'any'}
    narrow = {'direction': 'egress', 'preset': 'https'}
    ssh = {'preset': 'ssh'}

    def rules(*given: dict[str, Any], **options: Any) -> int:
        group = keep('security_group', name='out', rules=list(given), **options)['security_group']
        return len(group['rules'])

    assert rules(all_egress, ssh) == 1
    assert not run('security_group', name='out', rules=[ssh])['changed']
    assert not run('security_group', name='out', rules=[all_egress], purge_rules=False)['changed']
    # Beside others it is kept, because it is what counts.
    assert rules(all_egress, narrow) == 2
    assert rules(narrow) == 1
    assert rules({**all_egress, 'remote': '0.0.0.0/0'}, purge_rules=False) == 2
    assert rules(narrow, purge_rules=False) == 2
    assert rules(all_egress) == 0
    keep('security_group', name='out', state='absent')


def test_foreign_rule(keep: Keep, refused: Refused, cloud: CloudUnderTest) -> None:
    """A rule that no task can write is shown and counted, and removed with the others."""
    foreign_rule = cloud.add_foreign_rule
    if foreign_rule is None:
        pytest.skip('only tasks write rules in this cloud')
    keep('security_group', name='mixed', rules=[{'preset': 'ssh'}])
    foreign_rule('mixed', ForeignRule('7', 'sctp from any', 'ingress'))
    shown = keep('security_group', name='mixed', labels={'a': 'b'})['security_group']['rules'][1]
    assert (shown['foreign'], shown['text']) == (True, 'sctp from any')
    more = [{'protocol': 'tcp', 'port': str(port)} for port in range(1, 101)]
    text = refused('security_group', name='mixed', rules=more, purge_rules=False)
    assert 'mixed would have 101' in text
    kept = keep('security_group', name='mixed', rules=[{'preset': 'http'}], purge_rules=False)
    assert len(kept['security_group']['rules']) == 3
    assert 'sctp from any' in kept['diff']['after']
    purged = keep('security_group', name='mixed', rules=[{'preset': 'ssh'}])
    assert purged['changed']
    assert 'sctp from any' in purged['diff']['before']
    assert 'sctp from any' not in purged['diff']['after']
    assert len(purged['security_group']['rules']) == 1
    foreign_rule('mixed', ForeignRule('8', 'vrrp to any', 'egress'))
    all_egress = {'direction': 'egress', 'protocol': 'any'}
    kept = keep('security_group', name='mixed', rules=[all_egress], purge_rules=False)
    assert len(kept['security_group']['rules']) == 3
    keep('security_group', name='mixed', state='absent')
