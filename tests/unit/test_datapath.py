# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of a datapath, and the verdicts about packets (compared with the kernel elsewhere)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.datapath import (
    Datapath,
    Group,
    Network,
    Port,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import HOST
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule, Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.verdict import (
    Verdict,
    evaluate,
)

NETWORKS = (
    Network('hk0', '192.168.0.0/24', '192.168.0.1'),
    Network('hk1', '10.20.0.0/24', '10.20.0.1'),
)
WEB = Group(
    '1',
    (Rule('ingress', 'tcp', 80, 81), Rule('ingress', 'icmp', remote_cidr='', remote_group='2')),
    'web',
)
CLOSED = Group('2', (Rule('egress', 'tcp', 80, 80, '192.168.0.0/24'),), 'closed')
DEFAULT = Group('3')
A = Port('hkp1', '52:54:00:00:00:01', '192.168.0.11', 'hk0', ('1', '3'))
B = Port('hkp2', '52:54:00:00:00:02', '192.168.0.12', 'hk0', ('2',))
C = Port('hkp3', '52:54:00:00:00:03', '10.20.0.11', 'hk1')
FLOATING = '203.0.113.101'
OUT = '198.51.100.7'
PATH = Datapath(NETWORKS, (WEB, CLOSED, DEFAULT), (A, B, C), ((FLOATING, A.address),))


@pytest.mark.parametrize(
    ('arguments', 'allowed', 'why'),
    [
        ((OUT, FLOATING, 'tcp', 80), True, 'ingress rule tcp 80-81 from any of group web'),
        (
            (OUT, FLOATING, 'tcp', 82),
            False,
            f'no ingress rule of its groups (3, web) allows tcp 82 from {OUT}',
        ),
        (
            (OUT, FLOATING, 'icmp'),
            False,
            f'no ingress rule of its groups (3, web) allows icmp from {OUT}',
        ),
        (
            (OUT, A.address, 'tcp', 80),
            False,
            '192.168.0.11 is reachable from outside only by a floating address',
        ),
        (
            (OUT, '192.168.0.1', 'icmp'),
            False,
            '192.168.0.1 is a gateway, which answers only its own network',
        ),
        (
            (OUT, HOST, 'tcp', 22),
            True,
            'traffic from the outside to the host itself is not filtered',
        ),
        (
            (OUT, '198.51.100.8', 'tcp', 22),
            True,
            'neither end is in this cloud, so that nothing is filtered',
        ),
        ((B.address, A.address, 'tcp', 80), True, 'ingress rule tcp 80-81 from any of group web'),
        ((B.address, FLOATING, 'tcp', 80), True, 'ingress rule tcp 80-81 from any of group web'),
        (
            (B.address, A.address, 'tcp', 81),
            False,
            "no egress rule of the sender's groups (closed) allows tcp 81 to 192.168.0.11",
        ),
        (
            (B.address, OUT, 'tcp', 80),
            False,
            f"no egress rule of the sender's groups (closed) allows tcp 80 to {OUT}",
        ),
        ((B.address, B.address, 'tcp', 80), True, 'a server reaches itself without the network'),
        (
            (A.address, OUT, 'udp', 53),
            True,
            'all egress is allowed: group web has no egress rule',
        ),
        (
            (A.address, C.address, 'tcp', 80),
            False,
            'networks 192.168.0.0/24 and 10.20.0.0/24 are isolated; use a floating address',
        ),
        ((A.address, '192.168.0.77', 'tcp', 80), False, 'no port has the address 192.168.0.77'),
        ((C.address, FLOATING, 'tcp', 80), True, 'ingress rule tcp 80-81 from any of group web'),
        ((HOST, A.address, 'tcp', 80), True, 'ingress rule tcp 80-81 from any of group web'),
        ((HOST, C.address, 'tcp', 80), False, '10.20.0.11 has no group, so that it has no ingress'),
        (
            (HOST, A.address, 'icmp'),
            False,
            'no ingress rule of its groups (3, web) allows icmp from 192.168.0.1',
        ),
        (
            (HOST, OUT, 'tcp', 80),
            True,
            'traffic from the host itself to the outside is not filtered',
        ),
        ((HOST, '10.20.0.1', 'tcp', 80), True, 'the host reaches itself'),
        (
            ('192.168.0.1', B.address, 'udp', 68),
            False,
            'no ingress rule of its groups (closed) allows udp 68 from 192.168.0.1',
        ),
        ((B.address, '192.168.0.1', 'icmp'), True, 'the gateway answers ping'),
        ((B.address, '192.168.0.1', 'udp', 67), True, 'the gateway answers DHCP'),
        ((B.address, '192.168.0.1', 'tcp', 53), True, 'the gateway answers DNS'),
        (
            (B.address, '192.168.0.1', 'tcp', 22),
            False,
            'the gateway answers DHCP, DNS and ping, not tcp 22',
        ),
        (
            (B.address, '10.20.0.1', 'icmp'),
            False,
            'the host answers servers only at the gateway of their network, 192.168.0.1',
        ),
        (
            (B.address, HOST, 'icmp'),
            False,
            'the host answers servers only at the gateway of their network, 192.168.0.1',
        ),
        (('192.168.0.99', FLOATING, 'tcp', 80), False, 'no port has the address 192.168.0.99'),
        (('192.168.0.99', HOST, 'tcp', 80), False, 'no port has the address 192.168.0.99'),
    ],
)
def test_verdicts(arguments: tuple[Any, ...], allowed: bool, why: str) -> None:
    """The verdict and its reason."""
    assert evaluate(PATH, *arguments) == Verdict(allowed, why)


