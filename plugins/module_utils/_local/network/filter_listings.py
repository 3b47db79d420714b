# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packet filters of others, as nft and iptables-legacy-save list them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Dict, List, Tuple

from .filter_rules import DIRECTIONS, BaseChain, Match, Rule, Rules, Table

OURS = ('inet', 'hanok'), ('bridge', 'hanok')
_FAMILIES = ('inet', 'ip', 'bridge')
_VERDICTS = ('accept', 'drop', 'reject', 'return', 'jump', 'goto')
_NEUTRAL = ('counter', 'log')  # statements that neither match nor decide
_CONNECTION_STATE = {'ct': {'key': 'state'}}
_CONNECTION_STATUS = {'ct': {'key': 'status'}}
Item = Mapping[str, Any]
Fields = Tuple[str, str, str, str, str]


def base_chains(listing: Iterable[Item]) -> List[BaseChain]:
    """The base chains of others at the hooks that packets of servers pass."""
    described = [_chain_fields(item) for item in listing]
    chains = [fields for fields in described if fields is not None]
    programs = _programs(chains)
    found: List[BaseChain] = []
    for family, table_name, name, hook, policy in chains:
        if hook in DIRECTIONS:
            program = programs[family, table_name]
            table = Table(family, table_name, program)
            found.append(BaseChain(table, name, hook, policy))
    return found


def _chain_fields(item: Item) -> Fields | None:
    """Family, table, name, hook and policy of a chain of others."""
    chain = item.get('chain')
    if not isinstance(chain, dict):
        return None
    family = _word(chain.get('family'))
    table = _word(chain.get('table'))
    name = _word(chain.get('name'))
    if family not in _FAMILIES or not table or not name:
        return None
    if (family, table) in OURS:
        return None
    hook = _word(chain.get('hook'))
    policy = _word(chain.get('policy'))
    return family, table, name, hook, policy


def _word(value: object) -> str:
    """A name that may be put into a command and a sentence; empty for any other value."""
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        return ''
    letters = value.replace('-', '').replace('_', '')
    is_plain = letters.isalnum() and letters.isascii()
    return value if is_plain else ''


def _programs(chains: Sequence[Fields]) -> Dict[Tuple[str, str], str]:
    """The program that owns each table, by the names that it gives to chains."""
    programs: Dict[Tuple[str, str], str] = {}
    for family, table, name, _hook, _policy in chains:
        key = (family, table)
        programs.setdefault(key, 'firewalld' if table == 'firewalld' else 'nft')
        if key != ('ip', 'filter'):
            continue
        if name.startswith('ufw-'):
            programs[key] = 'ufw'
        elif name in ('INPUT', 'FORWARD') and programs[key] == 'nft':
            programs[key] = 'iptables-nft'
    return programs


def rules_by_chain(listing: Iterable[Item], chains: Iterable[BaseChain]) -> Rules:
    """The rules of the tables of these chains, in their order."""
    tables = {(chain.table.family, chain.table.name): chain.table for chain in chains}
    found: Rules = {}
    for item in listing:
        rule = item.get('rule')
        if not isinstance(rule, dict):
            continue
        expressions = rule.get('expr')
        family = _word(rule.get('family'))
        table = tables.get((family, _word(rule.get('table'))))
        if table is None or not isinstance(expressions, list):
            continue
        chain = _word(rule.get('chain'))
        found.setdefault((table, chain), []).extend(parse(expressions))
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
            return _mapped(rule, value)
        elif key == 'match':
            rule = _matched(rule, value)
        elif key not in _NEUTRAL:
            rule = rule._replace(partial=True)
    return [rule] if rule.verdict else []


def _target(value: object) -> str:
    if not isinstance(value, dict):
        return ''
    return _word(value.get('target'))


def _inner(value: object, key: str) -> object:
    """What an expression has at a key; None if it is something else."""
    return value.get(key) if isinstance(value, dict) else None


def _mapped(rule: Rule, value: object) -> List[Rule]:
    """The rules that a verdict map of devices stands for, one for each of its elements."""
    direction = _direction(_inner(value, 'key'))
    elements = _inner(_inner(value, 'data'), 'set')
    if not direction or not isinstance(elements, list):
        return []
    rules: List[Rule] = []
    for element in elements:
        if not _is_entry(element):
            continue
        device, verdicts = element
        matching = rule.with_match(Match(direction, (device,)))
        for verdict in verdicts:
            if verdict in _VERDICTS:
                target = _target(verdicts[verdict])
                rules.append(matching._replace(verdict=verdict, target=target))
    return rules


def _is_entry(element: object) -> bool:
    """Whether an element of a verdict map is a device with its verdict."""
    if not isinstance(element, list) or len(element) != 2:
        return False
    device, verdicts = element
    return isinstance(device, str) and isinstance(verdicts, dict)


def _matched(rule: Rule, match: object) -> Rule:
    """The rule with one more match."""
    left = _inner(match, 'left')
    right = _inner(match, 'right')
    operator = _inner(match, 'op')
    direction = _direction(left)
    patterns = _patterns(right)
    if direction and patterns and operator in ('==', '!='):
        negated = operator == '!='
        return rule.with_match(Match(direction, patterns, negated))
    if operator in ('==', 'in'):
        if left == _CONNECTION_STATE and _has_new(right):
            return rule
        if left == _CONNECTION_STATUS and right == 'dnat':
            return rule._replace(dnat=True)
    return rule._replace(partial=True)


def _has_new(states: object) -> bool:
    """Whether the first packet of a connection has one of these states."""
    found = states.get('set') if isinstance(states, dict) else states
    if isinstance(found, list):
        return 'new' in found
    return found == 'new'


def _direction(left: object) -> str:
    """The direction whose device an expression names: iifname or oifname; else empty."""
    key = _inner(_inner(left, 'meta'), 'key')
    if key == 'iifname':
        return 'iifname'
    if key == 'oifname':
        return 'oifname'
    return ''


def _patterns(right: object) -> Tuple[str, ...]:
    if isinstance(right, str):
        return (right,)
    elements = _inner(right, 'set')
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
        if len(words) < 2:
            continue
        first, second, *rest = words
        if first in (':INPUT', ':FORWARD'):
            name = first[1:]
            chain = BaseChain(table, name, name.lower(), second.lower())
            chains.append(chain)
        elif first == '-A' and rest:
            rule = _legacy_rule(rest)
            rules.setdefault((table, second), []).append(rule)
    return chains, rules


def _legacy_rule(words: Sequence[str]) -> Rule:
    """A rule of iptables: its devices and verdict; any other match makes it partial."""
    rule = Rule('')
    rest = list(words)
    while len(rest) > 1 and rest[0] in ('-i', '-o', '-j', '-g'):
        flag, value = rest[:2]
        del rest[:2]
        verdict = value.lower()
        if flag in ('-i', '-o'):
            direction = 'iifname' if flag == '-i' else 'oifname'
            rule = rule.with_match(Match(direction, (_pattern(value),)))
        elif verdict in ('accept', 'drop', 'reject', 'return'):
            rule = rule._replace(verdict=verdict)
        else:
            verdict = 'jump' if flag == '-j' else 'goto'
            rule = rule._replace(verdict=verdict, target=value)
    is_reject = rule.verdict == 'reject' and rest[:1] == ['--reject-with']
    return rule._replace(partial=bool(rest) and not is_reject)


def _pattern(device: str) -> str:
    """A device of iptables, where + at the end stands for any letters, as nft has it."""
    if device.endswith('+'):
        return device[:-1] + '*'
    return device
