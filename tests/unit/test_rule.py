# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules as users write them, their meaning, and the messages for invalid ones."""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    ANYWHERE,
    AnyRule,
    ForeignRule,
    Rule,
    normalized,
    public,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule_parser import parse

GROUP_NAMES = st.from_regex(r'[A-Za-z0-9_.-]{1,20}', fullmatch=True)
PORTS = st.integers(1, 65535)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.one_of(st.integers(), st.text()), max_size=3),
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any valid rule."""
    protocol = draw(st.sampled_from(['any', 'tcp', 'udp', 'icmp']))
    ports = (
        sorted(draw(st.tuples(PORTS, PORTS)))
        if protocol in ('tcp', 'udp') and draw(st.booleans())
        else [None, None]
    )
    group = draw(st.none() | GROUP_NAMES)
    start, length = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 32))
    span = ipaddress.IPv4Network((start, length), strict=False)
    cidr = '' if group else str(span) if length else ANYWHERE
    return Rule(
        draw(st.sampled_from(['ingress', 'egress'])), protocol, ports[0], ports[1], cidr, group
    )


@given(rules())
def test_round_trip(rule: Rule) -> None:
    """A result pasted into a playbook is the same rule."""
    assert parse(public(rule)) == (rule,)


@given(st.lists(rules()))
def test_order(some: list[Rule]) -> None:
    """All rules can be ordered, and only equal rules are equal in the order."""
    ordered, other = sorted(some), some[::-1]
    assert ordered == sorted(other)
    assert all((one < other) == (one != other) for one, other in pairwise(ordered))
    assert len(set(some)) == len({str(public(rule)) for rule in some})


@given(
    st.dictionaries(
        st.sampled_from(['direction', 'protocol', 'port', 'ports', 'remote', 'preset', 'other']),
        ANYTHING,
    )
)
def test_any_input(raw: dict[str, Any]) -> None:
    """The result is valid rules, or a ValueError with the place of the error."""
    try:
        found, refused = parse(raw, 'rules[3]'), ''
    except ValueError as error:
        found, refused = (), str(error)
    assert found or refused.startswith('rules[3].')
    assert all(isinstance(rule, Rule) for rule in found)


@pytest.mark.parametrize(
    ('raw', 'expected'),
    [
        ({'protocol': 'any'}, [Rule('ingress', 'any')]),
        ({'direction': 'EGRESS', 'protocol': 'TCP', 'port': 22}, [Rule('egress', 'tcp', 22, 22)]),
        ({'protocol': 'udp', 'port': '22'}, [Rule('ingress', 'udp', 22, 22)]),
        ({'protocol': 'tcp', 'port': '22-22'}, [Rule('ingress', 'tcp', 22, 22)]),
        ({'protocol': 'tcp', 'port': ' 22 - 80 '}, [Rule('ingress', 'tcp', 22, 80)]),
        (
            {'protocol': 'tcp', 'ports': [443, '80-90', 443, '443']},
            [Rule('ingress', 'tcp', 443, 443), Rule('ingress', 'tcp', 80, 90)],
        ),
        ({'protocol': 'tcp'}, [Rule('ingress', 'tcp')]),
        ({'protocol': 'any', 'remote': 'ANY'}, [Rule('ingress', remote_cidr=ANYWHERE)]),
        ({'protocol': 'any', 'remote': '10.1.2.3/0'}, [Rule('ingress')]),
        (
            {'protocol': 'any', 'remote': '10.0.0.1/24'},
            [Rule('ingress', remote_cidr='10.0.0.0/24')],
        ),
        (
            {'protocol': 'any', 'remote': '10.0.0.1/255.255.255.0'},
            [Rule('ingress', remote_cidr='10.0.0.0/24')],
        ),
        ({'protocol': 'any', 'remote': '10.0.0.1'}, [Rule('ingress', remote_cidr='10.0.0.1/32')]),
        (
            {'protocol': 'any', 'remote': 'group:Web servers (EU)'},
            [Rule('ingress', remote_cidr='', remote_group='Web servers (EU)')],
        ),
        (
            {'protocol': 'any', 'remote': 'web.front_1-a'},
            [Rule('ingress', remote_cidr='', remote_group='web.front_1-a')],
        ),
        (
            {'protocol': 'any', 'remote': 'group:web'},
            [Rule('ingress', remote_cidr='', remote_group='web')],
        ),
        (
            {'protocol': 'any', 'remote': 'group:any'},
            [Rule('ingress', remote_cidr='', remote_group='any')],
        ),
        (
            {'protocol': 'any', 'remote': 'group:10.0.0.1'},
            [Rule('ingress', remote_cidr='', remote_group='10.0.0.1')],
        ),
        (
            {
                'preset': 'ssh',
                'direction': None,
                'protocol': None,
                'port': None,
                'ports': None,
                'remote': None,
            },
            [Rule('ingress', 'tcp', 22, 22)],
        ),
        ({'preset': 'HTTP', 'remote': 'web'}, [Rule('ingress', 'tcp', 80, 80, '', 'web')]),
        ({'preset': 'https', 'direction': 'egress'}, [Rule('egress', 'tcp', 443, 443)]),
        ({'preset': 'all_icmp'}, [Rule('ingress', 'icmp')]),
        ({'preset': 'all_tcp'}, [Rule('ingress', 'tcp')]),
    ],
)
def test_valid_rules(raw: dict[str, Any], expected: list[Rule]) -> None:
    """Upper and lower case, defaults, presets, and equivalent forms."""
    assert list(parse(raw)) == expected


NOT_A_PORT = "is not a port; use 1 to 65535, or a range such as '22-80'"
PROTOCOLS = 'is unknown; use one of any, tcp, udp, icmp'
MISSING = 'it is missing; set a protocol (any for all), or a preset'
EMPTY = 'it is empty, which could mean all; set a value, or omit the option'


@pytest.mark.parametrize(
    ('raw', 'message'),
    [
        ({'protocol': 'tcp', 'port': 70000}, f'rules[0].port: 70000 {NOT_A_PORT}'),
        ({'protocol': 'tcp', 'port': 0}, f'rules[0].port: 0 {NOT_A_PORT}'),
        ({'protocol': 'tcp', 'port': -1}, f'rules[0].port: -1 {NOT_A_PORT}'),
        ({'protocol': 'tcp', 'port': True}, f'rules[0].port: True {NOT_A_PORT}'),
        ({'protocol': 'tcp', 'port': 22.0}, f'rules[0].port: 22.0 {NOT_A_PORT}'),
        ({'protocol': 'tcp', 'port': 'ssh'}, f"rules[0].port: 'ssh' {NOT_A_PORT}"),
        (
            {'protocol': 'tcp', 'port': '\u0662\u0662'},
            f"rules[0].port: '\u0662\u0662' {NOT_A_PORT}",
        ),
        ({'protocol': 'tcp', 'port': '22-70000'}, f"rules[0].port: '22-70000' {NOT_A_PORT}"),
        (
            {'protocol': 'tcp', 'port': '80-22'},
            "rules[0].port: '80-22' ends before it begins; use '22-80'",
        ),
        ({'protocol': 'tcp', 'ports': [22, 'x']}, f"rules[0].ports[1]: 'x' {NOT_A_PORT}"),
        (
            {'protocol': 'tcp', 'ports': []},
            "rules[0].ports: [] is not a list of ports; use one such as [22, '80-90'], or omit it "
            'for all ports',
        ),
        ({'protocol': 'tcp', 'port': 1, 'ports': [2]}, 'rules[0].port: use either port or ports'),
        ({'port': 22}, 'rules[0].port: 22 requires a protocol with ports; use protocol tcp or udp'),
        (
            {'protocol': 'icmp', 'ports': [8]},
            'rules[0].ports: [8] requires a protocol with ports; use protocol tcp or udp',
        ),
        ({'protocol': 6}, f'rules[0].protocol: 6 {PROTOCOLS}'),
        ({'protocol': 'sctp', 'port': 5}, f"rules[0].protocol: 'sctp' {PROTOCOLS}"),
        ({'direction': 'in'}, "rules[0].direction: 'in' is unknown; use one of ingress, egress"),
        (
            {'preset': 'ftp'},
            "rules[0].preset: 'ftp' is unknown; use one of ssh, http, https, all_icmp, all_tcp",
        ),
        (
            {'preset': 'ssh', 'port': 23},
            'rules[0].port: the preset includes it; omit port or preset',
        ),
        (
            {'remote': '::/0'},
            "rules[0].remote: '::/0' is IPv6, which is not supported yet; use an IPv4 network",
        ),
        (
            {'remote': '0.0.0.0'},
            "rules[0].remote: '0.0.0.0' is not the address of a host; use any (or 0.0.0.0/0) for "
            'all addresses',
        ),
        (
            {'remote': '10.0.0.0/33'},
            "rules[0].remote: '10.0.0.0/33' is neither an IPv4 address or network nor the name of "
            'a group; '
            'use any, an IPv4 address, a network such as 10.0.0.0/24, or the name of a group',
        ),
        (
            {'remote': '10.0.0.300'},
            "rules[0].remote: '10.0.0.300' is neither an IPv4 address or network nor the name of a "
            'group; '
            'use any, an IPv4 address, a network such as 10.0.0.0/24, or the name of a group '
            '(group:10.0.0.300 for a group of that name)',
        ),
        (
            {'remote': 'group:we\nb'},
            "rules[0].remote: 'group:we\\nb' does not name a group; use group: followed by 1 to "
            '255 printable characters',
        ),
        ({}, f'rules[0].protocol: {MISSING}'),
        ({'preset': None, 'protocol': None, 'remote': 'any'}, f'rules[0].protocol: {MISSING}'),
        ({'direction': 'egress'}, f'rules[0].protocol: {MISSING}'),
        ({'remote': 'web'}, f'rules[0].protocol: {MISSING}'),
        ({'preset': ''}, f'rules[0].preset: {EMPTY}'),
        ({'protocol': 'tcp', 'port': ''}, f'rules[0].port: {EMPTY}'),
        ({'protocol': 'tcp', 'ports': ['']}, f'rules[0].ports: {EMPTY}'),
        ({'preset': 'ssh', 'remote': ''}, f'rules[0].remote: {EMPTY}'),
        (
            {'prot': 'tcp'},
            'rules[0].prot is not an option of a rule; the options are direction, protocol, port, '
            'ports, remote, preset',
        ),
    ],
)
def test_invalid_rules(raw: dict[str, Any], message: str) -> None:
    """The option, the value and valid ones."""
    with pytest.raises(ValueError, match='rules') as caught:
        parse(raw)
    assert str(caught.value) == message


def test_all_problems_are_reported() -> None:
    """All problems of a rule are reported at once."""
    with pytest.raises(ValueError, match='at') as caught:
        parse({'direction': 'in', 'protocol': 'ip', 'port': 0, 'remote': '/', 'name': 'x'}, 'at')
    assert [problem.split()[0] for problem in str(caught.value).split('; at')] == [
        'at.name',
        '.direction:',
        '.protocol:',
        '.port:',
        '.remote:',
    ]


@pytest.mark.parametrize('raw', [None, 'ssh', ['ssh'], 22])
def test_not_a_mapping(raw: Any) -> None:
    """An entry that is not a mapping."""
    with pytest.raises(ValueError, match='is not a rule'):
        parse(raw)


@pytest.mark.parametrize(
    'values',
    [
        {'direction': 'in'},
        {'protocol': 'all'},
        {'protocol': None},
        {'port_min': 1, 'port_max': 1},
        {'protocol': 'tcp', 'port_min': 1},
        {'protocol': 'tcp', 'port_max': 1},
        {'protocol': 'tcp', 'port_min': 2, 'port_max': 1},
        {'protocol': 'tcp', 'port_min': 0, 'port_max': 1},
        {'protocol': 'tcp', 'port_min': True, 'port_max': True},
        {'protocol': 'tcp', 'port_min': 1.0, 'port_max': 1.0},
        {'protocol': 'tcp', 'port_min': 1, 'port_max': 65536},
        {'remote_cidr': '10.0.0.1/24'},
        {'remote_cidr': '10.0.0.1'},
        {'remote_cidr': ''},
        {'remote_cidr': '0.0.0.0/0'},
        {'remote_cidr': 'ANY'},
        {'remote_cidr': '::/0'},
        {'remote_cidr': None},
        {'remote_cidr': '10.0.0.0/24', 'remote_group': 'web'},
        {'remote_cidr': '', 'remote_group': ''},
        {'remote_cidr': '', 'remote_group': 'w' * 256},
        {'remote_cidr': '', 'remote_group': 'web\n'},
        {'remote_cidr': '', 'remote_group': 7},
    ],
)
def test_invalid_values(values: dict[str, Any]) -> None:
    """Invalid rules cannot be created."""
    with pytest.raises(ValueError, match=r'direction|protocol|port|remote'):
        Rule(**{'direction': 'ingress', **values})


def test_any_is_one_remote() -> None:
    """However it is written."""
    written = ('any', 'Any', '0.0.0.0/0', '10.0.0.1/0')
    found = {parse({'protocol': 'tcp', 'remote': remote}) for remote in written}
    assert found == {(Rule('ingress', 'tcp', remote_cidr=ANYWHERE),)}
    assert public(Rule('ingress'))['remote'] == 'any'


SCTP = ForeignRule('7', 'sctp from any', 'ingress')
VRRP = ForeignRule('5', 'vrrp to any', 'egress')
NARROW = Rule('egress', 'tcp', 443, 443)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ([Rule('egress')], ()),
        ([Rule('egress'), Rule('ingress')], (Rule('ingress'),)),
        ([Rule('egress'), Rule('egress')], ()),
        # With others it is what counts: it must not get lost.
        ([NARROW, Rule('egress')], (Rule('egress'), NARROW)),
        ([Rule('egress', 'tcp')], (Rule('egress', 'tcp'),)),
        ([VRRP, Rule('egress')], (Rule('egress'), VRRP)),
        ([SCTP, Rule('egress')], (SCTP,)),
        ([VRRP, SCTP, NARROW, SCTP], (NARROW, VRRP, SCTP)),
    ],
)
def test_rules_of_a_group_have_one_form(
    given: list[AnyRule], expected: tuple[AnyRule, ...]
) -> None:
    """No egress rules and one that allows everything are the same; the first form is used."""
    assert normalized(given) == expected
    assert normalized(expected) == expected


def test_a_foreign_rule_is_no_rule_of_a_task() -> None:
    """It is shown, and refused if it is copied into a task."""
    assert public(SCTP) == {
        'direction': 'ingress',
        'protocol': None,
        'port': None,
        'remote': None,
        'foreign': True,
        'id': '7',
        'text': 'sctp from any',
    }
    assert str(SCTP) == 'sctp from any'
    with pytest.raises(ValueError, match='foreign is not an option of a rule'):
        parse(public(SCTP))


def test_text() -> None:
    """A rule in a message."""
    assert str(Rule('ingress', 'tcp', 22, 22)) == 'tcp 22 from any'
    assert str(Rule('egress', 'udp', 53, 80, '', 'dns')) == 'udp 53-80 to group:dns'
    assert str(Rule('ingress', 'icmp', remote_cidr='10.0.0.0/8')) == 'icmp from 10.0.0.0/8'
