# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The range of a network on a host with routes, nameservers and logged-in users."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.profile import PROFILE
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Plan
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import (
    Network,
    NetworkRequest,
    Route,
    Surroundings,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.network import (
    ObservedNetworks,
    plan,
)

VPN = (Route('0.0.0.0/1', 'tun0'), Route('128.0.0.0/1', 'tun0'))
PRIVATE = tuple(Route(cidr, 'tun0') for cidr in ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'))
LAN = Route('192.168.0.0/16', 'eth0', connected=True)
CHOOSE = 'use one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'


def planned(
    surroundings: Surroundings, cidr: str | None = None, taken: dict[str, str] | None = None
) -> Plan:
    """A plan for the network n."""
    options = {} if cidr is None else {'cidr': cidr}
    return plan(
        NetworkRequest('n', 'present', options),
        ObservedNetworks({}, taken or {}, surroundings, PROFILE),
    )


@pytest.mark.parametrize(
    ('surroundings', 'cidr', 'expected'),
    [
        (Surroundings(), '192.168.0.0/24', ''),
        (Surroundings(VPN), '192.168.0.0/24', ''),
        (
            Surroundings(PRIVATE),
            '192.168.0.0/24',
            '192.168.0.0/24 is a part of a route through tun0 (192.168.0.0/16)',
        ),
        (
            Surroundings(PRIVATE[2:]),
            '10.0.0.0/24',
            'this host has a route through tun0 (192.168.0.0/16)',
        ),
        (Surroundings((LAN, *VPN)), '10.0.0.0/24', 'eth0 (192.168.0.0/16)'),
        (Surroundings((Route('192.168.0.7/32', 'wg0'),)), '192.168.1.0/24', 'wg0 (192.168.0.7/32)'),
        (
            Surroundings((Route('192.168.0.0/24', 'docker0'),)),
            '192.168.1.0/24',
            'docker0 (192.168.0.0/24)',
        ),
        (
            Surroundings(VPN, {'192.168.0.53': 'a nameserver of this host'}),
            '192.168.1.0/24',
            'a nameserver of this host (192.168.0.53)',
        ),
    ],
)
def test_automatic_range(surroundings: Surroundings, cidr: str, expected: str) -> None:
    """A free range; else a part of a wider route, but never of the LAN or of needed hosts."""
    found = planned(surroundings)
    assert [made.cidr for made in found.result] == [cidr]
    assert not found.refused
    assert bool(found.notes) == bool(expected)
    assert expected in ' '.join(found.notes)


@pytest.mark.parametrize(
    ('surroundings', 'cidr', 'expected'),
    [
        (Surroundings(VPN), '10.7.0.0/24', ''),
        (
            Surroundings(PRIVATE),
            '10.7.0.0/24',
            '10.7.0.0/24 is a part of a route through tun0 (10.0.0.0/8); this host '
            'no longer reaches',
        ),
        (
            Surroundings((LAN,)),
            '192.168.4.0/24',
            '192.168.4.0/24 is a part of a route through eth0',
        ),
        (
            Surroundings((Route('10.7.3.0/24', 'docker0'),)),
            '10.7.0.0/16',
            'through docker0 (10.7.3.0/24) is a part of 10.7.0.0/16; servers with',
        ),
        (
            Surroundings(VPN, {'10.7.0.1': 'a gateway of this host on eth0'}),
            '10.7.0.0/24',
            '10.7.0.0/24 covers 10.7.0.1, a gateway of this host on eth0',
        ),
        (
            Surroundings(hosts={'10.7.0.9': 'a client logged in to this host by SSH'}),
            '10.7.0.0/24',
            'covers 10.7.0.9, a client logged in to this host by SSH',
        ),
    ],
)
def test_requested_range(surroundings: Surroundings, cidr: str, expected: str) -> None:
    """With a warning of what it hides, which parts of a default route are not."""
    found = planned(surroundings, cidr)
    assert not found.refused
    assert bool(found.notes) == bool(expected)
    assert expected in ' '.join(found.notes)


def test_longer_prefix() -> None:
    """A needed host is not hidden if a route with a longer prefix has it."""
    found = planned(
        Surroundings(
            (Route('10.7.3.0/24', 'eth0', connected=True),),
            {'10.7.3.1': 'a gateway of this host on eth0'},
        ),
        '10.7.0.0/16',
    )
    assert not [note for note in found.notes if 'covers' in note]


@pytest.mark.parametrize(
    ('cidr', 'refused'),
    [
        (
            '8.8.8.0/24',
            'cidr: 8.8.8.0/24 is not private: this host and its servers would no longer reach '
            f'its addresses on the internet; {CHOOSE}',
        ),
        (
            '172.0.0.0/8',
            'cidr: 172.0.0.0/8 is not private: this host and its servers would no longer reach '
            f'its addresses on the internet; {CHOOSE}',
        ),
        (
            '10.7.0.0/24',
            'cidr: 10.7.0.0/24 is already a route through docker0 (10.7.0.0/24); use '
            'another, or omit it',
        ),
        (
            '10.8.0.0/24',
            'cidr: 10.8.0.0/24 overlaps the network back (10.8.0.0/16); use another, or omit it',
        ),
    ],
)
def test_what_is_refused(cidr: str, refused: str) -> None:
    """Ranges of others on the internet, and those that libvirt would refuse (an equal route)."""
    surroundings = Surroundings((Route('10.7.0.0/24', 'docker0', connected=True),))
    assert planned(surroundings, cidr, {'10.8.0.0/16': 'the network back'}).refused == (refused,)


@pytest.mark.parametrize('cidr', ['100.64.0.0/16', '198.18.7.0/24', '10.0.0.0/8', '172.16.0.0/12'])
def test_private_ranges(cidr: str) -> None:
    """Also the ranges for carriers and benchmarks, and large ones."""
    assert planned(Surroundings(), cidr).refused == ()


def test_existing_network() -> None:
    """An existing network in a range that would be refused now is kept."""
    there = {'n': Network('n', '8.8.8.0/24', '8.8.8.1')}
    found = plan(NetworkRequest('n', 'present', {'cidr': '8.8.8.0/24'}), ObservedNetworks(there))
    assert (found.changes, found.refused) == ((), ())
