# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of packet filters of others, as far as they decide about packets by the device alone.

They are read from what nft and iptables-legacy-save list. A rule that applies to some of the
packets only (an address, a port, a connection state) decides nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Dict, List, NamedTuple, Tuple

OURS = ('inet', 'hanok'), ('bridge', 'hanok')
_FAMILIES = ('inet', 'ip', 'bridge')
# Packets of servers that pass a hook: those that come from a bridge, and those that leave by it.
DIRECTIONS = {'input': ('iifname',), 'forward': ('iifname', 'oifname')}
_VERDICTS = ('accept', 'drop', 'reject', 'return', 'jump', 'goto')
_DROPPING = ('drop', 'reject')
_NEUTRAL = ('counter', 'log')  # statements that neither match nor decide
Item = Mapping[str, Any]


class Table(NamedTuple):
    """A table of packet filter rules, and the program by which its owner changes it."""

    family: str
    name: str
    program: str = 'nft'  # nft, iptables-nft, iptables-legacy, ufw or firewalld


class BaseChain(NamedTuple):
    """A chain at a hook of the kernel."""

    table: Table
    name: str
    hook: str
    policy: str


class Rule(NamedTuple):
    """What a rule does with the packets that it matches by device.

    ``matches``: (iifname or oifname, patterns, whether the device has to be none of them).
    ``dnat``: it matches all packets whose destination was translated. ``partial``: it looks at more
    than that.
    """

    verdict: str
    target: str = ''
    matches: Tuple[Tuple[str, Tuple[str, ...], bool], ...] = ()
    dnat: bool = False
    partial: bool = False

    def covers(self, direction: str, bridge: str) -> bool:
        """Whether it applies to all packets that pass this bridge in this direction.

        Packets to servers from elsewhere are those for a floating IP, which is translated.
        """
        if self.partial or (self.dnat and direction != 'oifname'):
            return False
        return all(
            key == direction and _is_named(bridge, patterns, self.verdict) != negated
            for key, patterns, negated in self.matches
        )


Rules = Dict[Tuple[Table, str], List[Rule]]


def _is_named(bridge: str, patterns: Sequence[str], verdict: str) -> bool:
    """Whether patterns name a bridge. The elements of a named set are unknown: none is accused."""
    if any(pattern.startswith('@') for pattern in patterns):
        return verdict not in ('drop', 'reject')
    return any(fnmatchcase(bridge, pattern) for pattern in patterns)


def base_chains(listing: Iterable[Item]) -> List[BaseChain]:
    """The base chains of others at the hooks that packets of servers pass."""
    described = [_chain_fields(item) for item in listing]
    chains = [fields for fields in described if fields is not None]
    programs = _programs(chains)
    return [
        BaseChain(Table(family, table, programs[family, table]), name, hook, policy)
        for family, table, name, hook, policy in chains
        if hook in DIRECTIONS
    ]


Fields = Tuple[str, str, str, str, str]


def _chain_fields(item: Item) -> Fields | None:
    """Family, table, name, hook and policy of a chain of others."""
    chain = item.get('chain')
    if not isinstance(chain, dict):
        return None
    family, table, name = (_word(chain.get(key)) for key in ('family', 'table', 'name'))
    if family not in _FAMILIES or not table or not name or (family, table) in OURS:
        return None
    return family, table, name, _word(chain.get('hook')), _word(chain.get('policy'))


def _word(value: object) -> str:
    """A name that may be put into a command and a sentence; empty for any other value."""
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        return ''
    return value if value.replace('-', '').replace('_', '').isalnum() and value.isascii() else ''


def _programs(chains: Sequence[Fields]) -> Dict[Tuple[str, str], str]:
    """The program that owns each table, by the names that it gives to chains."""
    programs: Dict[Tuple[str, str], str] = {}
    for family, table, name, _hook, _policy in chains:
        key = (family, table)
        programs.setdefault(key, 'firewalld' if table == 'firewalld' else 'nft')
        if key == ('ip', 'filter') and name.startswith('ufw-'):
            programs[key] = 'ufw'
        elif key == ('ip', 'filter') and name in ('INPUT', 'FORWARD') and programs[key] == 'nft':
            programs[key] = 'iptables-nft'
    return programs


def rules_by_chain(listing: Iterable[Item], chains: Iterable[BaseChain]) -> Rules:
    """The rules of the tables of these chains, in their order."""
    tables = {(chain.table.family, chain.table.name): chain.table for chain in chains}
    found: Rules = {}
    for item in listing:
        rule = item.get('rule')
        if not isinstance(rule, dict) or not isinstance(rule.get('expr'), list):
            continue
        table = tables.get((_word(rule.get('family')), _word(rule.get('table'))))
        if table is not None:
            found.setdefault((table, _word(rule.get('chain'))), []).extend(parse(rule['expr']))
    return found


def parse(expressions: Sequence[object]) -> List[Rule]:
    """A rule of nft; one for each element where it decides by a verdict map of devices."""
    rule = Rule('')
    for expression in expressions:
        if not isinstance(expression, dict) or len(expression) != 1:
            rule = rule._replace(partial=True)
            continue
        ((key, value),) = expression.items()
        if key in _VERDICTS:
            rule = rule._replace(verdict=key, target=_target(value))
        elif key == 'vmap':
            return [_with_match(rule, *entry) for entry in _verdict_map(value)]
        elif key == 'match':
            rule = _matched(rule, value)
        elif key not in _NEUTRAL:
            rule = rule._replace(partial=True)
    return [rule] if rule.verdict else []


