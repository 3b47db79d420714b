# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of this host, which all projects share, and the quotas of the project.

Those of the host are by the settings of its operator.

They are computed as Nova's Placement does: (total - reserved) * allocation ratio. What servers hold
is counted whether they use it or not. Without a ratio for disks, which grow when they are written
to, something new has to fit into the space that is free now.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import List, Tuple

from .._model.checks import GIB
from .._model.needs import Limit, Supply, addresses_of, disk_of
from .._model.project import RESOURCES
from .._model.volume import DEFAULT_TYPE
from .host.settings_volume_types import VolumePlace, places_of
from .record.holders import disk_space, held, network_ports, root_space
from .record.host import Host
from .record.project_usage import quotas, usage

_OWNER = 'the host'
_ROLE = 'of the role hanok.cloud.host'


def limits(host: Host, resources: Collection[str]) -> List[Limit]:
    """Return the limits of some resources."""
    wanted = set(resources)
    found: List[Limit] = []
    if wanted & {'host_memory', 'host_vcpus', 'running_memory'}:
        memory = memory_of(Path('/proc/meminfo').read_text(encoding='ascii'))
        found += _reserved(host, memory)
        found.append(_available(memory))
    if 'host_disk' in wanted:
        found.append(_disk_limit(host))
    for place in places_of(host.settings):
        if disk_of(place.name) in wanted:
            found.append(_type_limit(host, place))
    if any(resource.startswith('addresses:') for resource in wanted):
        found += _address_limits(host)
    found += _quotas(host)
    return [limit for limit in found if limit.resource in wanted]


def _quotas(host: Host) -> List[Limit]:
    """Return the limits of the project."""
    record = host.record
    owner = f'the project {record.project}'
    of = quotas(record)
    used = usage(record, record.project) if of else {}
    return [
        Limit(
            RESOURCES[quota],
            total,
            used.get(quota, 0),
            owner,
            f'delete some, or raise the quota {quota} of {owner}',
        )
        for quota, total in of.items()
    ]


def _address_limits(host: Host) -> List[Limit]:
    """Return the limits of the networks of the project, whose gateways have addresses too."""
    return [
        Limit(
            addresses_of(row['name']),
            IPv4Network(row['cidr']).num_addresses - 3,
            row['number'],
            f'network {row["name"]} ({row["cidr"]})',
            'delete servers, or use another network',
        )
        for row in network_ports(host.record)
    ]


def memory_of(meminfo: str) -> Mapping[str, int]:
    """Return what /proc/meminfo says, in MiB."""
    lines = [line.split() for line in meminfo.splitlines()]
    return {words[0].rstrip(':'): int(words[1]) // 1024 for words in lines}


def _available(memory: Mapping[str, int]) -> Limit:
    """Advice: what guests have not touched yet of theirs is still available to others."""
    used = memory['MemTotal'] - memory['MemAvailable']
    way_out = 'it may swap, or end servers, when the guests use all of theirs; stop some'
    return Limit('running_memory', memory['MemTotal'], used, _OWNER, way_out, is_advice=True)


def _reserved(host: Host, memory: Mapping[str, int]) -> List[Limit]:
    """Return the limits of what servers and load balancers hold."""
    settings = host.settings
    by = held(host.record)
    ratio = settings.ram_allocation_ratio
    of_memory = Supply(memory['MemTotal'], settings.reserved_host_memory_mb, ratio)
    of_vcpus = Supply(os.cpu_count() or 1, 0, settings.cpu_allocation_ratio)
    servers = {'server': by.servers}
    holders = {**servers, 'lb': by.balancers}
    return [
        _limit('host_memory', of_memory, by.memory, holders, 'ram'),
        _limit('host_vcpus', of_vcpus, by.vcpus, servers, 'cpu'),
    ]


def _limit(
    resource: str, supply: Supply, used: int, holders: Mapping[str, int], variable: str
) -> Limit:
    total = int(max(0, supply.total - supply.reserved) * supply.allocation_ratio)
    way_out = f'delete or shelve servers, or raise host_{variable}_allocation_ratio {_ROLE}'
    return Limit(resource, total, used, _OWNER, way_out, supply=supply, holders=holders)


def _disk_limit(host: Host) -> Limit:
    """Return the limit of disk space: of what is free now, or of all that volumes could take."""
    total, free = _space(Path(host.settings.state))
    ratio = host.settings.disk_allocation_ratio
    if ratio is not None:
        volumes, size = disk_space(host.record, DEFAULT_TYPE)
        containers, of_containers = root_space(host.record)
        way_out = f'delete volumes, or raise host_disk_allocation_ratio {_ROLE}'
        return Limit(
            'host_disk',
            int(total * ratio),
            size + of_containers,
            _OWNER,
            way_out,
            supply=Supply(total, 0, ratio),
            holders={'volume': volumes, 'server': containers},
        )
    way_out = f'free or add disk space, or set host_disk_allocation_ratio {_ROLE}'
    return Limit('host_disk', total, total - free, _OWNER, way_out, supply=Supply(total))


def _type_limit(host: Host, place: VolumePlace) -> Limit:
    """Return the limit of volumes of a type: of all of them, or of what is free now."""
    resource = disk_of(place.name)
    if place.capacity is not None:
        volumes, size = disk_space(host.record, place.name)
        way_out = f'delete volumes, or raise its capacity (host_volume_types {_ROLE})'
        supply = Supply(place.capacity)
        holders = {'volume': volumes}
        return Limit(resource, place.capacity, size, _OWNER, way_out, False, supply, holders)
    total, free = _space(Path(place.path))
    way_out = f'free or add disk space, or set its capacity (host_volume_types {_ROLE})'
    return Limit(resource, total, total - free, _OWNER, way_out, supply=Supply(total))


def _space(folder: Path) -> Tuple[int, int]:
    """The size of the file system of a directory, and what of it is free, in GB."""
    while not folder.exists():  # on a new host, or it is not mounted
        folder = folder.parent
    system = os.statvfs(folder)
    return (
        system.f_blocks * system.f_frsize // GIB,
        system.f_bavail * system.f_frsize // GIB,
    )
