# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of the ruleset. Its effect is tested with real packets (test_packets.py)."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.network.loaded import FORM, digest
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.ruleset import render
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.ruleset_inet import (
    rule_line,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.datapath import (
    Datapath,
    Group,
    Network,
    Port,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule, Rule

IDS = ('1', '22', 'b1e5-77_X', 'ok')
CIDRS = ('any', '10.0.0.0/8', '203.0.113.9/32')


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule about one of the few groups."""
    protocol = draw(st.sampled_from(['any', 'tcp', 'udp', 'icmp']))
    ports: list[Any] = (
        sorted(draw(st.tuples(st.integers(1, 65535), st.integers(1, 65535))))
        if protocol in ('tcp', 'udp') and draw(st.booleans())
        else [None, None]
    )
    group = draw(st.none() | st.sampled_from(IDS))
    return Rule(
        draw(st.sampled_from(['ingress', 'egress'])),
        protocol,
        ports[0],
        ports[1],
        '' if group else draw(st.sampled_from(CIDRS)),
        group,
    )


@st.composite
def datapaths(draw: st.DrawFn) -> Datapath:
    """Any small datapath."""
    networks = tuple(
        Network(f'hk{index}', f'10.{index}.0.0/24', f'10.{index}.0.1', draw(st.booleans()))
        for index in range(draw(st.integers(0, 3)))
    )
    groups = tuple(Group(id_, tuple(draw(st.lists(rules(), max_size=4)))) for id_ in IDS)
    ports = tuple(
        Port(
            f'hkp{index}',
            f'52:54:00:00:00:{index:02x}',
            f'10.{net}.0.{index + 2}',
            f'hk{net}',
            tuple(draw(st.lists(st.sampled_from(IDS), unique=True, max_size=3))),
        )
        for index, net in enumerate(
            draw(st.lists(st.integers(0, len(networks) - 1), max_size=5)) if networks else []
        )
    )
    floating = tuple(
        (f'203.0.113.{index + 1}', port.address)
        for index, port in enumerate(ports)
        if draw(st.booleans())
    )
    return Datapath(networks, groups, ports, floating)


@given(datapaths(), st.randoms(use_true_random=False))
def test_the_same_state_is_the_same_text(path: Datapath, chance: random.Random) -> None:
    """Whatever the order of rows and however often a rule is repeated."""

    def mixed(items: Any) -> tuple[Any, ...]:
        return tuple(chance.sample(items, len(items)))

    groups = tuple(
        replace(group, rules=mixed(group.rules + group.rules[:1])) for group in path.groups
    )
    ports = tuple(replace(port, groups=mixed(port.groups)) for port in path.ports)
    other = Datapath(mixed(path.networks), mixed(groups), mixed(ports), mixed(path.floating))
    assert render(other, 'r') == render(path, 'r')


@given(datapaths())
def test_everything_referenced_is_defined(path: Datapath) -> None:
    """Chains, sets and maps are defined once, before they are used; nft requires it."""
    text = render(path, 'r')
    for table in text.split('\ntable ')[3:]:
        defined: set[str] = set()
        for line in table.splitlines():
            new = re.match(r'  (?:chain|set|map) (\S+) \{', line)
            if new:
                assert new[1] not in defined
                defined.add(new[1])
            used = set(
                re.findall(r'(?:goto|jump) ([^\s,]+)|@(?!th,)(\S+)', line)
            )  # @th: bits of a header
            assert {name for pair in used for name in pair if name} <= defined
    assert text.count('{') == text.count('}')


@given(datapaths())
def test_a_group_without_members_is_left_out(path: Datapath) -> None:
    """Only groups of ports are loaded into the kernel."""
    text = render(path, 'r')
    used = {group for port in path.ports for group in port.groups}
    for group in IDS:
        assert (f'chain in_{group} {{' in text) == (group in used)


def test_a_further_interface_is_reached_by_its_gateway() -> None:
    """Before any other source translation."""
    port = Port('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'hk0')
    text = render(
        Datapath(
            (Network('hk0', '10.0.0.0/24', '10.0.0.1'),),
            ports=(port,),
            floating=(('203.0.113.1', '10.0.0.2'),),
            further=('10.0.0.2',),
        ),
        'r',
    )
    assert '10.0.0.2,' in text.split('set further {')[1].split('}')[0]
    leaving = text.split('chain nat_leaving {')[1]
    assert leaving.index('@further masquerade') < leaving.index('snat')
    with pytest.raises(ValueError, match='no port has'):
        Datapath(further=('10.0.0.2',))


def test_it_replaces_the_loaded_rules() -> None:
    """Completely, marked by its revision."""
    lines = render(Datapath(), 'a1_b').splitlines()
    assert lines[:6] == [
        'table inet hanok',
        'delete table inet hanok',
        'table bridge hanok',
        'delete table bridge hanok',
        'table inet hanok {',
        '  chain rev_a1_b {',
    ]


@pytest.mark.parametrize('revision', ['', 'A', 'a-b', 'a b', 'a\n', 'x' * 65, 7, None])
def test_a_revision_is_an_identifier(revision: Any) -> None:
    """It becomes the name of a chain."""
    with pytest.raises(ValueError, match='is not a revision'):
        render(Datapath(), revision)


@pytest.mark.parametrize(
    ('rule', 'line'),
    [
        (Rule('ingress'), 'goto ok'),
        (Rule('ingress', 'tcp'), 'meta l4proto tcp goto ok'),
        (Rule('ingress', 'udp', 53, 53), 'udp dport 53 goto ok'),
        (
            Rule('ingress', 'tcp', 80, 90, '10.0.0.0/8'),
            'ip saddr 10.0.0.0/8 tcp dport 80-90 goto ok',
        ),
        (
            Rule('ingress', 'icmp', remote_cidr='', remote_group='2'),
            'ip saddr @m_2 meta l4proto icmp goto ok',
        ),
        (Rule('egress'), 'accept'),
        (Rule('egress', 'tcp', 80, 80, '10.0.0.0/8'), 'ip daddr 10.0.0.0/8 tcp dport 80 accept'),
        (Rule('egress', 'any', remote_cidr='', remote_group='2'), 'ip daddr @m_2 accept'),
    ],
)
def test_a_rule_is_one_line(rule: Rule, line: str) -> None:
    """In the chain of its group and direction."""
    path = Datapath(
        (Network('hk0', '10.0.0.0/24', '10.0.0.1'),),
        (Group('1', (rule,)), Group('2')),
        (Port('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'hk0', ('1',)),),
    )
    chain = f'chain {"in" if rule.direction == "ingress" else "eg"}_1 {{'
    assert f'  {chain}\n    {line}\n  }}\n' in render(path, 'r')


def test_an_unknown_protocol_never_becomes_any() -> None:
    """Rule does not accept it; a forced one is refused, not rendered without its protocol."""
    rule = Rule('ingress', 'tcp')
    object.__setattr__(rule, 'protocol', 'any ')
    with pytest.raises(ValueError, match='cannot be rendered'):
        rule_line(rule)


def test_the_name_of_a_group_is_never_rendered() -> None:
    """Names of other groups may have any characters; the ruleset has ids."""
    rule = Rule('ingress', remote_cidr='', remote_group='web drop; accept')
    with pytest.raises(ValueError, match='is not the id of a group'):
        rule_line(rule)


def test_egress_is_the_union_of_groups() -> None:
    """A port may send what one of its groups allows; a group without egress rules allows all."""
    all_groups = (
        Group('1', (Rule('ingress', 'tcp'),)),
        Group('2', (Rule('egress', 'tcp', 80, 80),)),
        Group('3', (ForeignRule('7', 'sctp to any', 'egress'),)),
    )
    port = Port('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'hk0')
    leaving = {}
    for groups in ((), ('1',), ('2',), ('1', '2'), ('2', '3')):
        path = Datapath(
            (Network('hk0', '10.0.0.0/24', '10.0.0.1'),),
            all_groups,
            (replace(port, groups=groups),),
        )
        found = re.search(r'chain egc_\w+ \{\n(.*?)\n  \}', render(path, 'r'), re.DOTALL)
        assert found
        leaving[groups] = [line.strip() for line in found[1].splitlines()]
    assert leaving == {
        (): ['accept'],
        ('1',): ['accept'],
        ('2',): ['jump eg_2', 'drop'],
        ('1', '2'): ['accept'],
        ('2', '3'): ['jump eg_2', 'jump eg_3', 'drop'],
    }


# The digest of what is rendered for a datapath with everything in it. A host whose rules have
# another form loads them again: whoever changes the rendering sets the new digest, and increments
# FORM.
FORM_2 = '612ddeca7a7e4a2ebeb7f4efe46239369147c63d681cd4d4d73777fcb077b463'


def test_another_form_of_the_ruleset_has_another_number() -> None:
    """Otherwise hosts would keep the rules that an older version of the collection loaded."""
    path = Datapath(
        networks=(
            Network('hk0', '10.0.0.0/24', '10.0.0.1'),
            Network('hk1', '10.1.0.0/24', '10.1.0.1', nat=False),
        ),
        groups=(
            Group(
                '1', (Rule('ingress', 'tcp', 80, 90), Rule('ingress', 'icmp', None, None, '', '2'))
            ),
            Group('2', (Rule('egress', 'udp', 53, 53, '10.0.0.0/8'), Rule('egress', 'tcp'))),
            Group('3', (ForeignRule('7', 'sctp from any', 'ingress'), Rule('ingress'))),
        ),
        ports=(
            Port('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'hk0', ('1', '2')),
            Port('hkp2', '52:54:00:00:00:02', '10.0.0.3', 'hk0', ('2',)),
            Port('hkp3', '52:54:00:00:00:03', '10.1.0.2', 'hk1'),
            Port('hkp4', '52:54:00:00:00:04', '10.1.0.3', 'hk1', ('3',)),
        ),
        floating=(('203.0.113.1', '10.0.0.2'), ('198.18.0.1', '10.1.0.2')),
        outside=('eth0',),
        host_only=('198.18.0.0/24',),
        further=('10.1.0.2',),
    )
    bridged = replace(path, router=False, host_bridges=('br0', 'br1'))
    links = '{ "br0" . "br0", "br1" . "br1" }'
    rule = f'oifname != @bridges iifname . oifname != {links} ct state new drop'
    assert rule in render(bridged, 'r')
    assert 'br0' not in render(replace(bridged, router=True), 'r')
    texts = [render(path, 'r'), render(replace(path, router=False, by_bridge=False), 'r')]
    assert (digest(''.join(texts)), FORM) == (FORM_2, 2)
