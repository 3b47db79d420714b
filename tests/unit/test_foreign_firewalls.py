# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which firewalls of others drop packets of servers, as nft and iptables-legacy list them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.network.filter_listings import (
    base_chains,
    parse_legacy,
    rules_by_chain,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.filter_rules import (
    Rule,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.firewall_reports import (
    report,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.foreign_firewalls import (
    items,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = [
    'chain',
    'rule',
    'expr',
    'match',
    'left',
    'right',
    'meta',
    'key',
    'accept',
    'drop',
    'jump',
    'goto',
    'target',
    'set',
    'vmap',
    'data',
    'hook',
    'policy',
    'family',
    'table',
    'name',
    'op',
    'ct',
    'status',
]
WORDS = st.sampled_from([*KEYS, 'ip', 'filter', 'FORWARD', 'forward', 'iifname', '==', 'hk1'])
ALMOST = st.recursive(
    JSON | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


def chain(
    name: str, hook: str = '', policy: str = 'drop', table: str = 'filter', family: str = 'ip'
) -> dict[str, Any]:
    """A chain as nft lists it."""
    base = {'hook': hook, 'policy': policy} if hook else {}
    return {'chain': {'family': family, 'table': table, 'name': name, **base}}


def match(key: str, right: Any, op: str = '==') -> dict[str, Any]:
    """A match on a device."""
    return {'match': {'op': op, 'left': {'meta': {'key': key}}, 'right': right}}


def rule(of: str, *expressions: dict[str, Any]) -> dict[str, Any]:
    """A rule of a chain of the table ip filter."""
    return {'rule': {'family': 'ip', 'table': 'filter', 'chain': of, 'expr': list(expressions)}}


def to(verb: str, target: str) -> dict[str, Any]:
    """A jump or goto."""
    return {verb: {'target': target}}


ACCEPT: dict[str, Any] = {'accept': None}
DROP: dict[str, Any] = {'drop': None}
REJECT: dict[str, Any] = {'reject': {'type': 'icmpx', 'expr': 'admin-prohibited'}}
COUNTER: dict[str, Any] = {'counter': {'packets': 0, 'bytes': 0}}
ESTABLISHED: dict[str, Any] = {
    'match': {'op': 'in', 'left': {'ct': {'key': 'state'}}, 'right': ['established', 'related']}
}
NEW: dict[str, Any] = {
    'match': {'op': 'in', 'left': {'ct': {'key': 'state'}}, 'right': ['established', 'new']}
}
DNAT: dict[str, Any] = {'match': {'op': 'in', 'left': {'ct': {'key': 'status'}}, 'right': 'dnat'}}
FORWARD, OPEN = chain('FORWARD', 'forward'), chain('FORWARD', 'forward', 'accept')
IN, OUT = match('iifname', 'hk*'), match('oifname', 'hk*')
BOTH = [rule('FORWARD', IN, COUNTER, ACCEPT), rule('FORWARD', OUT, ACCEPT)]
LAST = rule('FORWARD', COUNTER, REJECT)


def reports(listing: list[dict[str, Any]], bridges: tuple[str, ...] = ('hk1',)) -> list[str]:
    """What is reported of the base chains of a listing."""
    chains = base_chains(listing)
    rules = rules_by_chain(listing, chains)
    return [found for found in (report(one, rules, bridges) for one in chains) if found]


@pytest.mark.parametrize(
    'listing',
    [
        [FORWARD],
        [FORWARD, BOTH[0]],
        [FORWARD, rule('FORWARD', match('iifname', {'set': ['hk2']}), ACCEPT), BOTH[1]],
        [FORWARD, rule('FORWARD', match('iifname', 'hk1'), match('oifname', 'hk1'), ACCEPT)],
        [FORWARD, rule('FORWARD', match('iifname', 'hk1', '!='), ACCEPT), BOTH[1]],
        [FORWARD, rule('FORWARD', ESTABLISHED, ACCEPT)],
        [FORWARD, rule('FORWARD', {'xt': None}, ACCEPT)],
        [FORWARD, rule('FORWARD', to('jump', 'FORWARD'))],
        [FORWARD, rule('FORWARD', match('iifname', 'hk1'), DROP), *BOTH],
        [FORWARD, rule('FORWARD', match('iifname', '@trusted'), DROP), BOTH[1]],
        [OPEN, LAST],
        [OPEN, LAST, *BOTH],
        [OPEN, BOTH[0], LAST],
        [OPEN, rule('FORWARD', to('jump', 'last')), rule('last', DROP)],
        [
            OPEN,
            rule('FORWARD', to('goto', 'zone')),
            *BOTH,
            rule('zone', IN, ACCEPT),
            LAST,
            rule('zone', DROP),
        ],
    ],
)
def test_chains_that_drop(listing: list[dict[str, Any]]) -> None:
    """By policy, or by a rule for all packets, before one that accepts those of the bridge."""
    (found,) = reports(listing)
    assert found == (
        'chain FORWARD of table ip filter drops packets from and to servers; to accept them: '
        'iptables-nft -I FORWARD -i hk+ -j ACCEPT && iptables-nft -I FORWARD -o hk+ -j ACCEPT'
    )


@pytest.mark.parametrize(
    'listing',
    [
        [OPEN],
        [FORWARD, *BOTH],
        [FORWARD, rule('FORWARD', ACCEPT)],
        [OPEN, *BOTH, LAST],
        [FORWARD, rule('FORWARD', match('iifname', {'set': ['hk1', 'eth0']}), ACCEPT), BOTH[1]],
        [FORWARD, rule('FORWARD', match('iifname', 'eth0', '!='), ACCEPT), BOTH[1]],
        [FORWARD, rule('FORWARD', match('iifname', '@trusted'), ACCEPT), BOTH[1]],
        [FORWARD, rule('FORWARD', IN, ACCEPT), rule('FORWARD', DNAT, ACCEPT)],
        [OPEN, rule('FORWARD', ESTABLISHED, DROP)],
        [OPEN, rule('FORWARD', match('iifname', 'eth0'), DROP)],
        [FORWARD, rule('FORWARD', IN, NEW, ACCEPT), rule('FORWARD', OUT, NEW, ACCEPT)],
        [
            OPEN,
            rule('FORWARD', to('jump', 'others')),
            rule('others', {'fib': None}, {'return': None}),
            rule('others', DROP),
        ],
        [
            OPEN,
            rule('FORWARD', to('jump', 'some')),
            rule('some', {'return': None}),
            rule('some', DROP),
        ],
        [
            FORWARD,
            rule('FORWARD', to('jump', 'ufw')),
            rule('ufw', IN, ACCEPT),
            rule('ufw', OUT, ACCEPT),
        ],
        [
            OPEN,
            rule('FORWARD', IN, to('goto', 'trusted')),
            rule('FORWARD', DNAT, ACCEPT),
            LAST,
            rule('trusted', ACCEPT),
        ],
        [
            FORWARD,
            rule(
                'FORWARD',
                {
                    'vmap': {
                        'key': {'meta': {'key': 'iifname'}},
                        'data': {'set': [['eth0', DROP], ['hk1', to('jump', 'yes')]]},
                    }
                },
            ),
            rule('yes', ACCEPT),
            BOTH[1],
        ],
    ],
)
def test_chains_that_accept(listing: list[dict[str, Any]]) -> None:
    """Nobody is accused who lets the packets of servers pass, or of whom it is not known."""
    assert reports(listing) == []


def test_every_bridge_counts() -> None:
    """A rule for one bridge leaves the other one closed."""
    listing = [
        FORWARD,
        rule('FORWARD', match('iifname', 'hk1'), ACCEPT),
        rule('FORWARD', match('oifname', 'hk1'), ACCEPT),
    ]
    assert reports(listing) == []
    assert reports(listing, ('hk1', 'hk2'))


def test_which_chains_are_read() -> None:
    """Those of others, at the hooks that packets of servers pass."""
    ours = chain('forward_egress', 'forward', table='hanok', family='inet')
    strange = chain('a; reboot', 'forward')
    other = chain('PREROUTING', 'prerouting')
    listing = [ours, strange, other, chain('more'), FORWARD, chain('in', 'input', 'accept')]
    assert [found.name for found in base_chains(listing)] == ['FORWARD', 'in']


@pytest.mark.parametrize(
    ('listing', 'commands'),
    [
        (
            [chain('INPUT', 'input'), chain('ufw-user-input'), FORWARD],
            ['ufw allow in on hk+', 'ufw route allow in on hk+ && ufw route allow out on hk+'],
        ),
        (
            [chain('filter_INPUT', 'input', table='firewalld', family='inet')],
            [
                'firewall-cmd --permanent --zone trusted --add-interface hk+ && '
                'firewall-cmd --zone trusted --add-interface hk+'
            ],
        ),
        (
            [chain('in', 'input', table='strict', family='inet')],
            [
                'nft insert rule inet strict in iifname \'"hk*"\' accept '
                '(also in the file that defines this table)'
            ],
        ),
        ([chain('INPUT', 'input')], ['iptables-nft -I INPUT -i hk+ -j ACCEPT']),
    ],
    ids=['ufw', 'firewalld', 'nft', 'iptables'],
)
def test_commands(listing: list[dict[str, Any]], commands: list[str]) -> None:
    """The command is one of the program that owns the table."""
    found = reports(listing)
    assert [one.partition('; to accept them: ')[2] for one in found] == commands


LEGACY = """# Generated by iptables-save
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:mine - [0:0]
{}
COMMIT
"""


@pytest.mark.parametrize(
    ('lines', 'closed'),
    [
        ('', ['FORWARD']),
        ('-A FORWARD -i hk+ -j ACCEPT\n-A FORWARD -o hk+ -j ACCEPT', []),
        ('-A FORWARD -i hk+ -p tcp -j ACCEPT\n-A FORWARD -o hk+ -j ACCEPT', ['FORWARD']),
        ('-A FORWARD ! -i hk+ -j ACCEPT\n-A FORWARD -o hk+ -j ACCEPT', ['FORWARD']),
        ('-A FORWARD -j mine\n-A mine -j ACCEPT', []),
        (
            '-A INPUT -j REJECT --reject-with icmp-port-unreachable\n-A FORWARD -g mine',
            ['INPUT', 'FORWARD'],
        ),
    ],
)
def test_legacy(lines: str, closed: list[str]) -> None:
    """Rules of iptables-legacy, which nft does not list, as iptables-legacy-save prints them."""
    chains, rules = parse_legacy(LEGACY.format(lines))
    found = [one for one in (report(one, rules, ['hk1']) for one in chains) if one]
    assert [one.split()[1] for one in found] == closed
    assert all(f'iptables-legacy -I {name}' in one for name, one in zip(closed, found, strict=True))


@given(st.text() | st.text('-ADj :hk+ FORWARD\n'))
def test_any_legacy_text(text: str) -> None:
    """Whatever is printed is read."""
    chains, rules = parse_legacy(text)
    for one in chains:
        report(one, rules, ['hk1'])


@given(ALMOST)
def test_any_listing(listing: Any) -> None:
    """What does not have the form of a listing is ignored."""
    texts = json.dumps({'nftables': listing}), json.dumps(listing), str(listing)
    for text in texts:
        reports([dict(one) for one in items(text)])


def test_a_chain_of_chains_is_bounded() -> None:
    """Each chain is judged once, however many lead to it."""
    listing = [FORWARD, rule('FORWARD', to('jump', 'c0'))]
    for number in range(200):
        listing += [rule(f'c{number}', to('jump', f'c{number + 1}'))] * 3
    assert reports(listing)


def test_rules_of_another_table_do_not_count() -> None:
    """Chains of two tables may have one name."""
    listing = [chain('FORWARD', 'forward', table='other'), *BOTH]
    assert 'table ip other' in reports(listing)[0]
    assert Rule('accept').covers('iifname', 'hk1')
