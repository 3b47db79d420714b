# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of security groups as Neutron has them, translated in both directions.

Neutron has a rule per family of addresses, and allows no egress without a rule. So a rule for any
address, or for a group, is two rules of Neutron, and a group without egress rules has two as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Dict, List, NamedTuple, Set, Tuple

from ..._model.rule import (
    ALL_IPV4,
    ANYWHERE,
    AnyRule,
    ForeignRule,
    Rule,
    allow_all_egress,
    network,
    normalized,
)
from ..api.api import Body, Raw

_FAMILIES = ('IPv4', 'IPv6')
_ICMP6 = 'ipv6-icmp'
# Protocols may be numbers (IANA).
_PROTOCOLS = {'1': 'icmp', '6': 'tcp', '17': 'udp', 'any': None}
_ICMP6_FORMS = ('icmp', '1', '58', 'icmpv6', _ICMP6)
_ALL_IPV6 = '::/0'
# Stands for the lack of egress rules in Neutron, by which a group allows no egress.
NO_EGRESS = ForeignRule('', 'nothing to any', 'egress')


class Key(NamedTuple):
    """What distinguishes a rule of Neutron from the others of its group.

    ``remote``: a network or the id of a group; None: all addresses of the family.
    """

    direction: str
    family: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    remote: str | None
    is_group: bool = False


def rules_of(raw_rules: Iterable[Raw], names: Mapping[str, str]) -> Tuple[AnyRule, ...]:
    """Return the rules of a group. ``names``: of groups by their ids."""
    rules: Set[AnyRule] = set()
    by_key: Dict[Key, List[Raw]] = {}
    for raw in raw_rules:
        if raw.get('remote_address_group_id'):
            rules.add(_foreign(raw, key_of(raw), names))
        else:
            by_key.setdefault(key_of(raw), []).append(raw)
    for key, some in by_key.items():
        rule = _rule(key, names)
        if rule and keys_of(rule, _ids(key, names)) <= set(by_key):
            rules.add(rule)
        else:
            rules |= {_foreign(raw, key, names) for raw in some}
    if allow_all_egress(rules):
        rules.add(NO_EGRESS)
    return normalized(rules)


def key_of(raw: Raw) -> Key:
    """Return what distinguishes a rule of Neutron."""
    family = raw['ethertype']
    group = raw['remote_group_id']
    protocol = raw['protocol']
    if family == 'IPv6' and protocol in _ICMP6_FORMS:
        protocol = 'icmp'
    remote = group or _network(raw['remote_ip_prefix'])
    protocol = _PROTOCOLS.get(protocol, protocol)
    return Key(raw['direction'], family, protocol, *_ports(raw), remote, bool(group))


def _ports(raw: Raw) -> Tuple[int | None, int | None]:
    ports = (raw['port_range_min'], raw['port_range_max'])
    return (None, None) if ports == (1, 65535) else ports


def _network(cidr: str | None) -> str | None:
    """A network in its only form; None: all addresses of its family."""
    if cidr in (None, ALL_IPV4, _ALL_IPV6):
        return None
    try:
        return str(network(str(cidr)))
    except ValueError:
        return cidr


def _rule(key: Key, names: Mapping[str, str]) -> Rule | None:
    """The rule that a rule of Neutron is, or is one half of; None: tasks cannot write it."""
    remote = key.remote or ''
    if key.is_group:
        cidr = ''
        group = names.get(remote, '')  # a group that cannot be seen has no name
    else:
        cidr = remote or ANYWHERE
        group = None
    protocol = key.protocol or 'any'
    try:
        return Rule(key.direction, protocol, key.port_min, key.port_max, cidr, group)
    except ValueError:
        return None


def _ids(key: Key, names: Mapping[str, str]) -> Mapping[str, str]:
    if not key.is_group:
        return {}
    remote = key.remote or ''
    return {names[remote]: remote}


def keys_of(rule: Rule, ids: Mapping[str, str]) -> Set[Key]:
    """Return the rules of Neutron that a rule is. ``ids``: of groups by their names."""
    key = Key(
        direction=rule.direction,
        family='IPv4',
        protocol=None if rule.protocol == 'any' else rule.protocol,
        port_min=rule.port_min,
        port_max=rule.port_max,
        remote=None,
    )
    if rule.remote_cidr not in ('', ANYWHERE):
        return {key._replace(remote=rule.remote_cidr)}
    if rule.remote_group is not None:
        group = ids[rule.remote_group]
        key = key._replace(remote=group, is_group=True)
    return {key._replace(family=family) for family in _FAMILIES}


def wanted_keys(rules: Sequence[AnyRule], ids: Mapping[str, str]) -> Set[Key]:
    """Return the rules of Neutron that a group with these rules has, without foreign ones."""
    own = [rule for rule in rules if isinstance(rule, Rule)]
    if allow_all_egress(rules):
        own.append(Rule('egress'))
    keys: Set[Key] = set()
    for rule in own:
        keys |= keys_of(rule, ids)
    return keys


def body_of(key: Key, group_id: str) -> Body:
    """Return the request that creates a rule in a group."""
    is_icmp6 = key.protocol == 'icmp' and key.family == 'IPv6'
    body: Body = {
        'security_group_id': group_id,
        'direction': key.direction,
        'ethertype': key.family,
        'protocol': _ICMP6 if is_icmp6 else key.protocol,
        'port_range_min': key.port_min,
        'port_range_max': key.port_max,
        'remote_ip_prefix': None,
        'remote_group_id': None,
    }
    remote = 'remote_group_id' if key.is_group else 'remote_ip_prefix'
    body[remote] = key.remote
    return body


def _foreign(raw: Raw, key: Key, names: Mapping[str, str]) -> ForeignRule:
    """A rule of Neutron that tasks cannot write, in words."""
    toward = 'from' if key.direction == 'ingress' else 'to'
    words = [
        key.protocol or 'any',
        *_port_words(key),
        toward,
        _remote_words(raw, key, names),
    ]
    if key.family == 'IPv6' or _rule(key, names):
        words.append(f'({key.family})')  # otherwise it reads like a rule for both
    return ForeignRule(raw['id'], ' '.join(words), key.direction)


def _port_words(key: Key) -> List[str]:
    """The ports; of ICMP, they are its type and its code."""
    if key.port_min != key.port_max:
        return [f'{key.port_min}-{key.port_max}']
    if key.port_min is None:
        return []
    return [str(key.port_min)]


def _remote_words(raw: Raw, key: Key, names: Mapping[str, str]) -> str:
    remote = key.remote or ANYWHERE
    address_group = raw.get('remote_address_group_id')
    if key.is_group:
        return f'group:{names.get(remote, remote)}'
    if address_group:
        return f'address group {address_group}'
    return remote
