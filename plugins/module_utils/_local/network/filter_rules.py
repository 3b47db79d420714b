# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of packet filters of others, as far as they decide about packets by the device alone.

A rule that applies to some of the packets only (an address, a port, a connection state) decides
nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Dict, List, NamedTuple, Tuple

# Packets of servers that pass a hook: those that come from a bridge, and those that leave by it.
DIRECTIONS = {'input': ('iifname',), 'forward': ('iifname', 'oifname')}
_DROPPING = ('drop', 'reject')


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


class Match(NamedTuple):
    """The devices that a rule matches: iifname or oifname.

    ``negated``: the device has to be none of them.
    """

    direction: str
    patterns: Tuple[str, ...]
    negated: bool = False


class Rule(NamedTuple):
    """What a rule does with the packets that it matches by device.

    ``dnat``: it matches all packets whose destination was translated. ``partial``: it looks at more
    than that.
    """

    verdict: str
    target: str = ''
    matches: Tuple[Match, ...] = ()
    dnat: bool = False
    partial: bool = False

    def covers(self, direction: str, bridge: str) -> bool:
        """Whether it applies to all packets that pass this bridge in this direction.

        Packets to servers from elsewhere are those for a floating IP, which is translated.
        """
        if self.partial or (self.dnat and direction != 'oifname'):
            return False
        for match in self.matches:
            is_named = _is_named(bridge, match.patterns, self.verdict)
            if match.direction != direction or is_named == match.negated:
                return False
        return True

    def with_match(self, match: Match) -> Rule:
        """Return the rule with one more match."""
        return self._replace(matches=(*self.matches, match))


Rules = Dict[Tuple[Table, str], List[Rule]]


def _is_named(bridge: str, patterns: Sequence[str], verdict: str) -> bool:
    """Whether patterns name a bridge. The elements of a named set are unknown: none is accused."""
    if any(pattern.startswith('@') for pattern in patterns):
        return verdict not in ('drop', 'reject')
    return any(fnmatchcase(bridge, pattern) for pattern in patterns)


def verdict(
    chain: BaseChain,
    rules: Rules,
    direction: str,
    bridge: str,
) -> str:
    """The verdict on the packets that pass a bridge in a direction: accept or drop."""
    traversal = _Traversal(chain.table, rules, direction, bridge)
    decided = traversal.of_chain(chain.name) or chain.policy
    return 'drop' if decided in _DROPPING else 'accept'


class _Traversal:
    """The way of the packets that pass a bridge in a direction, through the chains of a table."""

    def __init__(
        self,
        table: Table,
        rules: Rules,
        direction: str,
        bridge: str,
    ) -> None:
        self.table = table
        self.rules = rules
        self.direction = direction
        self.bridge = bridge
        self.known: Dict[str, str] = {}

    def of_chain(self, name: str) -> str:
        """The verdict of a chain; empty if it returns. A loop of chains decides nothing either."""
        if name not in self.known:
            self.known[name] = ''
            rules = self.rules.get((self.table, name), ())
            self.known[name] = self._of_rules(rules)
        return self.known[name]

    def _of_rules(self, rules: Sequence[Rule]) -> str:
        has_returned = False  # some of the packets, so that a later drop is not one of all
        for rule in rules:
            if not rule.covers(self.direction, self.bridge):
                if rule.partial and rule.verdict == 'return':
                    has_returned = True
                continue
            found = self._of_rule(rule)
            if found in _DROPPING and has_returned:
                return ''
            if found == 'return':
                return ''
            if found or rule.verdict == 'goto':
                return found
        return ''

    def _of_rule(self, rule: Rule) -> str:
        if rule.target:
            return self.of_chain(rule.target)
        return rule.verdict
