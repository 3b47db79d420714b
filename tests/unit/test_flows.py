# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which connections are ended: those of reassigned addresses, and those that rules now deny.

tests/reliability/test_killed.py tests it on a real kernel.
"""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.network.denied_flows import denied
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.denied_flows import (
    parse as parse_connections,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.flows import (
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
# The format of conntrack(8); a backslash joins the two halves of a line.
LISTED = """\
tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=1 dport=80 \
src=192.168.0.2 dst=203.0.113.9 sport=80 dport=1 [ASSURED]
udp      17 27 src=192.168.0.3 dst=192.168.0.1 sport=68 dport=67 [UNREPLIED] \
src=192.168.0.1 dst=192.168.0.3 sport=67 dport=68 mark=0 use=1
icmp     1 29 src=192.168.0.2 dst=9.9.9.9 type=8 code=0 id=1 \
src=9.9.9.9 dst=198.18.0.1 type=0 code=0 id=1 mark=0 use=1
"""


def test_a_listing_of_conntrack_is_parsed() -> None:
    """One line per connection, whatever its protocol."""
    assert parse(LISTED) == {
        Flow('203.0.113.9', '198.18.0.1', '192.168.0.2', '203.0.113.9'),
        Flow('192.168.0.3', '192.168.0.1', '192.168.0.1', '192.168.0.3'),
        Flow('192.168.0.2', '9.9.9.9', '9.9.9.9', '198.18.0.1'),
    }


def test_current_connections_are_kept() -> None:
    """Through a floating address in both directions, to a gateway, between servers, and foreign."""
    between = {
        Flow('192.168.0.2', '192.168.0.3', '192.168.0.3', '192.168.0.2'),
        Flow('10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.1'),
    }
    masqueraded = {Flow('192.168.0.3', '9.9.9.9', '9.9.9.9', '172.16.0.1')}
    assert stale(parse(LISTED) | between | masqueraded, ASSIGNMENTS) == set()


@pytest.mark.parametrize(
    ('flow', 'options'),
    [
        # The floating address was moved, was disassociated, or its server was deleted.
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
        # A connection to the outside from a floating address that was moved or disassociated.
        (
            Flow('192.168.0.3', '9.9.9.9', '9.9.9.9', '198.18.0.1'),
            {('--orig-src', '192.168.0.3', '--reply-dst', '198.18.0.1')},
        ),
        (
            Flow('192.168.0.2', '9.9.9.9', '9.9.9.9', '198.18.0.2'),
            {('--orig-src', '192.168.0.2', '--reply-dst', '198.18.0.2')},
        ),
        # To and from a server that was deleted.
        (
            Flow('192.168.0.2', '192.168.0.9', '192.168.0.9', '192.168.0.2'),
            {('--reply-src', '192.168.0.9')},
        ),
        (Flow('192.168.0.9', '9.9.9.9', '9.9.9.9', '172.16.0.1'), {('--orig-src', '192.168.0.9')}),
    ],
)
def test_stale_connections_are_ended(flow: Flow, options: set[tuple[str, ...]]) -> None:
    """With one call of conntrack(8) per pair of addresses, not per connection."""
    other = flow
    if flow.source == '203.0.113.9':
        other = flow._replace(source='203.0.113.10', reply_target='203.0.113.10')
    assert stale([flow, other], ASSIGNMENTS) == options


NET = Network('hk1', '192.168.0.0/24', '192.168.0.1')
HOST_ADDRESSES = {'192.168.0.1', '203.0.113.1'}


def path(*rules: Rule) -> Datapath:
    """Two servers: one with these rules and a floating address, one that accepts everything."""
    ports = (
        Port('hkp1', '52:54:00:00:00:01', '192.168.0.2', 'hk1', ('1',)),
        Port('hkp2', '52:54:00:00:00:02', '192.168.0.3', 'hk1', ('2',)),
    )
    groups = (Group('1', rules), Group('2', (Rule('ingress'),)))
    return Datapath((NET,), groups, ports, (('198.18.0.1', '192.168.0.2'),))


CONNECTIONS = """\
tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=1 dport=80 \
src=192.168.0.2 dst=203.0.113.9 sport=80 dport=1 [ASSURED]
tcp      6 431999 ESTABLISHED src=203.0.113.9 dst=198.18.0.1 sport=2 dport=22 \
src=192.168.0.2 dst=203.0.113.9 sport=22 dport=2 [ASSURED]
tcp      6 9 SYN_SENT src=203.0.113.1 dst=192.168.0.2 sport=3 dport=22 [UNREPLIED] \
src=192.168.0.2 dst=203.0.113.1 sport=22 dport=3
udp      17 27 src=192.168.0.2 dst=192.168.0.1 sport=5 dport=53 \
src=192.168.0.1 dst=192.168.0.2 sport=53 dport=5 mark=0 use=1
udp      17 27 src=192.168.0.2 dst=192.168.0.3 sport=5 dport=9 \
src=192.168.0.3 dst=192.168.0.2 sport=9 dport=5 mark=0 use=1
icmp     1 29 src=203.0.113.9 dst=192.168.0.3 type=8 code=0 id=1 \
src=192.168.0.3 dst=203.0.113.9 type=0 code=0 id=1 mark=0 use=1
gre      47 29 src=192.168.0.2 dst=203.0.113.9 srckey=0x0 dstkey=0x0 \
src=203.0.113.9 dst=192.168.0.2 srckey=0x0 dstkey=0x0
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
def test_denied_connections_are_ended(rules: tuple[Rule, ...], ended: set[str]) -> None:
    """In both directions, of members of the group only; requests to the host are not affected."""
    found = denied(parse_connections(CONNECTIONS), path(*rules), {'1'}, HOST_ADDRESSES)
    assert {f'{flow.source} {flow.target} {flow.port}' for flow in found} == ended


def test_options_of_conntrack() -> None:
    """They select all connections to the same target port."""
    (flow,) = parse_connections(CONNECTIONS.splitlines()[0])
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
