# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other firewalls of this host that drop packets of servers.

A packet has to be accepted by every base chain of its hook (nft(8), "Chains"): an accept in our
tables never overrides a drop in another one. This finds the base chains of others that drop what
servers send or receive, whether by policy or by a rule, and the command that makes them accept it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from subprocess import TimeoutExpired
from typing import Any, List

from ..._cloud.programs import run
from .filter_listings import base_chains, parse_legacy, rules_by_chain
from .firewall_reports import report
from .loaded import has_legacy_rules

_MAX_LISTING = 8 << 20  # bytes
_TIMEOUT = 10  # seconds
Item = Mapping[str, Any]


def reports(bridges: Sequence[str]) -> List[str]:
    """One sentence for each chain of others that drops packets of the servers on these bridges."""
    if not bridges:
        return []
    chains = base_chains(items(_output('nft', '--json', 'list chains')))
    tables = sorted({f'list table {chain.table.family} {chain.table.name}' for chain in chains})
    text = _output('nft', '--json', '; '.join(tables)) if tables else ''
    rules = rules_by_chain(items(text), chains)
    legacy_text = _output('iptables-legacy-save', '-t', 'filter') if has_legacy_rules() else ''
    legacy_chains, legacy_rules = parse_legacy(legacy_text)
    rules.update(legacy_rules)
    found = (report(chain, rules, bridges) for chain in (*chains, *legacy_chains))
    return [sentence for sentence in found if sentence]


def _output(*command: str) -> str:
    """What a command prints; nothing where it fails or is not installed."""
    try:
        ran = run(command, timeout=_TIMEOUT)
    except (OSError, ValueError, TimeoutExpired):
        return ''
    return ran.stdout[:_MAX_LISTING] if ran.returncode == 0 else ''


def items(text: str) -> List[Item]:
    """The items of listings in JSON (libnftables-json(5)), one listing a line."""
    found: List[Item] = []
    for line in text.splitlines():
        try:
            listing = json.loads(line)['nftables']
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(listing, list):
            found += [item for item in listing if isinstance(item, dict)]
    return found