def test_egress_is_the_union_of_groups() -> None:
    """One of them without egress rules allows everything; foreign rules allow nothing."""
    foreign = Group('2', (ForeignRule('7', 'sctp to any', 'egress'),), 'closed')
    why = {}
    for groups in ((), ('2',), ('2', '3')):
        sender = replace(B, groups=groups)
        for closed in (CLOSED, foreign):
            path = replace(PATH, groups=(WEB, closed, DEFAULT), ports=(A, sender, C))
            verdict = evaluate(path, sender.address, OUT, 'tcp', 80)
            assert verdict.allowed is (groups != ('2',))
            why[groups] = verdict.why
    assert why == {
        (): 'all egress is allowed: the sender has no group',
        ('2',): f"no egress rule of the sender's groups (closed) allows tcp 80 to {OUT}",
        ('2', '3'): 'all egress is allowed: group 3 has no egress rule',
    }


def test_foreign_rules_let_nothing_in() -> None:
    """What they allow is unknown; it is no error."""
    foreign = Group('2', (ForeignRule('7', 'tcp 22 from any', 'ingress'),), 'closed')
    path = replace(PATH, groups=(WEB, foreign, DEFAULT))
    assert not evaluate(path, HOST, B.address, 'tcp', 22).allowed


def test_name_of_a_remote_group() -> None:
    """The reason has the name of the group, not its id."""
    path = replace(PATH, groups=(WEB, replace(CLOSED, rules=()), DEFAULT))
    assert (
        evaluate(path, B.address, FLOATING, 'icmp').why
        == 'ingress rule icmp from group closed of group web'
    )


def test_the_host_from_another_address() -> None:
    """A rule for another address of the host applies if its packets have that source."""
    path = replace(
        PATH,
        groups=(
            Group('1', (Rule('ingress', 'tcp', remote_cidr='198.51.100.1/32'),)),
            CLOSED,
            DEFAULT,
        ),
    )
    assert not evaluate(path, HOST, FLOATING, 'tcp', 80).allowed
    assert evaluate(path, HOST, FLOATING, 'tcp', 80, host_address='198.51.100.1').allowed
    assert not evaluate(path, '10.20.0.1', FLOATING, 'tcp', 80).allowed
    with pytest.raises(ValueError, match='is the address of a server'):
        evaluate(path, HOST, FLOATING, 'tcp', 80, host_address=B.address)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((OUT, FLOATING, 'any', 80), "'any' is unknown"),
        ((OUT, FLOATING, 'TCP', 80), "'TCP' is unknown"),
        ((OUT, FLOATING, 'tcp'), 'None is not a port'),
        ((OUT, FLOATING, 'tcp', 0), '0 is not a port'),
        ((OUT, FLOATING, 'tcp', True), 'True is not a port'),
        ((OUT, FLOATING, 'icmp', 8), 'icmp has no ports'),
        (('web', FLOATING, 'tcp', 80), 'web'),
        ((OUT, '::1', 'tcp', 80), '::1'),
        ((OUT, '0.0.0.0', 'tcp', 80), 'not a unicast address of a host'),
        ((OUT, '255.255.255.255', 'udp', 67), 'not a unicast address of a host'),
        ((OUT, '224.0.0.1', 'udp', 67), 'not a unicast address of a host'),
        ((None, FLOATING, 'tcp', 80), 'None'),
        ((FLOATING, OUT, 'tcp', 80), 'filtered by its fixed'),
    ],
)
def test_invalid_arguments(arguments: tuple[Any, ...], message: str) -> None:
    """Invalid arguments raise an error."""
    with pytest.raises(ValueError, match=message):
        evaluate(PATH, *arguments)


