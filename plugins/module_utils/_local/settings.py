# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the local cloud keeps its things, and what the operator decided about this host."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from .._cloud import CloudError
from .._model.checks import name_problems

_DEVICE = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}\Z')  # it stands in a command of ip(8)
VIRT_TYPES = ('auto', 'kvm', 'qemu')


@dataclass(frozen=True)
class Pool:
    """Floating addresses (CIDRs). `uplink`: the device on which the host answers for them; None: reachable from the host only."""

    name: str
    addresses: Tuple[str, ...]
    uplink: str | None = None


@dataclass(frozen=True)
class Settings:
    """The host's settings; ``state`` and ``config`` are folders.

    ``outside_devices``: further devices by which servers get out, besides those of default routes
    and the uplinks of pools. ``router``: whether the host forwards between other devices, too.
    """

    state: str
    config: str
    virt_type: str = 'auto'
    pools: Tuple[Pool, ...] = ()
    outside_devices: Tuple[str, ...] = ()
    router: bool = True

    def path(self, *names: str) -> str:
        """A path under the state folder."""
        return os.path.join(self.state, *names)


def load() -> Settings:
    """Read /etc/hanok/host.json. The environment may move both roots: HANOK_STATE, HANOK_CONFIG.

    HANOK_STRICT=1 is what the role host says before it writes settings: devices that do not exist
    are refused, too.
    """
    state, config = (
        os.environ.get('HANOK_STATE', '/var/lib/hanok'),
        os.environ.get('HANOK_CONFIG', '/etc/hanok'),
    )
    path = os.path.join(config, 'host.json')
    try:
        with open(path, encoding='utf-8') as file:
            raw = json.load(file)
    except FileNotFoundError:
        raise CloudError(
            f'{path} is not there: this host was not prepared; run the role hanok.cloud.host on it first'
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        raise CloudError(
            f'{path} cannot be read: {error}; run the role hanok.cloud.host again to write it anew'
        ) from error
    problems = check_settings(raw) if os.environ.get('HANOK_STRICT') == '1' else _problems(raw)
    if problems:
        raise CloudError(
            f'{path}: {"; ".join(problems)}; mend the variables of the role hanok.cloud.host and run it again'
        )
    return Settings(
        state,
        config,
        raw.get('virt_type', 'auto'),
        tuple(_pool(pool) for pool in raw.get('floating_pools', [])),
        tuple(raw.get('outside_devices', [])),
        raw.get('router', True),
    )


def _pool(raw: Dict[str, Any]) -> Pool:
    return Pool(raw['name'], tuple(raw['addresses']), raw.get('uplink'))


def _problems(raw: Any) -> List[str]:
    if not isinstance(raw, dict):
        return ['it must hold one mapping']
    problems = []
    if raw.get('virt_type', 'auto') not in VIRT_TYPES:
        problems.append(f'virt_type: {raw["virt_type"]!r} is none of {", ".join(VIRT_TYPES)}')
    problems += _outside_problems(raw.get('outside_devices', []))
    if not isinstance(raw.get('router', True), bool):
        problems.append(f'router: {raw["router"]!r} is neither true nor false')
    pools = raw.get('floating_pools', [])
    if not isinstance(pools, list):
        return [*problems, 'floating_pools: give a list']
    for number, pool in enumerate(pools):
        problems += [f'floating_pools[{number}]: {problem}' for problem in _pool_problems(pool)]
    return problems or _doubles(pools)


def check_settings(raw: Any) -> List[str]:
    """What speaks against settings that are to be written: what `load` would refuse, and devices that do not exist on this host.

    A device that vanishes later is not refused: that is a warning (floating_routes.py).
    """
    return _problems(raw) or [
        *_uplink_problems(raw.get('floating_pools', [])),
        *_missing_devices(raw.get('outside_devices', [])),
    ]


def _uplink_problems(pools: List[Dict[str, Any]]) -> List[str]:
    from .kernel import device_exists, devices

    problems = []
    for number, pool in enumerate(pools):
        uplink = pool.get('uplink')
        if uplink is not None and not device_exists(uplink):
            there = ', '.join(devices()) or 'none'
            problems.append(
                f'floating_pools[{number}]: uplink: {uplink} does not exist on this host; there are: {there}'
            )
    return problems


def _missing_devices(named: List[str]) -> List[str]:
    from .kernel import device_exists, devices

    there = ', '.join(devices()) or 'none'
    return [
        f'outside_devices: {device} does not exist on this host; there are: {there}'
        for device in named
        if not device_exists(device)
    ]


def _outside_problems(devices: Any) -> List[str]:
    if not isinstance(devices, list):
        return ['outside_devices: give a list of names of devices']
    found = [
        device for device in devices if not isinstance(device, str) or not _DEVICE.match(device)
    ]
    problems = [f'outside_devices: {device!r} is not the name of a device' for device in found]
    ours = [device for device in devices if device not in found and device.startswith('hk')]
    return problems + [f'outside_devices: {device} is a device of servers' for device in ours]


def _doubles(pools: List[Dict[str, Any]]) -> List[str]:
    """A name or an address that is in two pools would be given out twice."""
    from ipaddress import IPv4Network

    names = [pool['name'] for pool in pools]
    problems = [
        f'floating_pools: {name} is there twice'
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    spans = sorted(
        (IPv4Network(cidr), pool['name']) for pool in pools for cidr in pool['addresses']
    )
    for (one, name), (other, its) in zip(spans, spans[1:]):
        problems += (
            [f'floating_pools: {one} of {name} and {other} of {its} overlap']
            if one.overlaps(other)
            else []
        )
    return problems


def _pool_problems(pool: Any) -> List[str]:
    if (
        not isinstance(pool, dict)
        or not isinstance(pool.get('name'), str)
        or not isinstance(pool.get('addresses'), list)
    ):
        return ['give name and addresses (a list of CIDRs)']
    problems = name_problems(pool['name'])
    for cidr in pool['addresses']:
        problems += _cidr_problems(cidr)
    uplink = pool.get('uplink')
    if uplink is not None and (not isinstance(uplink, str) or not _DEVICE.match(uplink)):
        problems.append(f'uplink: {uplink!r} is not the name of a device')
    return problems


def _cidr_problems(cidr: Any) -> List[str]:
    from ipaddress import IPv4Network

    try:
        span = IPv4Network(str(cidr))  # a number would be one, too
    except ValueError as error:
        return [f'addresses: {error}']
    if span.prefixlen < 16:
        return [f'addresses: {cidr} is larger than a /16']
    if (
        span.is_loopback
        or span.is_link_local
        or span.is_multicast
        or span.is_unspecified
        or span.network_address.packed[0] == 0
        or span.is_reserved
    ):
        return [f'addresses: {cidr} is not for hosts']
    return []
