# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invariants of an idle host: the record, and the resources that it records.

Nothing here uses the code of the collection.
"""

from __future__ import annotations

import glob
import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import libvirt

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.tables import TABLES
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

STATE = Path('/var/lib/hanok')
SETTINGS = Path('/etc/hanok/host.json')
DNSMASQ = Path('/var/lib/libvirt/dnsmasq')
UNIQUE = {
    'port': ('network_id || " " || address', 'network_id || " " || mac'),
    'floating_ip': ('address', 'port_id'),
    'network': ('cidr',),
    'balancer_member': ('balancer_id || " " || server_id',),
    'port_security_group': ('port_id || " " || group_id',),
    'volume_reader': ('volume_id || " " || server_id',),
}


def output_of(*words: str) -> str:
    """Run a program; return its output."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def rows(query: str) -> list[sqlite3.Row]:
    """Query the record, without the code of the collection."""
    sql = sqlite3.connect(f'file:{STATE}/hanok.db?mode=ro', uri=True)
    sql.row_factory = sqlite3.Row
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def violations() -> list[str]:
    """Return all violated invariants."""
    return [*_record(), *_machines(), *_files(), *_snapshots(), *_networks()]


def _record() -> list[str]:
    found = [f'integrity: {row[0]}' for row in rows('PRAGMA integrity_check') if row[0] != 'ok']
    found += [f'dangling reference: {tuple(row)}' for row in rows('PRAGMA foreign_key_check')]
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    tables = [row[0] for row in rows(query) if row[0] != 'history']
    for table in tables:
        found += _table(table)
    exported = json.loads((STATE / 'hanok.json').read_text('utf-8'))
    for table in ('meta', *TABLES):
        own = "WHERE key NOT IN ('secret', 'metadata_written')" if table == 'meta' else ''
        if _plain(exported[table]) != _plain(map(dict, rows(f'SELECT * FROM {table} {own}'))):
            found.append(f'the export differs in {table}')
    return found


def _table(table: str) -> list[str]:
    found = []
    columns = {row['name'] for row in rows(f'PRAGMA table_info({table})')}
    if 'task_state' in columns:
        name = 'name' if 'name' in columns else 'id'
        query = f'SELECT {name}, task_state FROM {table} WHERE task_state IS NOT NULL'
        found += [f'{table} {row[0]} is {row[1]}' for row in rows(query)]
    keys = [*UNIQUE.get(table, ())]
    if 'name' in columns:
        keys.insert(0, 'project || " " || name')
    for key in keys:
        query = f'SELECT {key} FROM {table} WHERE {key} IS NOT NULL GROUP BY 1 HAVING count(*) > 1'
        found += [f'{table}: {row[0]} exists twice' for row in rows(query)]
    return found


def _plain(found: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)


def _differ(what: str, existing: Iterable[str], expected: Iterable[str]) -> list[str]:
    exist, expect = Counter(existing), Counter(expected)
    unexpected = [f'{what}: {name} is unexpected' for name in exist - expect]
    return unexpected + [f'{what}: {name} is missing' for name in expect - exist]


_BALANCERS = 'SELECT uuid FROM balancer'
_CONTAINERS = "SELECT uuid FROM server WHERE type = 'container'"


def domains(uri: str) -> dict[str, bool]:
    """The domains of a driver of libvirt by their UUIDs: whether each of them runs."""
    with closing(libvirt.openReadOnly(uri)) as connection:
        return {
            domain.UUIDString(): bool(domain.isActive()) for domain in connection.listAllDomains()
        }


def _machines() -> list[str]:
    found = []
    for uri, what, recorded in (
        ('qemu:///system', 'machine', "SELECT uuid FROM server WHERE type = 'vm'"),
        ('lxc:///system', 'container', f'{_BALANCERS} UNION ALL {_CONTAINERS}'),
    ):
        found += _differ(
            what,
            list(domains(uri)),
            (row[0] for row in rows(recorded)),
        )
    running = [uuid for uuid, runs in domains('lxc:///system').items() if runs]
    servers = {row[0] for row in rows(_CONTAINERS)}
    return found + _differ(
        'running balancer',
        (uuid for uuid in running if uuid not in servers),
        (row[0] for row in rows(_BALANCERS)),
    )


# The root disk is in the folder of its server. What a file has in it is mounted beside it.
_VOLUME_FILES = """SELECT uuid || iif(file_system = '', '.qcow2', '.raw') FROM volume
  WHERE NOT bootable UNION ALL
  SELECT uuid FROM volume WHERE file_system <> '' AND server_id IS NOT NULL"""