@pytest.mark.parametrize(
    ('what', 'values', 'message'),
    [
        (Network, ('hkp1', '10.0.0.0/24', '10.0.0.1'), 'not the name of a bridge'),
        (Network, ('br0', '10.0.0.0/24', '10.0.0.1'), 'not the name of a bridge'),
        (Network, ('hk0" drop', '10.0.0.0/24', '10.0.0.1'), 'not the name of a bridge'),
        (Network, ('hk01234567890123', '10.0.0.0/24', '10.0.0.1'), 'not the name of a bridge'),
        (Network, ('hk0', '10.0.0.1/24', '10.0.0.1'), 'host bits'),
        (Network, ('hk0', '10.0.0.0/255.255.255.0', '10.0.0.1'), 'not a network for servers'),
        (Network, ('hk0', '10.0.0.0/31', '10.0.0.1'), 'not a network for servers'),
        (Network, ('hk0', '0.0.0.0/0', '10.0.0.1'), 'not a network for servers'),
        (Network, ('hk0', '10.0.0.0/24', '10.0.1.1'), 'gateway 10.0.1.1 is not'),
        (Network, ('hk0', '10.0.0.0/24', '10.0.0.0'), 'gateway 10.0.0.0 is not'),
        (Network, ('hk0', '10.0.0.0/24', '10.0.0.1', None), 'nat: None'),
        (Group, ('',), 'not the id of a group'),
        (Group, ('a b',), 'not the id of a group'),
        (Group, ('a\n',), 'not the id of a group'),
        (Group, ('x' * 65,), 'not the id of a group'),
        (Group, (7,), 'not the id of a group'),
        (Group, ('1', ({'protocol': 'tcp'},)), 'must be a Rule'),
        (Port, ('vnet1', '52:54:00:00:00:01', '10.0.0.2', 'hk0'), 'not the name of a port device'),
        (
            Port,
            ('hkp1234567890123', '52:54:00:00:00:01', '10.0.0.2', 'hk0'),
            'not the name of a port device',
        ),
        (Port, ('hkp1', '52:54:00:00:00:0A', '10.0.0.2', 'hk0'), 'not a MAC'),
        (Port, ('hkp1', '53:54:00:00:00:01', '10.0.0.2', 'hk0'), 'not a MAC'),
        (Port, ('hkp1', '52:54:00:00:00:01', '10.0.0.2/24', 'hk0'), '10.0.0.2/24'),
        (Port, ('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'eth0'), 'not the name of a bridge'),
        (
            Port,
            ('hkp1', '52:54:00:00:00:01', '10.0.0.2', 'hk0', ('1', '1')),
            'group 1 occurs twice',
        ),
    ],
)
def test_invalid_values(what: Any, values: tuple[Any, ...], message: str) -> None:
    """Every name and address is checked."""
    with pytest.raises(ValueError, match=message):
        what(*values)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'networks': (*NETWORKS, Network('hk2', '192.168.0.128/25', '192.168.0.129'))}, 'overlap'),
        (
            {'networks': (*NETWORKS, Network('hk1', '10.30.0.0/24', '10.30.0.1'))},
            'bridge hk1 occurs twice',
        ),
        ({'networks': NETWORKS[:1]}, 'no network has the bridge hk1'),
        ({'groups': (WEB, CLOSED)}, 'group 3 does not exist'),
        ({'groups': (WEB, DEFAULT)}, 'refers to group 2'),
        ({'groups': (WEB, CLOSED, DEFAULT, DEFAULT)}, 'group 3 occurs twice'),
        (
            {'ports': (A, B, C, replace(C, device='hkp4'))},
            'fixed address 10.20.0.11 occurs twice',
        ),
        ({'ports': (A, B, C, replace(C, address='10.20.0.12'))}, 'port device hkp3 occurs twice'),
        (
            {'ports': (A, B, replace(C, address='192.168.0.13'))},
            'is not a host address of 10.20.0.0/24',
        ),
        ({'ports': (A, B, replace(C, address='10.20.0.1'))}, 'is the gateway'),
        ({'ports': (A, B, replace(C, address='10.20.0.255'))}, 'is not a host address of'),
        ({'floating': ((FLOATING, '192.168.0.99'),)}, 'no port has the fixed address'),
        (
            {'floating': ((FLOATING, A.address), (FLOATING, B.address))},
            'floating address 203.0.113.101 occurs twice',
        ),
        (
            {'floating': ((FLOATING, A.address), ('203.0.113.102', A.address))},
            'a floating address for 192.168.0.11 occurs twice',
        ),
        ({'floating': (('192.168.0.200', A.address),)}, 'is within a network'),
        ({'floating': (('224.0.0.1', A.address),)}, 'not a unicast address of a host'),
    ],
)
def test_inconsistent_datapath(changed: dict[str, Any], message: str) -> None:
    """Duplicates, ambiguous routes and dangling references are refused."""
    with pytest.raises(ValueError, match=message):
        replace(PATH, **changed)
