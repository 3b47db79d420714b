# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What else on this host drops packets of servers: firewalls of others, which an accept of ours never overrides.

One short listing of chains tells whether there is any; the rules of a table are read only where it
drops by policy, or is firewalld's. What others wrote is read by its form, and what is not of it is
passed over.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Dict, List, NamedTuple, Set, Tuple

_OURS = ('inet', 'hanok'), ('bridge', 'hanok')
_FAMILIES = ('inet', 'ip', 'bridge')
_MOST = 8 << 20  # bytes of a listing that are read
# What must be let through at a hook: what comes from servers, and what goes to them.
_WAYS = {'input': ('iifname',), 'forward': ('iifname', 'oifname')}


class Base(NamedTuple):
    """A chain in which packets are judged, and its table."""

    family: str
    table: str
    name: str
    hook: str
    policy: str


def suspects(bridges: Sequence[str]) -> List[str]:
    """What drops packets of the servers on these bridges, as sentences with the command that lets them through; none: nothing."""
    if not bridges:
        return []
    chains = bases(_listed('list chains'))
    found: List[str] = []
    for base in chains:
        if base.policy == 'drop':
            found += _dropping(base, _listed(f'list table {base.family} {base.table}'), bridges)
    if any((base.family, base.table) == ('inet', 'firewalld') for base in chains):
        found += firewalld(_listed('list table inet firewalld'), bridges)
    return found


def _listed(command: str) -> List[Dict[str, Any]]:
    """What nft lists as JSON (libnftables-json(5)); nothing where it is not of that form."""
    words = ['nft', '--json', *command.split(' ')]
    ran = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return items(ran.stdout[:_MOST]) if ran.returncode == 0 else []


def items(text: str) -> List[Dict[str, Any]]:
    """The items of a listing."""
    try:
        found = json.loads(text)['nftables']
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def bases(listing: Iterable[Dict[str, Any]]) -> List[Base]:
    """The chains of others at the hooks that packets of servers pass."""
    found = []
    for item in listing:
        chain = item.get('chain')
        if not isinstance(chain, dict):
            continue
        words = [chain.get(key) for key in ('family', 'table', 'name', 'hook', 'policy')]
        family, table, name, hook, policy = (str(word) if _is_plain(word) else '' for word in words)
        if (
            family in _FAMILIES
            and hook in _WAYS
            and table
            and name
            and (family, table) not in _OURS
        ):
            found.append(Base(family, table, name, hook, policy))
    return found


def _is_plain(word: object) -> bool:
    """Whether a name may stand in a command and in a sentence."""
    return (
        isinstance(word, str)
        and 0 < len(word) <= 64
        and word.replace('-', '').replace('_', '').isalnum()
    )


def _dropping(base: Base, listing: Iterable[Dict[str, Any]], bridges: Sequence[str]) -> List[str]:
    """What to say of a chain that drops what it does not accept."""
    accepted = accepts(base.name, listing)
    closed = [
        bridge
        for bridge in bridges
        if not all(_is_accepted(bridge, way, accepted) for way in _WAYS[base.hook])
    ]
    if not closed:
        return []
    what = (
        'what servers ask of this host (addresses, names)'
        if base.hook == 'input'
        else 'what goes to servers and comes from them'
    )
    return [
        f'chain {base.name} of the table {base.family} {base.table} drops {what}; let it through: {_way_out(base, closed)}'
    ]


def _way_out(base: Base, closed: Sequence[str]) -> str:
    if base.table == 'filter' and base.name in ('INPUT', 'FORWARD'):
        ways = ['-i'] if base.hook == 'input' else ['-i', '-o']
        return ' && '.join(f'iptables -I {base.name} {way} hk+ -j ACCEPT' for way in ways)
    rules = (
        f'nft insert rule {base.family} {base.table} {base.name} {way} "hk*" accept'
        for way in _WAYS[base.hook]
    )
    return ' && '.join(rules) + ' (and in the file that makes the table)'


Accepted = Set[
    Tuple[str, str]
]  # by what is matched (iifname, oifname; empty: all), and the pattern of a device


def accepts(chain: str, listing: Iterable[Dict[str, Any]]) -> Accepted:
    """What a chain, and those that it leads to, accept by the device alone."""
    rules: Dict[str, List[List[Any]]] = {}
    for item in listing:
        rule = item.get('rule')
        if (
            isinstance(rule, dict)
            and isinstance(rule.get('expr'), list)
            and isinstance(rule.get('chain'), str)
        ):
            rules.setdefault(rule['chain'], []).append(rule['expr'])
    found: Accepted = set()
    waiting, seen = [chain], {chain}
    while waiting:
        for expressions in rules.get(waiting.pop(), ()):
            found |= _accepted(expressions)
            target = _target(expressions)
            if target and target not in seen:
                seen.add(target)
                waiting.append(target)
    return found


def _target(expressions: Sequence[Any]) -> str:
    for expression in expressions:
        for verb in ('jump', 'goto'):
            leads = expression.get(verb) if isinstance(expression, dict) else None
            if isinstance(leads, dict) and isinstance(leads.get('target'), str):
                return str(leads['target'])
    return ''


def _accepted(expressions: Sequence[Any]) -> Accepted:
    """A rule that accepts; one that looks at more than devices accepts some packets only, and does not count."""
    if not any(
        isinstance(expression, dict) and 'accept' in expression for expression in expressions
    ):
        return set()
    matches = [
        expression['match']
        for expression in expressions
        if isinstance(expression, dict) and 'match' in expression
    ]
    if not matches:
        return {('', '*')}
    if len(matches) > 1 or not isinstance(matches[0], dict) or matches[0].get('op') != '==':
        return set()
    left, right = matches[0].get('left'), matches[0].get('right')
    meta = left.get('meta') if isinstance(left, dict) else None
    key = meta.get('key') if isinstance(meta, dict) else None
    return (
        {(key, pattern) for pattern in _patterns(right)} if key in ('iifname', 'oifname') else set()
    )


def _patterns(right: object) -> List[str]:
    """Devices by name; what is in a set that has a name of its own is not known, and not accused."""
    if isinstance(right, dict) and isinstance(right.get('set'), list):
        return [element for element in right['set'] if isinstance(element, str)]
    if isinstance(right, str):
        return ['*'] if right.startswith('@') else [right]
    return []


def _is_accepted(bridge: str, way: str, accepted: Accepted) -> bool:
    return any(
        matched in ('', way) and fnmatchcase(bridge, pattern) for matched, pattern in accepted
    )


def firewalld(listing: Iterable[Dict[str, Any]], bridges: Sequence[str]) -> List[str]:
    """What to say of firewalld, which rejects what comes from devices that are in no zone that accepts."""
    trusted: Set[str] = set()
    for item in listing:
        rule = item.get('rule')
        expressions = rule.get('expr') if isinstance(rule, dict) else None
        if isinstance(expressions, list) and _target(expressions).endswith('_trusted'):
            trusted |= {pattern for _way, pattern in _accepted([*expressions, {'accept': None}])}
    closed = [
        bridge for bridge in bridges if not any(fnmatchcase(bridge, pattern) for pattern in trusted)
    ]
    if not closed:
        return []
    commands = ' '.join(f'--add-interface {bridge}' for bridge in closed)
    return [
        f'firewalld rejects what goes to servers and comes from them on {", ".join(closed)}; let it through: '
        f'firewall-cmd --permanent --zone trusted {commands} && firewall-cmd --reload'
    ]