def _files() -> list[str]:
    found = []
    for folder, recorded in (
        ('servers', 'SELECT uuid FROM server'),
        ('balancers', 'SELECT uuid FROM balancer'),
        ('volumes', _VOLUME_FILES),
    ):
        there = os.listdir(STATE / folder) if (STATE / folder).is_dir() else []
        found += _differ(folder, there, (row[0] for row in rows(recorded)))
    moved = STATE / 'moved-volumes'
    returned = [
        f'{row[0]}.qcow2'
        for row in rows("SELECT uuid FROM volume WHERE volume_type = 'default' AND NOT bootable")
        if (STATE / 'volumes' / f'{row[0]}.qcow2').is_symlink()
    ]
    found += _differ(moved.name, os.listdir(moved) if moved.is_dir() else [], returned)
    for one in json.loads(SETTINGS.read_text('utf-8'))['volume_types']:
        placed = rows(
            "SELECT uuid, iif(file_system = '', '.qcow2', '.raw') FROM volume "
            f'WHERE volume_type = "{one["name"]}"'
        )
        found += _differ(
            one['name'], os.listdir(one['path']), (f'{row[0]}{row[1]}' for row in placed)
        )
    images = rows(
        "SELECT uuid || iif(disk_format IN ('root-tar', 'oci'), '.tar', '.qcow2') FROM image"
    )
    there = os.listdir(STATE / 'images') if (STATE / 'images').is_dir() else []
    found += _differ('images', there, (row[0] for row in images))
    roots = [row[0] for row in rows('SELECT server_id FROM volume WHERE bootable')]
    machines = rows("SELECT id FROM server WHERE type = 'vm'")
    found += _differ('root volumes', map(str, roots), (str(row[0]) for row in machines))
    found += [
        f'volume {row[0]}: a server writes to what others read'
        for row in rows(
            'SELECT name FROM volume WHERE server_id IS NOT NULL '
            'AND id IN (SELECT volume_id FROM volume_reader)'
        )
    ]
    servers = {row[0]: row[1] for row in rows('SELECT uuid, type FROM server')}
    limited = [row[0] for row in rows('SELECT uuid FROM server WHERE root_size')]
    locked = [row[0] for row in rows('SELECT uuid FROM server WHERE root_password IS NOT NULL')]
    for folder, kind in servers.items():
        here = [
            name
            for name in os.listdir(STATE / 'servers' / folder)
            if not name.startswith('console')
        ]
        expected = ['root'] if kind == 'container' else ['root.qcow2', 'seed.iso']
        expected += ['root-password'] if folder in locked else []
        expected += ['root.raw'] if folder in limited else []
        copies = rows(_COPIES.format(folder)) if kind == 'container' else []
        expected += ['snapshots'] if copies else []
        found += _differ(f'server {folder}', here, expected)
    return found + [
        f'{path} is left over'
        for pattern in ('*.part', '*.new')
        for path in glob.glob(f'{STATE}/**/{pattern}', recursive=True)
    ]


_RECORDED_SNAPSHOTS = """SELECT n.uuid FROM volume_snapshot n
  JOIN volume v ON v.id = n.volume_id WHERE v.uuid = '{0}' UNION ALL
  SELECT n.uuid FROM server_snapshot n JOIN server_snapshot_disk d ON d.snapshot_id = n.id
  JOIN volume v ON v.id = d.volume_id WHERE v.uuid = '{0}'"""


_COPIES = """SELECT n.uuid FROM server_snapshot n JOIN server s ON s.id = n.server_id
  WHERE s.uuid = '{0}'"""


def _snapshots() -> list[str]:
    found = []
    for path in (STATE / 'servers').glob('*/snapshots'):
        recorded = [f'hanok-{row[0]}' for row in rows(_COPIES.format(path.parent.name))]
        found += _differ(f'snapshots of {path.parent.name}', os.listdir(path), recorded)
    for path in (STATE / 'volumes').glob('*.qcow2'):
        info = json.loads(output_of('qemu-img', 'info', '-U', '--output=json', str(path)))
        there = [one['name'] for one in info.get('snapshots', ())]
        recorded = [f'hanok-{row[0]}' for row in rows(_RECORDED_SNAPSHOTS.format(path.stem))]
        found += _differ(f'snapshots of {path.stem}', there, recorded)
    return found


def _networks() -> list[str]:
    numbers = [row[0] for row in rows('SELECT id FROM network')]
    with closing(libvirt.openReadOnly('qemu:///system')) as connection:
        networks = [network.name() for network in connection.listAllNetworks()]
    found = _differ(
        'network',
        networks,
        (f'hk{number}' for number in numbers),
    )
    found += _differ(
        'reservations',
        (path.name for path in DNSMASQ.glob('hk*.hanok-dhcp')),
        (f'hk{number}.hanok-dhcp' for number in numbers),
    )
    for number in numbers:
        path = DNSMASQ / f'hk{number}.hanok-dhcp'
        lines = path.read_text('utf-8').split() if path.exists() else []
        query = (
            'SELECT p.mac, p.address, s.name FROM port p JOIN server s ON s.id = p.server_id '
            f'WHERE p.network_id = {number}'
        )
        found += _differ(
            f'reservation in hk{number}', lines, (','.join(row) for row in rows(query))
        )
    meta = {row['key']: row['value'] for row in rows('SELECT * FROM meta')}
    # rev_RECORD_FORM_REVISION
    loaded = [
        '_'.join(line.split()[1].split('_')[1::2])
        for line in output_of('nft', 'list', 'table', 'inet', 'hanok').splitlines()
        if line.strip().startswith('chain rev_')
    ]
    return found + _differ('ruleset', loaded, [f'{meta["record"]}_{meta["revision"]}'])


def resources() -> set[tuple[str, str]]:
    """All resources by kind and name."""
    tables = {kind: {'lb': 'balancer'}.get(kind, kind) for kind in REMOVAL}
    names = {'floating_ip': 'coalesce(name, address)'}
    return {
        (kind, row[0])
        for kind, table in tables.items()
        for row in rows(f'SELECT {names.get(kind, "name")} FROM {table}')
        if row[0] is not None and not row[0].endswith('/root')  # deleted with its server
    }
