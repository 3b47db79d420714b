# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the local cloud keeps its things, and what the operator decided about this host."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError

VIRT_TYPES = ('auto', 'kvm', 'qemu')


@dataclass(frozen=True)
class Pool:
    """Floating addresses (CIDRs). `uplink`: the device on which the host answers for them; None: reachable from the host only."""

    name: str
    addresses: Tuple[str, ...]
    uplink: str | None = None


@dataclass(frozen=True)
class Settings:
    """The host's settings; ``state`` and ``config`` are folders."""

    state: str
    config: str
    virt_type: str = 'auto'
    pools: Tuple[Pool, ...] = ()

    def path(self, *names: str) -> str:
        """A path under the state folder."""
        return os.path.join(self.state, *names)


def load() -> Settings:
    """Read /etc/hanok/host.json. The environment may move both roots: HANOK_STATE, HANOK_CONFIG."""
    state, config = os.environ.get('HANOK_STATE', '/var/lib/hanok'), os.environ.get('HANOK_CONFIG', '/etc/hanok')
    path = os.path.join(config, 'host.json')
    try:
        with open(path, encoding='utf-8') as file:
            raw = json.load(file)
    except FileNotFoundError:
        raise CloudError(f'{path} is not there: this host was not prepared; run the role hanok.cloud.host on it first') from None
    except (ValueError, OSError) as error:
        raise CloudError(f'{path} cannot be read: {error}; run the role hanok.cloud.host again to write it anew') from error
    problems = _problems(raw)
    if problems:
        raise CloudError(f'{path}: {"; ".join(problems)}; mend the variables of the role hanok.cloud.host and run it again')
    return Settings(state, config, raw.get('virt_type', 'auto'), tuple(_pool(pool) for pool in raw.get('floating_pools', [])))


def _pool(raw: Dict[str, Any]) -> Pool:
    return Pool(raw['name'], tuple(raw['addresses']), raw.get('uplink'))


def _problems(raw: Any) -> List[str]:
    if not isinstance(raw, dict):
        return ['it must hold one mapping']
    problems = []
    if raw.get('virt_type', 'auto') not in VIRT_TYPES:
        problems.append(f'virt_type: {raw["virt_type"]!r} is none of {", ".join(VIRT_TYPES)}')
    pools = raw.get('floating_pools', [])
    if not isinstance(pools, list):
        return [*problems, 'floating_pools: give a list']
    for number, pool in enumerate(pools):
        problems += [f'floating_pools[{number}]: {problem}' for problem in _pool_problems(pool)]
    return problems


def _pool_problems(pool: Any) -> List[str]:
    from ipaddress import IPv4Network

    if not isinstance(pool, dict) or not isinstance(pool.get('name'), str) or not isinstance(pool.get('addresses'), list):
        return ['give name and addresses (a list of CIDRs)']
    problems = []
    for cidr in pool['addresses']:
        try:
            if IPv4Network(str(cidr)).prefixlen < 16:  # a number would be one, too
                problems.append(f'addresses: {cidr} is larger than a /16')
        except ValueError as error:
            problems.append(f'addresses: {error}')
    uplink = pool.get('uplink')
    if uplink is not None and (not isinstance(uplink, str) or not 0 < len(uplink) < 16 or '/' in uplink):
        problems.append(f'uplink: {uplink!r} is not the name of a device')
    return problems