def _target(value: object) -> str:
    return _word(value.get('target')) if isinstance(value, dict) else ''


def _with_match(rule: Rule, key: str, device: str, verdict: str, target: str) -> Rule:
    return rule._replace(
        verdict=verdict, target=target, matches=(*rule.matches, (key, (device,), False))
    )


def _verdict_map(value: object) -> List[Tuple[str, str, str, str]]:
    """The entries of a verdict map of devices: what is matched, device, verdict, target."""
    key = _device_key(value.get('key')) if isinstance(value, dict) else ''
    data = value.get('data') if isinstance(value, dict) else None
    elements = data.get('set') if isinstance(data, dict) else None
    if not key or not isinstance(elements, list):
        return []
    return [
        (key, element[0], verdict, _target(element[1].get(verdict)))
        for element in elements
        if _is_entry(element)
        for verdict in element[1]
        if verdict in _VERDICTS
    ]


def _is_entry(element: object) -> bool:
    if not isinstance(element, list) or len(element) != 2:
        return False
    return isinstance(element[0], str) and isinstance(element[1], dict)


def _matched(rule: Rule, match: object) -> Rule:
    """The rule with one more match."""
    if not isinstance(match, dict):
        return rule._replace(partial=True)
    left = match.get('left')
    right = match.get('right')
    operator = match.get('op')
    key = _device_key(left)
    patterns = _patterns(right)
    if key and patterns and operator in ('==', '!='):
        return rule._replace(matches=(*rule.matches, (key, patterns, operator == '!=')))
    if left == {'ct': {'key': 'state'}} and operator in ('==', 'in') and _has_new(right):
        return rule
    if left == {'ct': {'key': 'status'}} and right == 'dnat' and operator in ('==', 'in'):
        return rule._replace(dnat=True)
    return rule._replace(partial=True)


def _has_new(states: object) -> bool:
    """Whether the first packet of a connection has one of these states."""
    found = states.get('set') if isinstance(states, dict) else states
    return found == 'new' or (isinstance(found, list) and 'new' in found)


def _device_key(left: object) -> str:
    meta = left.get('meta') if isinstance(left, dict) else None
    key = meta.get('key') if isinstance(meta, dict) else None
    return key if key in ('iifname', 'oifname') else ''


def _patterns(right: object) -> Tuple[str, ...]:
    if isinstance(right, str):
        return (right,)
    elements = right.get('set') if isinstance(right, dict) else None
    if not isinstance(elements, list):
        return ()
    return tuple(element for element in elements if isinstance(element, str))


def parse_legacy(text: str) -> Tuple[List[BaseChain], Rules]:
    """What iptables-legacy-save prints of the table filter (iptables-save(8))."""
    table = Table('ip', 'filter', 'iptables-legacy')
    chains: List[BaseChain] = []
    rules: Rules = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] in (':INPUT', ':FORWARD'):
            name = words[0][1:]
            chains.append(BaseChain(table, name, name.lower(), words[1].lower()))
        elif len(words) > 2 and words[0] == '-A':
            rules.setdefault((table, words[1]), []).append(_legacy_rule(words[2:]))
    return chains, rules


def _legacy_rule(words: Sequence[str]) -> Rule:
    """A rule of iptables: its devices and verdict; any other match makes it partial."""
    rule = Rule('')
    rest = list(words)
    while len(rest) > 1 and rest[0] in ('-i', '-o', '-j', '-g'):
        flag = rest[0]
        value = rest[1]
        del rest[:2]
        if flag in ('-i', '-o'):
            key = 'iifname' if flag == '-i' else 'oifname'
            pattern = value[:-1] + '*' if value.endswith('+') else value
            rule = rule._replace(matches=(*rule.matches, (key, (pattern,), False)))
        elif value.lower() in ('accept', 'drop', 'reject', 'return'):
            rule = rule._replace(verdict=value.lower())
        else:
            rule = rule._replace(verdict='jump' if flag == '-j' else 'goto', target=value)
    is_reject = rule.verdict == 'reject' and rest[:1] == ['--reject-with']
    return rule._replace(partial=bool(rest) and not is_reject)


def verdict(chain: BaseChain, rules: Rules, direction: str, bridge: str) -> str:
    """The verdict on the packets that pass a bridge in a direction: accept or drop."""
    decided = _Traversal(chain.table, rules, direction, bridge).of_chain(chain.name)
    return 'drop' if (decided or chain.policy) in _DROPPING else 'accept'


class _Traversal:
    """The way of the packets that pass a bridge in a direction, through the chains of a table."""

    def __init__(self, table: Table, rules: Rules, direction: str, bridge: str) -> None:
        self.table = table
        self.rules = rules
        self.direction = direction
        self.bridge = bridge
        self.known: Dict[str, str] = {}

    def of_chain(self, name: str) -> str:
        """The verdict of a chain; empty if it returns. A loop of chains decides nothing either."""
        if name not in self.known:
            self.known[name] = ''
            self.known[name] = self._of_rules(self.rules.get((self.table, name), ()))
        return self.known[name]

    def _of_rules(self, rules: Sequence[Rule]) -> str:
        has_returned = False  # some of the packets, so that a later drop is not one of all
        for rule in rules:
            if not rule.covers(self.direction, self.bridge):
                has_returned = has_returned or (rule.partial and rule.verdict == 'return')
                continue
            found = self.of_chain(rule.target) if rule.target else rule.verdict
            if found in _DROPPING and has_returned:
                return ''
            if found or rule.verdict == 'goto':
                return '' if found == 'return' else found
        return ''
