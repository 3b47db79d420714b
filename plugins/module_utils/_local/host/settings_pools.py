# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What floating pools of the settings may not have in common."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any, Dict, List


def duplicates(pools: List[Dict[str, Any]]) -> List[str]:
    """Return the problems of names and addresses in two pools, which would be allocated twice."""
    names = [pool['name'] for pool in pools]
    problems = [
        f'floating_pools: {name} is listed twice'
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    spans = sorted(
        (IPv4Network(cidr), pool['name']) for pool in pools for cidr in pool['addresses']
    )
    for (span, name), (next_span, next_name) in zip(spans, spans[1:]):
        if span.overlaps(next_span):
            problems.append(
                f'floating_pools: {span} of {name} and {next_span} of {next_name} overlap'
            )
    return problems
