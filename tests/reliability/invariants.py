# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must be true of a host whenever nobody is at work on it: the record by itself, and what is there beside the record. Nothing of ours is asked."""

from __future__ import annotations

import glob
import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STATE = Path('/var/lib/hanok')
DNSMASQ = Path('/var/lib/libvirt/dnsmasq')
# In the order in which what uses goes before what is used.
REMOVAL = (
    'lb',
    'floating_ip',
    'server',
    'image',
    'volume',
    'port',
    'network',
    'security_group',
    'keypair',
    'init_script',
    'flavor',
)
UNIQUE = {
    'port': ('network_id || " " || address', 'network_id || " " || mac'),
    'floating_ip': ('address', 'port_id'),
    'network': ('cidr',),
    'balancer_member': ('balancer_id || " " || server_id',),
    'port_security_group': ('port_id || " " || group_id',),
}


def said(*words: str) -> str:
    """What a program of the host says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def rows(query: str) -> list[sqlite3.Row]:
    """What the record holds, read without any of our code."""
    sql = sqlite3.connect(f'file:{STATE}/hanok.db?mode=ro', uri=True)
    sql.row_factory = sqlite3.Row
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def broken() -> list[str]:
    """All that is not as it must be; empty: nothing."""
    return [*_record(), *_machines(), *_files(), *_networks()]


def _record() -> list[str]:
    found = [f'integrity: {row[0]}' for row in rows('PRAGMA integrity_check') if row[0] != 'ok']
    found += [f'a reference to nothing: {tuple(row)}' for row in rows('PRAGMA foreign_key_check')]
    tables = [
        row[0]
        for row in rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
    for table in tables:
        columns = {row['name'] for row in rows(f'PRAGMA table_info({table})')}
        if 'task_state' in columns:
            found += [
                f'{table} {row[0]} is {row[1]}'
                for row in rows(
                    f'SELECT name, task_state FROM {table} WHERE task_state IS NOT NULL'
                )
            ]
        keys = [*(['name'] if 'name' in columns else []), *UNIQUE.get(table, ())]
        for key in keys:
            found += [
                f'{table}: {row[0]} is there twice'
                for row in rows(
                    f'SELECT {key} FROM {table} WHERE {key} IS NOT NULL GROUP BY 1 HAVING count(*) > 1'
                )
            ]
    exported = json.loads((STATE / 'hanok.json').read_text('utf-8'))
    for table in tables:
        secret = "WHERE key <> 'secret'" if table == 'meta' else ''  # it is in no export
        if _plain(exported[table]) != _plain(map(dict, rows(f'SELECT * FROM {table} {secret}'))):
            found.append(f'the export has another {table}')
    return found


def _plain(found: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)


def _differ(what: str, there: Iterable[str], wanted: Iterable[str]) -> list[str]:
    have, want = Counter(there), Counter(wanted)
    return [f'{what}: there is {name}' for name in have - want] + [
        f'{what}: there is no {name}' for name in want - have
    ]


def _machines() -> list[str]:
    found = []
    for uri, table in (('qemu:///system', 'server'), ('lxc:///system', 'balancer')):
        found += _differ(
            table,
            said('virsh', '-c', uri, 'list', '--all', '--uuid').split(),
            (row[0] for row in rows(f'SELECT uuid FROM {table}')),
        )
    running = said('virsh', '-c', 'lxc:///system', 'list', '--uuid').split()
    return found + _differ(
        'running balancer', running, (row[0] for row in rows('SELECT uuid FROM balancer'))
    )


def _files() -> list[str]:
    found = []
    for folder, table, suffix in (
        ('servers', 'server', ''),
        ('balancers', 'balancer', ''),
        ('volumes', 'volume', '.qcow2'),
        ('images', 'image', '.qcow2'),
    ):
        there = os.listdir(STATE / folder) if (STATE / folder).is_dir() else []
        found += _differ(
            folder, there, (row[0] + suffix for row in rows(f'SELECT uuid FROM {table}'))
        )
    servers = {row[0] for row in rows('SELECT uuid FROM server')}
    for folder in servers:
        here = [name for name in os.listdir(STATE / 'servers' / folder) if name != 'console.log']
        found += _differ(f'server {folder}', here, ['root.qcow2', 'seed.iso'])
    return found + [
        f'{path} was left'
        for pattern in ('*.part', '*.new')
        for path in glob.glob(f'{STATE}/**/{pattern}', recursive=True)
    ]


def _networks() -> list[str]:
    numbers = [row[0] for row in rows('SELECT id FROM network')]
    found = _differ(
        'network',
        said('virsh', 'net-list', '--all', '--name').split(),
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
        query = f'SELECT p.mac, p.address, s.name FROM port p JOIN server s ON s.id = p.server_id WHERE p.network_id = {number}'
        found += _differ(
            f'reservation in hk{number}', lines, (','.join(row) for row in rows(query))
        )
    meta = {row['key']: row['value'] for row in rows('SELECT * FROM meta')}
    loaded = [
        line.split()[1]
        for line in said('nft', 'list', 'table', 'inet', 'hanok').splitlines()
        if line.strip().startswith('chain rev_')
    ]
    return found + _differ('ruleset', loaded, [f'rev_{meta["record"]}_{meta["revision"]}'])


def things() -> set[tuple[str, str]]:
    """All that is there, by kind and name."""
    tables = {kind: {'lb': 'balancer'}.get(kind, kind) for kind in REMOVAL}
    names = {'floating_ip': 'coalesce(name, address)'}
    return {
        (kind, row[0])
        for kind, table in tables.items()
        for row in rows(f'SELECT {names.get(kind, "name")} FROM {table}')
        if row[0] is not None
    }
