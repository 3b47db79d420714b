# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of this host: the folders of the local cloud, and the choices of the operator."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from ..._cloud import CloudError
from ..._model.checks import is_reference, name_problems

_DEVICE = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}\Z')  # inserted into commands of ip(8)
VIRT_TYPES = ('auto', 'kvm', 'qemu')
# The default, the limits and the unit of each number. A number that is whole by default has to be.
_NUMBERS: Mapping[str, Tuple[float | None, float, float, str]] = {
    'history_days': (400, 1, 36500, ' (days)'),
    'ram_allocation_ratio': (1.0, 0.001, 1000, ''),
    'cpu_allocation_ratio': (16.0, 0.001, 1000, ''),
    'disk_allocation_ratio': (None, 0.001, 1000, ''),
    'reserved_host_memory_mb': (1024, 0, 2**24, ' (MiB)'),
}


class Pool(NamedTuple):
    """A pool of floating addresses (CIDRs).

    ``uplink``: the device on which the host answers ARP for them; None: they are reachable from the
    host only.
    """

    name: str
    addresses: Tuple[str, ...]
    uplink: str | None = None


class Settings(NamedTuple):
    """The host's settings; ``state`` and ``config`` are folders.

    ``outside_devices``: devices through which servers reach the outside, besides those of default
    routes and the uplinks of pools. ``bridges``: for servers. ``router``: whether
    the host also forwards between other devices. ``history_days``: how long the record keeps what
    was changed. The ratios and what is reserved are those of nova.conf; no ratio of disks: what is
    free now decides. ``admins``: those of all projects; None: projects without members are open.
    ``backup_stores``: see Store.
    """

    state: str
    config: str
    virt_type: str = 'auto'
    pools: Tuple[Pool, ...] = ()
    outside_devices: Tuple[str, ...] = ()
    bridges: Tuple[str, ...] = ()
    router: bool = True
    history_days: int = 400
    ram_allocation_ratio: float = 1.0
    cpu_allocation_ratio: float = 16.0
    disk_allocation_ratio: float | None = None
    reserved_host_memory_mb: int = 1024
    admins: Tuple[str, ...] | None = None
    backup_stores: Tuple[Dict[str, Any], ...] = ()
    volume_types: Tuple[Dict[str, Any], ...] = ()

    def path(self, *names: str) -> str:
        """A path under the state folder."""
        return os.path.join(self.state, *names)


def state_folder() -> str:
    """The folder of the record and of the disks."""
    return os.environ.get('HANOK_STATE', '/var/lib/hanok')


