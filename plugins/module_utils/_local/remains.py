# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what is left of a cloud on this host when its record is lost."""

from __future__ import annotations

import glob
import json
import os
import re
import xml.etree.ElementTree as ET
from ipaddress import IPv4Network
from typing import Any, Dict, List, Mapping, Tuple

from .._model.recovery import Remains, rebuild_rows
from .._model.recovery_rows import Rows
from .._model.server_type import ROOT_TAR
from .._model.volume_files import FILE_SYSTEM
from .record import metadata
from .record.database import VERSION, NewerVersion
from .record.host import Host
from .record.tables import TABLES
from .storage.pool_writer import writer_of
from .storage.pools import IMAGE, ROOT, VOLUME

# Errors of reading data that hanok.cloud did not write.
FOREIGN_DATA = (KeyError, TypeError, AttributeError, ValueError, StopIteration)
_BRIDGE = re.compile(r'hk([0-9]+)\Z')


def find_remains(host: Host) -> Remains:
    """Return the export, machines, containers, networks and disks of the cloud.

    Raises NewerVersion for an export of a newer version.
    """
    machines: Dict[str, Any] = {}
    balancers: Dict[str, Any] = {}
    unreadable: List[str] = []
    hypervisor = host.hypervisor
    for domain in (*hypervisor.qemu.listAllDomains(), *hypervisor.lxc.listAllDomains()):
        try:
            found = _domain_metadata(domain)
        except FOREIGN_DATA:
            unreadable.append(domain.UUIDString())
            continue
        if 'server' in found:
            machines[domain.UUIDString()] = found
        elif found:
            balancers[domain.UUIDString()] = found
    pool = writer_of(host)
    archives = pool.archives()
    file_systems = pool.file_systems()
    networks = map(_network, hypervisor.qemu.listAllNetworks())
    disks = {kind: pool.sizes(kind) for kind in (ROOT, VOLUME, IMAGE)}
    return Remains(
        export=_export(host.record.export_path),
        machines=machines,
        balancers=balancers,
        networks=tuple(network for network in networks if network),
        disks={
            ROOT: {**_sizes(disks[ROOT]), **_roots(host)},
            VOLUME: {**_sizes(disks[VOLUME]), **file_systems},
            IMAGE: {**_sizes(disks[IMAGE]), **archives},
            'iso': {uuid: of[0] for uuid, of in disks[IMAGE].items() if of[1] == 'raw'},
            ROOT_TAR: archives,
            FILE_SYSTEM: file_systems,
        },
        unreadable=tuple(unreadable),
    )


def has_remains(remains: Remains) -> bool:
    """Whether anything of a cloud was found."""
    if remains.export is not None:
        return True
    if remains.machines or remains.balancers or remains.networks:
        return True
    return any(remains.disks.values())


def _sizes(disks: Mapping[str, Tuple[int, str]]) -> Dict[str, int]:
    return {uuid: size for uuid, (size, _format) in disks.items()}


def _roots(host: Host) -> Dict[str, int]:
    """The roots of containers, by the UUIDs of their servers; their sizes do not matter."""
    roots = [
        path
        for name in ('root', 'root.raw')
        for path in glob.glob(host.settings.path('servers', '*', name))
    ]
    return {os.path.basename(os.path.dirname(root)): 1 for root in roots}


def _domain_metadata(domain: Any) -> Dict[str, Any]:
    """Return the metadata of a machine or container; empty if it has none.

    The power state of a server is that of its machine. Raises an error of FOREIGN_DATA if a record
    cannot be rebuilt from the metadata.
    """
    flag = metadata.AFFECT_CONFIG if domain.isPersistent() else metadata.AFFECT_LIVE
    text = metadata.read(domain, flag)
    if not text:
        return {}
    found: Dict[str, Any] = json.loads(text)
    if 'balancer' in found:
        rebuild_rows(Remains(balancers={'': found}))
        return found
    is_started = domain.isActive() or domain.autostart()
    found['server'] = {
        **found['server'],
        'power': 'started' if is_started else 'stopped',
        'task_state': None,
    }
    rebuild_rows(Remains(machines={'': found}))
    return found


def _network(network: Any) -> Dict[str, Any] | None:
    """Return the row of a libvirt network; None if it does not belong to the cloud."""
    found = ET.fromstring(network.XMLDesc())  # noqa: S314 (libvirt's own)
    number = _BRIDGE.match(network.name())
    ip = found.find('ip')
    if number is None or ip is None:
        return None
    try:
        cidr = IPv4Network(f'{ip.get("address")}/{ip.get("prefix")}', strict=False)
    except ValueError:  # edited by hand
        return None
    return {
        'id': int(number.group(1)),
        'uuid': network.UUIDString(),
        'cidr': str(cidr),
        'gateway': ip.get('address'),
    }


def _export(path: str) -> Rows | None:
    """Return the rows of the export; None if it does not exist or cannot be read."""
    try:
        with open(path, encoding='utf-8') as file:
            found: Dict[str, Any] = json.load(file)
        version = int(found.pop('version'))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if version > VERSION:
        raise NewerVersion(
            f'the export {path} has version {version}, '
            f'this hanok.cloud supports {VERSION}: update the collection'
        )
    known = {'meta', *TABLES}
    return {table: rows for table, rows in found.items() if table in known and _are_rows(rows)}


def _are_rows(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
