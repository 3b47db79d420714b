# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which connections are ended: those by addresses that lead elsewhere by now. On a real kernel it is tried by tests/reliability/test_killed.py."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.denied_flows import denied
from ansible_collections.hanok.cloud.plugins.module_utils._local.denied_flows import (
    parse as parse_connections,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.flows import (
    Assignments,
    Flow,
    parse,
    stale,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.datapath import (
    Datapath,
    Group,
    Network,
    Port,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule

ASSIGNMENTS = Assignments(
    ['192.168.0.0/24'],
    ['198.18.0.0/28'],
    {'192.168.0.1', '192.168.0.2', '192.168.0.3'},
    [('198.18.0.1', '192.168.0.2')],
)
LISTED = """tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=1 dport=80 src=192.168.0.2 dst=203.0.113.9 sport=80 dport=1 [ASSURED]
udp      17 27 src=192.168.0.3 dst=192.168.0.1 sport=68 dport=67 [UNREPLIED] src=192.168.0.1 dst=192.168.0.3 sport=67 dport=68 mark=0 use=1
icmp     1 29 src=192.168.0.2 dst=9.9.9.9 type=8 code=0 id=1 src=9.9.9.9 dst=198.18.0.1 type=0 code=0 id=1 mark=0 use=1
"""


def test_what_conntrack_lists() -> None:
    """One line for each connection, whatever its protocol."""
    assert parse(LISTED) == {
        Flow('203.0.113.9', '198.18.0.1', '192.168.0.2', '203.0.113.9'),
        Flow('192.168.0.3', '192.168.0.1', '192.168.0.1', '192.168.0.3'),
        Flow('192.168.0.2', '9.9.9.9', '9.9.9.9', '198.18.0.1'),
    }


def test_what_leads_where_it_led_goes_on() -> None:
    """Through a floating address in both directions, to a gateway, between servers, and what has nothing to do with us."""
    between = {
        Flow('192.168.0.2', '192.168.0.3', '192.168.0.3', '192.168.0.2'),
        Flow('10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.1'),
    }
    masqueraded = {Flow('192.168.0.3', '9.9.9.9', '9.9.9.9', '172.16.0.1')}
    assert stale(parse(LISTED) | between | masqueraded, ASSIGNMENTS) == set()


@pytest.mark.parametrize(
    ('flow', 'options'),
    [
        # It led to another server; it leads to nobody; its server is gone.
        (
            Flow('203.0.113.9', '198.18.0.1', '192.168.0.3', '203.0.113.9'),
            {('--orig-dst', '198.18.0.1', '--reply-src', '192.168.0.3')},
        ),
        (
            Flow('203.0.113.9', '198.18.0.2', '192.168.0.3', '203.0.113.9'),
            {('--orig-dst', '198.18.0.2', '--reply-src', '192.168.0.3')},
        ),
        (
            Flow('203.0.113.9', '198.18.0.2', '192.168.0.9', '203.0.113.9'),
            {
                ('--orig-dst', '198.18.0.2', '--reply-src', '192.168.0.9'),
                ('--reply-src', '192.168.0.9'),
            },
        ),
        # A server went out by an address that it has lost, or that another one has now.
        (
            Flow('192.168.0.3', '9.9.9.9', '9.9.9.9', '198.18.0.1'),
            {('--orig-src', '192.168.0.3', '--reply-dst', '198.18.0.1')},
        ),
        (
            Flow('192.168.0.2', '9.9.9.9', '9.9.9.9', '198.18.0.2'),
            {('--orig-src', '192.168.0.2', '--reply-dst', '198.18.0.2')},
        ),
        # Of a server that is gone, to it and from it.
        (
            Flow('192.168.0.2', '192.168.0.9', '192.168.0.9', '192.168.0.2'),
            {('--reply-src', '192.168.0.9')},
        ),
        (Flow('192.168.0.9', '9.9.9.9', '9.9.9.9', '172.16.0.1'), {('--orig-src', '192.168.0.9')}),
    ],
)
def test_what_leads_elsewhere_is_ended(flow: Flow, options: set[tuple[str, ...]]) -> None:
    """With as few calls of conntrack(8) as there are pairs of addresses, not as there are connections."""
    other_caller = (
        flow._replace(source='203.0.113.10', reply_target='203.0.113.10')
        if flow.source == '203.0.113.9'
        else flow
    )
    assert stale([flow, other_caller], ASSIGNMENTS) == options


NET = Network('hk1', '192.168.0.0/24', '192.168.0.1')
HERE = {'192.168.0.1', '203.0.113.1'}


def path(*rules: Rule) -> Datapath:
    """Two servers; the first has a group with these rules and a floating address, the second one that lets everything in."""
    ports = (
        Port('hkp1', '52:54:00:00:00:01', '192.168.0.2', 'hk1', ('1',)),
        Port('hkp2', '52:54:00:00:00:02', '192.168.0.3', 'hk1', ('2',)),
    )
    groups = (Group('1', rules), Group('2', (Rule('ingress'),)))
    return Datapath((NET,), groups, ports, (('198.18.0.1', '192.168.0.2'),))


BEGUN = """tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=1 dport=80 src=192.168.0.2 dst=203.0.113.9 sport=80 dport=1 [ASSURED]
tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=2 dport=22 src=192.168.0.2 dst=203.0.113.9 sport=22 dport=2 [ASSURED]
tcp      6 9 SYN_SENT src=203.0.113.1 dst=192.168.0.2 sport=3 dport=22 [UNREPLIED] src=192.168.0.2 dst=203.0.113.1 sport=22 dport=3
udp      17 27 src=192.168.0.2 dst=192.168.0.1 sport=5 dport=53 src=192.168.0.1 dst=192.168.0.2 sport=53 dport=5 mark=0 use=1
udp      17 27 src=192.168.0.2 dst=192.168.0.3 sport=5 dport=9 src=192.168.0.3 dst=192.168.0.2 sport=9 dport=5 mark=0 use=1
icmp     1 29 src=203.0.113.9 dst=192.168.0.3 type=8 code=0 id=1 src=192.168.0.3 dst=203.0.113.9 type=0 code=0 id=1 mark=0 use=1
gre      47 29 src=192.168.0.2 dst=203.0.113.9 srckey=0x0 dstkey=0x0 src=203.0.113.9 dst=192.168.0.2 srckey=0x0 dstkey=0x0
"""


@pytest.mark.parametrize(
    ('rules', 'ended'),
    [
        ((Rule('ingress'),), set()),
        (
            (Rule('ingress', 'tcp', 80, 80),),
            {'203.0.113.9 198.18.0.1 22', '203.0.113.1 192.168.0.2 22'},
        ),
        (
            (),
            {
                '203.0.113.9 198.18.0.1 22',
                '203.0.113.9 198.18.0.1 80',
                '203.0.113.1 192.168.0.2 22',
            },
        ),
        ((Rule('ingress'), Rule('egress', 'tcp')), {'192.168.0.2 192.168.0.3 9'}),
        (
            (Rule('ingress', 'tcp', 22, 22, '203.0.113.1/32'),),
            {'203.0.113.9 198.18.0.1 22', '203.0.113.9 198.18.0.1 80'},
        ),
    ],
)
def test_what_rules_do_not_allow_any_more(rules: tuple[Rule, ...], ended: set[str]) -> None:
    """In both directions, of the members of the group only; what servers ask of the host is none of the group's business."""
    found = denied(parse_connections(BEGUN), path(*rules), {'1'}, HERE)
    assert {f'{flow.source} {flow.target} {flow.port}' for flow in found} == ended


def test_how_they_are_ended() -> None:
    """All of them that began alike."""
    (flow,) = parse_connections(BEGUN.splitlines()[0])
    assert flow.options() == [
        '-p',
        'tcp',
        '--orig-src',
        '203.0.113.9',
        '--orig-dst',
        '198.18.0.1',
        '--orig-port-dst',
        '80',
    ]