def load() -> Settings:
    """Read /etc/hanok/host.json.

    The environment variables HANOK_STATE and HANOK_CONFIG override both folders. HANOK_STRICT=1,
    set by the role host before it writes settings, also refuses devices and directories that do not
    exist.
    """
    config = os.environ.get('HANOK_CONFIG', '/etc/hanok')
    path = os.path.join(config, 'host.json')
    try:
        with open(path, encoding='utf-8') as file:
            raw = json.load(file)
    except FileNotFoundError:
        raise CloudError(
            f'{path} does not exist: this host is not prepared; '
            'run the role hanok.cloud.host on it first'
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        raise CloudError(
            f'{path} cannot be read: {error}; run the role hanok.cloud.host again to rewrite it'
        ) from error
    problems = _problems(raw)
    if os.environ.get('HANOK_STRICT') == '1' and not problems:
        from .settings_devices import missing

        problems = missing(raw)
    if problems:
        raise CloudError(
            f'{path}: {"; ".join(problems)}; '
            'correct the variables of the role hanok.cloud.host and run it again'
        )
    return Settings(
        state_folder(),
        config,
        raw.get('virt_type', 'auto'),
        tuple(_pool(pool) for pool in raw.get('floating_pools', [])),
        tuple(raw.get('outside_devices', [])),
        tuple(raw.get('bridges', [])),
        raw.get('router', True),
        backup_stores=tuple(raw.get('backup_stores', ())),
        volume_types=tuple(raw.get('volume_types', ())),
        admins=None if raw.get('admins') is None else tuple(raw['admins']),
        **{name: raw.get(name, number[0]) for name, number in _NUMBERS.items()},
    )


def _pool(raw: Dict[str, Any]) -> Pool:
    return Pool(raw['name'], tuple(raw['addresses']), raw.get('uplink'))


def _problems(raw: Any) -> List[str]:
    if not isinstance(raw, dict):
        return ['it must hold one mapping']
    problems = []
    if raw.get('virt_type', 'auto') not in VIRT_TYPES:
        problems.append(f'virt_type: {raw["virt_type"]!r} is not one of {", ".join(VIRT_TYPES)}')
    for option in ('outside_devices', 'bridges'):
        problems += _device_problems(option, raw.get(option, []))
    if not isinstance(raw.get('router', True), bool):
        problems.append(f'router: {raw["router"]!r} is neither true nor false')
    problems += [*_number_problems(raw), *_admin_problems(raw.get('admins'))]
    if any(raw.get(option, []) != [] for option in ('backup_stores', 'volume_types')):
        from .settings_directories import directory_problems

        problems += directory_problems(raw)
    return problems + _pools_problems(raw.get('floating_pools', []))


def _pools_problems(pools: Any) -> List[str]:
    if not isinstance(pools, list):
        return ['floating_pools: must be a list']
    found = []
    for number, pool in enumerate(pools):
        found += [f'floating_pools[{number}]: {problem}' for problem in _pool_problems(pool)]
    if found or (len(pools) < 2 and sum(len(pool['addresses']) for pool in pools) < 2):
        return found
    from .settings_pools import duplicates

    return duplicates(pools)


def _admin_problems(admins: Any) -> List[str]:
    if admins is None or (isinstance(admins, list) and admins and all(map(is_reference, admins))):
        return []
    return ['admins: must be null, or a list of at least one name']


def _number_problems(raw: Dict[str, Any]) -> List[str]:
    problems = []
    for name, (default, lowest, highest, unit) in _NUMBERS.items():
        value: Any = raw.get(name, default)
        is_unset = value is None and default is None
        if not (is_unset or (_is_number(value, default) and lowest <= value <= highest)):
            problems.append(f'{name}: {value!r} is out of range; use {lowest} to {highest}{unit}')
    return problems


def _is_number(value: Any, default: float | None) -> bool:
    kinds = int if isinstance(default, int) else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _device_problems(option: str, devices: Any) -> List[str]:
    if not isinstance(devices, list):
        return [f'{option}: must be a list of device names']
    invalid = [
        device for device in devices if not isinstance(device, str) or not _DEVICE.match(device)
    ]
    problems = [f'{option}: {device!r} is not a device name' for device in invalid]
    own = [device for device in devices if device not in invalid and device.startswith('hk')]
    return problems + [f'{option}: {device} is a device of servers' for device in own]


def _pool_problems(pool: Any) -> List[str]:
    if (
        not isinstance(pool, dict)
        or not isinstance(pool.get('name'), str)
        or not isinstance(pool.get('addresses'), list)
    ):
        return ['set name and addresses (a list of CIDRs)']
    problems: List[str] = [*name_problems(pool['name'])]
    for cidr in pool['addresses']:
        problems += _cidr_problems(cidr)
    uplink = pool.get('uplink')
    if uplink is not None and (not isinstance(uplink, str) or not _DEVICE.match(uplink)):
        problems.append(f'uplink: {uplink!r} is not a device name')
    return problems


def _cidr_problems(cidr: Any) -> List[str]:
    from ipaddress import IPv4Network

    try:
        span = IPv4Network(str(cidr))  # IPv4Network would also accept a number
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
        return [f'addresses: {cidr} is not usable for hosts']
    return []
