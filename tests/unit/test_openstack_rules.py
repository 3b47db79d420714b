# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of security groups as Neutron has them: none is lost, none means more or less."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    AnyRule,
    ForeignRule,
    Rule,
    normalized,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.network.rule_items import (
    NO_EGRESS,
    Key,
    body_of,
    key_of,
    rules_of,
    wanted_keys,
)

NAMES = {'g1': 'web', 'g2': 'db one'}
IDS = {name: identity for identity, name in NAMES.items()}
SSH = {'protocol': 'tcp', 'port_range_min': 22, 'port_range_max': 22}
EGRESS = tuple({'direction': 'egress', 'ethertype': family} for family in ('IPv4', 'IPv6'))


def raw(identity: object = 'r1', **values: Any) -> dict[str, Any]:
    """A rule as Neutron returns it."""
    return {
        'id': str(identity),
        'direction': 'ingress',
        'ethertype': 'IPv4',
        'protocol': None,
        'port_range_min': None,
        'port_range_max': None,
        'remote_ip_prefix': None,
        'remote_group_id': None,
        'remote_address_group_id': None,
        **values,
    }


def read(*rules: dict[str, Any], egress: bool = True) -> tuple[AnyRule, ...]:
    """What a group with these rules, and by default all egress, has."""
    all_rules = [*rules, *(EGRESS if egress else ())]
    numbers = count()
    return rules_of([raw(next(numbers), **rule) for rule in all_rules], NAMES)


def ports() -> st.SearchStrategy[tuple[int | None, int | None]]:
    """All ports, or a range."""
    port = st.integers(1, 65535)
    ranges = st.tuples(port, port).map(lambda pair: (min(pair), max(pair)))
    return st.one_of(st.just((None, None)), ranges)


def rules() -> st.SearchStrategy[Rule]:
    """Any rule that a task can write."""
    protocols = st.one_of(
        st.tuples(st.sampled_from(['any', 'icmp']), st.just((None, None))),
        st.tuples(st.sampled_from(['tcp', 'udp']), ports()),
    )
    remotes = st.sampled_from(
        [('any', None), ('10.0.0.0/8', None), ('1.2.3.4/32', None), ('', 'web'), ('', 'db one')]
    )
    return st.builds(
        lambda direction, what, remote: Rule(direction, what[0], *what[1], *remote),
        st.sampled_from(['ingress', 'egress']),
        protocols,
        remotes,
    )


@given(st.lists(rules(), max_size=6))
def test_what_is_written_is_read_again(wanted: list[Rule]) -> None:
    """The rules of Neutron that a group gets are read as the rules of the group."""
    keys = wanted_keys(normalized(wanted), IDS)
    bodies = [raw(number, **body_of(key, 'g0')) for number, key in enumerate(keys)]
    assert rules_of(bodies, NAMES) == normalized(wanted)
    assert {key_of(body) for body in bodies} == keys


def test_any_is_both_families() -> None:
    """A rule for one family only is foreign, because no task can write it."""
    assert read({**SSH}, {**SSH, 'ethertype': 'IPv6'}) == (Rule('ingress', 'tcp', 22, 22),)
    (half,) = read(SSH)
    assert half == ForeignRule('0', 'tcp 22 from any (IPv4)', 'ingress')
    group = {'remote_group_id': 'g1'}
    assert read(group, {**group, 'ethertype': 'IPv6'}) == (
        Rule('ingress', remote_cidr='', remote_group='web'),
    )
    assert read({**SSH, 'remote_ip_prefix': '10.0.0.1/8'}) == (
        Rule('ingress', 'tcp', 22, 22, '10.0.0.0/8'),
    )


def test_egress() -> None:
    """A group without egress rules in Neutron allows none, which is not what ours mean by it."""
    assert read() == ()
    assert read(egress=False) == (NO_EGRESS,)
    https = {'direction': 'egress', 'protocol': 'tcp', 'remote_ip_prefix': '10.0.0.0/8'}
    narrow = Rule('egress', 'tcp', remote_cidr='10.0.0.0/8')
    assert read(https, egress=False) == (narrow,)
    assert read(https) == (Rule('egress'), narrow)
    assert read(EGRESS[0], egress=False) == (ForeignRule('0', 'any to any (IPv4)', 'egress'),)
    assert wanted_keys((NO_EGRESS,), IDS) == set()
    assert len(wanted_keys((), IDS)) == 2


@pytest.mark.parametrize(
    ('rule', 'text'),
    [
        ({'protocol': 'sctp'}, 'sctp from any'),
        ({'protocol': 'icmp', 'port_range_min': 8, 'port_range_max': 0}, 'icmp 8-0 from any'),
        ({**SSH, 'ethertype': 'IPv6', 'remote_ip_prefix': '::/0'}, 'tcp 22 from any (IPv6)'),
        ({'ethertype': 'IPv6', 'remote_ip_prefix': 'fd00::/8'}, 'any from fd00::/8 (IPv6)'),
        ({'direction': 'egress', 'protocol': '112'}, '112 to any'),
        ({'remote_group_id': 'g1'}, 'any from group:web (IPv4)'),
        ({'remote_group_id': 'unseen'}, 'any from group:unseen'),
        ({'remote_address_group_id': 'a1'}, 'any from address group a1 (IPv4)'),
    ],
)
def test_foreign_rules(rule: dict[str, Any], text: str) -> None:
    """What tasks have no words for is shown as it is."""
    (found,) = (one for one in read(rule) if isinstance(one, ForeignRule))
    assert (found.text, found.id) == (text, '0')


def test_one_key_for_several_forms() -> None:
    """Numbers of protocols, networks of all addresses and all ports have several forms."""
    assert key_of(raw(protocol='6')) == key_of(raw(protocol='tcp', remote_ip_prefix='0.0.0.0/0'))
    every = raw(protocol='tcp', port_range_min=1, port_range_max=65535)
    assert key_of(every) == key_of(raw(protocol='tcp'))
    icmp = {key_of(raw(ethertype='IPv6', protocol=form)) for form in ('icmp', '58', 'ipv6-icmp')}
    assert icmp == {Key('ingress', 'IPv6', 'icmp', None, None, None)}
    assert body_of(next(iter(icmp)), 'g0')['protocol'] == 'ipv6-icmp'
