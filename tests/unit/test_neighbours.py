# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other firewalls of a host, by what nft lists of them: who drops packets of servers is told, who lets them through is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.neighbours import (
    _dropping,
    accepts,
    bases,
    firewalld,
    items,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        'chain',
        'rule',
        'expr',
        'match',
        'left',
        'right',
        'meta',
        'key',
        'accept',
        'jump',
        'target',
        'set',
        'hook',
        'policy',
    ]
)
ALMOST = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def chain(
    name: str, hook: str = '', policy: str = 'drop', table: str = 'filter', family: str = 'ip'
) -> dict[str, Any]:
    """A chain as nft lists it."""
    words = {'hook': hook, 'policy': policy} if hook else {}
    return {'chain': {'family': family, 'table': table, 'name': name, **words}}


def match(key: str, right: Any) -> dict[str, Any]:
    """A match on a device."""
    return {'match': {'op': '==', 'left': {'meta': {'key': key}}, 'right': right}}


def rule(of: str, *expressions: dict[str, Any]) -> dict[str, Any]:
    """A rule of a chain."""
    return {'rule': {'chain': of, 'expr': list(expressions)}}


ACCEPT: dict[str, Any] = {'accept': None}
FORWARD = chain('FORWARD', 'forward')
BOTH = [
    rule('FORWARD', match('iifname', 'hk*'), ACCEPT),
    rule('FORWARD', match('oifname', 'hk*'), ACCEPT),
]


@pytest.mark.parametrize(
    ('listing', 'drops'),
    [
        ([FORWARD], True),
        ([FORWARD, *BOTH], False),
        ([FORWARD, BOTH[0]], True),
        ([FORWARD, rule('FORWARD', ACCEPT)], False),
        (
            [FORWARD, rule('FORWARD', match('iifname', {'set': ['hk1', 'eth0']}), ACCEPT), BOTH[1]],
            False,
        ),
        ([FORWARD, rule('FORWARD', match('iifname', {'set': ['hk2']}), ACCEPT), BOTH[1]], True),
        ([FORWARD, rule('FORWARD', match('iifname', '@trusted'), ACCEPT), BOTH[1]], False),
        (
            [FORWARD, rule('FORWARD', match('iifname', 'hk1'), match('oifname', 'hk1'), ACCEPT)],
            True,
        ),
        (
            [
                FORWARD,
                rule('FORWARD', {'jump': {'target': 'ufw'}}),
                rule('ufw', match('iifname', 'hk1'), ACCEPT),
                rule('ufw', match('oifname', 'hk1'), ACCEPT),
            ],
            False,
        ),
        ([FORWARD, rule('FORWARD', {'jump': {'target': 'FORWARD'}})], True),
        ([FORWARD, rule('FORWARD', match('iifname', 'hk1'), {'drop': None}), BOTH[1]], True),
    ],
)
def test_who_drops(listing: list[dict[str, Any]], drops: bool) -> None:
    """A policy of drop counts where no rule lets the bridge through in both directions."""
    (base,) = bases(listing)
    told = _dropping(base, listing, ['hk1'])
    assert bool(told) is drops
    if drops:
        assert told[0].endswith(
            'iptables -I FORWARD -i hk+ -j ACCEPT && iptables -I FORWARD -o hk+ -j ACCEPT'
        )


def test_which_chains_are_looked_at() -> None:
    """Those of others, at the hooks that packets of servers pass."""
    ours = chain('forward_egress', 'forward', table='hanok', family='inet')
    strange = chain('a; reboot', 'forward')
    other = chain('PREROUTING', 'prerouting')
    assert [
        base.name
        for base in bases(
            [ours, strange, other, chain('more'), FORWARD, chain('in', 'input', 'accept')]
        )
    ] == ['FORWARD', 'in']


def test_firewalld() -> None:
    """A bridge in the zone trusted is let through."""
    zones = [
        rule(
            'filter_FORWARD_ZONES',
            match('iifname', 'hk1'),
            {'goto': {'target': 'filter_FWD_trusted'}},
        )
    ]
    assert firewalld(zones, ['hk1']) == []
    (told,) = firewalld(zones, ['hk1', 'hk2'])
    assert told.endswith(
        'firewall-cmd --permanent --zone trusted --add-interface hk2 && firewall-cmd --reload'
    )


@given(ALMOST)
def test_any_listing(listing: Any) -> None:
    """What is not of the form is passed over."""
    for found in (
        items(json.dumps({'nftables': listing})),
        items(json.dumps(listing)),
        items(str(listing)),
    ):
        for base in bases(found):
            _dropping(base, found, ['hk1'])
        accepts('FORWARD', found)
        firewalld(found, ['hk1'])
