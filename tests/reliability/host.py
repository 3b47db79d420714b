# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All of a host that a run could double or leave behind, seen from outside, with names in place of numbers, ids and times.

Two hosts on which the same was done look the same. What belongs to no row of the record keeps its
number, and so is seen.
"""

from __future__ import annotations

import contextlib
import difflib
import glob
import json
import os
import re
import sqlite3
import stat
import struct
import subprocess
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import libvirt

STATE = '/var/lib/hanok'
FOLDERS = (
    STATE,
    '/var/lib/libvirt',
    '/var/log/libvirt',
    '/etc/hanok',
    '/etc/libvirt',
    '/run/netns',
)
# The record is looked at row by row; locks stay; the others belong to libvirt and dnsmasq: logs,
# leases by time, sockets, and what QEMU is told.
PASSED_OVER = re.compile(
    r'/hanok\.(db|db-wal|db-shm|json)$|/hanok/locks(/|$)|'
    r'\.log(\.\d)?$|\.(status|leases|macs)(\.new)?$|/lib/libvirt/qemu/|/autostart$|/console\.log|\.(sock|pid)$'
)
SETTLED = 15  # seconds
OURS = re.compile(
    r'qemu-|haproxy|s6-|libvirt_lxc|dnsmasq|genisoimage|ssh-keygen|nft$|conntrack|ip$'
)
LINKS = {
    'security_group_rule': {'group_id': 'security_group', 'remote_group_id': 'security_group'},
    'server': {'image_id': 'image'},
    'balancer_member': {'balancer_id': 'balancer', 'server_id': 'server'},
    'port': {'network_id': 'network', 'server_id': 'server', 'balancer_id': 'balancer'},
    'port_security_group': {'port_id': 'port', 'group_id': 'security_group'},
    'floating_ip': {'port_id': 'port'},
    'volume': {'server_id': 'server'},
}
CALLER = '203.0.113.9'  # connections that tests have made up come from there (RFC 5737)
METADATA = re.compile(r'<metadata>.*?</metadata>')
BRIDGE_SETTINGS = ('conf/{}/proxy_arp_pvlan', 'conf/{}/send_redirects', 'neigh/{}/proxy_delay')


class Names:
    """Names in place of numbers and ids, from the rows of the record."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        """``tables``: all rows by their tables."""
        self.rows = {
            table: {row['id']: row for row in rows if 'id' in row} for table, rows in tables.items()
        }
        self.words: dict[str, str] = {}
        for table, rows in self.rows.items():
            for row in rows.values():
                self._name(table, row)
        found = sorted(map(re.escape, self.words), key=len, reverse=True)
        self.pattern = re.compile(r'(?<![\w-])(' + '|'.join([*found, r'\Z.']) + r')(?![\w-])')

    def of(self, table: str, number: int | None) -> str | None:
        """What a row is called."""
        if number is None:
            return None
        row = self.rows[table].get(number)
        if row is None:
            return f'{table} {number}, which is not there'
        if table == 'port':
            holder = (
                self.of('server', row['server_id']) or self.of('balancer', row['balancer_id']) or ''
            )
            return f'port {row["name"]} {holder} {row["position"]}'
        return f'{table} {row.get("name")}'

    def _name(self, table: str, row: dict[str, Any]) -> None:
        number, name = row['id'], f'<{self.of(table, row["id"])}>'
        if 'uuid' in row:
            self.words[row['uuid']] = self.words[row['uuid'][:20]] = self.words[
                'ua-' + row['uuid'][:20]
            ] = name
        if table == 'server':
            self.words[f'hanok-{number}-{row["name"]}'] = name
        elif table == 'balancer':
            self.words.update(
                {f'{prefix}_lb{number}': f'{prefix} {name}' for prefix in ('in', 'eg')}
            )
            self.words[f'hanok-lb-{number}-{row["name"]}'] = name
        elif table == 'network':
            self.words[f'hk{number}'] = name
        elif table == 'port':
            self.words[f'hkp{number}'] = name
            self.words[row['mac']] = f'{name} MAC'
        elif table == 'keypair':
            self.words[row['public_key'].split()[1]] = f'{name} key'
        elif table == 'security_group':
            self.words.update(
                {f'{prefix}_{number}': f'{prefix} {name}' for prefix in ('in', 'eg', 'm')}
            )

    def put(self, text: str) -> str:
        """Names into a text."""
        return self.pattern.sub(lambda found: self.words[found.group(1)], text)


def said(*words: str) -> str:
    """What a program says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def rows(state: str = STATE) -> dict[str, list[dict[str, Any]]]:
    """All rows of the record."""
    with contextlib.closing(sqlite3.connect(f'file:{state}/hanok.db?mode=ro', uri=True)) as record:
        record.row_factory = sqlite3.Row
        tables = [
            row[0]
            for row in record.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        return {
            table: [dict(row) for row in record.execute(f'SELECT * FROM {table}')]
            for table in tables
        }


def recorded(tables: dict[str, list[dict[str, Any]]], names: Names) -> list[str]:
    """Rows without numbers, ids and times, what they refer to by its name."""
    found = []
    for table, some in tables.items():
        links = LINKS.get(table, {})
        for row in some if table != 'meta' else ():
            kept = {
                key: value for key, value in row.items() if key not in ('id', 'uuid', 'created_at')
            }
            kept.update({column: names.of(other, row[column]) for column, other in links.items()})
            found.append(names.put(f'{table}: {kept}'))
    return sorted(found)


def export(tables: dict[str, list[dict[str, Any]]], state: str = STATE) -> list[str]:
    """Where the export beside the record differs from it; the secret of the record is in no export."""
    tables = {**tables, 'meta': [row for row in tables['meta'] if row['key'] != 'secret']}
    there = json.loads(Path(state, 'hanok.json').read_text(encoding='utf-8'))
    return [
        table
        for table, some in tables.items()
        if sorted(map(str, there.get(table, []))) != sorted(map(str, some))
    ]


def machines(names: Names, connections: list[Any]) -> list[str]:
    """Machines, as they are defined and as they run."""
    found = []
    for connection in connections:
        for domain in connection.listAllDomains():
            text = names.put(
                METADATA.sub(_metadata, _flat(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
            )
            state, active = domain.state()[0], domain.isActive()
            found.append(
                f'{text} state={state} autostart={domain.autostart()} persistent={domain.isPersistent()}'
            )
            if active:
                live = ET.fromstring(domain.XMLDesc())
                devices = [
                    names.put(re.sub(r' index="\d+"', '', ET.tostring(part).decode().strip()))
                    for path in ('disk/source', 'disk/serial', 'interface/source')
                    for part in live.findall(f'devices/{path}')
                ]
                found.append(
                    f'{names.put(domain.name())} runs: {live.findtext("vcpu")} vCPUs, {live.findtext("memory")} KiB, {sorted(devices)}'
                )
    return sorted(found)


def _metadata(found: re.Match[str]) -> str:
    """What a machine says of its server, without numbers and times."""

    def kept(thing: Any) -> Any:
        if isinstance(thing, list):
            return [kept(part) for part in thing]
        if isinstance(thing, dict):
            return {
                key: kept(part)
                for key, part in thing.items()
                if key not in ('id', 'created_at') and not key.endswith('_id')
            }
        return thing

    return 'metadata: ' + json.dumps(
        kept(json.loads(''.join(ET.fromstring(found.group()).itertext())))
    )


def networks(names: Names, connections: list[Any]) -> list[str]:
    """Networks of libvirt."""
    return sorted(
        f'{names.put(_flat(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)))} active={network.isActive()} autostart={network.autostart()}'
        for network in connections[0].listAllNetworks()
    )


def _flat(text: str) -> str:
    """XML on one line; libvirt makes up the MAC of a bridge."""
    text = re.sub(r'\s*\n\s*', '', text)
    text = text.replace(
        '<resource><partition>/machine</partition></resource>', ''
    )  # of a machine that was started since it was defined
    return re.sub(r"(?<=stp='off' delay='0'/>)<mac address='[^']*'/>", '', text)


def files(names: Names) -> list[str]:
    """Files and folders: their modes and owners, and what is in them, as far as it says the same each time."""
    paths = [
        path
        for folder in FOLDERS
        for path in [folder, *glob.glob(folder + '/**', recursive=True, include_hidden=True)]
    ]
    found = []
    for path in sorted({path.rstrip('/') for path in paths}):
        with contextlib.suppress(FileNotFoundError):
            if not PASSED_OVER.search(path):
                about = os.lstat(path)
                content = names.put(_content(path)) if stat.S_ISREG(about.st_mode) else ''
                found.append(
                    f'{names.put(path)} {stat.filemode(about.st_mode)} {_in_order(content) if path.endswith(".iso") else content}'
                )
    return sorted(found)


def _content(path: str) -> str:
    with open(path, 'rb') as file:
        head = file.read(64)
        if head[:4] == b'QFI\xfb':
            offset, length, _bits, size = struct.unpack('>QIIQ', head[8:32])
            file.seek(offset)
            return f'qcow2 of {size} bytes on {file.read(length).decode() if offset else "nothing"}'
        file.seek(0)
        text = file.read().decode('latin-1')
    if path.endswith('.iso'):  # a CD is full of times
        return ' '.join(
            part for part in re.findall(r'[ -~\n]{4,}', text) if not re.search(r'\d{14}', part)
        )
    # Looked at where it is loaded.
    if path.endswith(('/ruleset.nft', '/datapath/loaded')) or path.startswith(
        ('/etc/libvirt/qemu/', '/etc/libvirt/lxc/')
    ):
        return ''
    return (
        ''
        if path.endswith('servers.state') or ('/services/' in path and not path.endswith('/run'))
        else text
    )


def _in_order(text: str) -> str:
    return ' '.join(sorted(set(text.split())))


def rules(names: Names) -> list[str]:
    """The tables of nftables, in one order, chains of combined groups named by what they lead to."""
    found = [
        item
        for item in json.loads(names.put(said('nft', '-j', 'list', 'ruleset')))['nftables']
        if 'metainfo' not in item
    ]
    leads: dict[str, list[str]] = {}
    for item in found:
        chain = item.get('rule', {}).get('chain', '')
        if re.fullmatch(r'(egc|inc)_[0-9a-f]{16}', chain):
            leads.setdefault(chain, []).append(json.dumps(item['rule']['expr']))
    lines = []
    for item in found:
        kind, thing = next(iter(item.items()))
        thing.pop('handle', None)
        thing.pop('index', None)
        if thing.get('name') in ('flows_from', 'flows_to'):
            thing.pop('elem', None)  # the kernel counts connections there
        if 'elem' in thing:
            thing['elem'] = sorted(thing['elem'], key=json.dumps)
        line = f'{kind} {json.dumps(thing, sort_keys=True)}'
        for chain, expressions in leads.items():
            line = line.replace(chain, f'{chain[:3]} of {expressions}')
        if not re.search(r'"name": "rev_\w+"', line):
            lines.append(line)
    return sorted(lines)


def devices(names: Names) -> list[str]:
    """Devices of the network, on what bridge they are, and what the kernel is told of the bridges."""
    found = []
    for device in os.listdir('/sys/class/net'):
        master = (
            os.path.basename(os.path.realpath(f'/sys/class/net/{device}/master'))
            if os.path.exists(f'/sys/class/net/{device}/master')
            else ''
        )
        settings = []
        if os.path.isdir(f'/sys/class/net/{device}/bridge'):
            settings = [
                Path('/proc/sys/net/ipv4', key.format(device)).read_text(encoding='ascii').strip()
                for key in BRIDGE_SETTINGS
            ]
        # libvirt numbers its own ends of the devices of containers
        found.append(names.put(f'{re.sub("^vnet[0-9]+$", "vnet", device)} on {master} {settings}'))
    return sorted(found)


def processes(names: Names) -> list[str]:
    """Programs of ours that run; machines and networks are known by their names. HAProxy that has just taken up a file has its old worker for a moment."""
    until = time.monotonic() + SETTLED
    found = _processes(names)
    while (
        any(count != 2 for line, count in Counter(found).items() if line.startswith('haproxy '))
        and time.monotonic() < until
    ):  # a master and its worker
        time.sleep(0.1)
        found = _processes(names)
    return found


def _processes(names: Names) -> list[str]:
    found = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            words = Path(path).read_bytes().decode(errors='replace').split('\0')
            program = os.path.basename(words[0])
            if OURS.match(program):
                about = [
                    word
                    for word in words[1:]
                    if word.startswith(('guest=', '--conf-file', '/var/lib/hanok', '--name'))
                ]
                found.append(
                    names.put(f'{program} {" ".join(word.split(",")[0] for word in about)}')
                )
    return sorted(found)


def look(connections: list[Any], *folders: str) -> dict[str, list[str]]:
    """Everything; ``folders``: further ones, of which the names of what is in them are looked at."""
    tables = rows()
    names = Names(tables)
    return {
        'rows': recorded(tables, names),
        'export': export(tables),
        'machines': machines(names, connections),
        'networks': networks(names, connections),
        'files': files(names),
        'rules': rules(names),
        'devices': devices(names),
        'routes': sorted(
            names.put(line.replace(' linkdown', '').strip())
            for line in said('ip', '-4', 'route', 'show').splitlines()
        ),
        'proxies': sorted(said('ip', 'neigh', 'show', 'proxy').splitlines()),
        'flows': sorted(
            ' '.join(re.findall(r'(?:src|dst)=\S+', line))
            for line in said('conntrack', '-L').splitlines()
            if f'src={CALLER} ' in line
        ),
        'mounts': sorted(
            line.split()[4]
            for line in Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines()
        ),
        'processes': processes(names),
        'others': sorted(
            path
            for folder in folders
            for path in glob.glob(folder + '/**', recursive=True, include_hidden=True)
        ),
    }


def differences(wanted: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """What is there and should not be (+), and what is missing (-); of lines that are nearly the same, the words that differ."""
    out = []
    for part, lines in wanted.items():
        more, less = list(found[part]), []
        for line in lines:
            more.remove(line) if line in more else less.append(line)
        for line in less:
            alike = difflib.get_close_matches(line, more, 1, 0.8)
            if alike:
                more.remove(alike[0])
                words = [
                    word
                    for word in difflib.ndiff(line.split(), alike[0].split())
                    if word[0] in '-+'
                ]
                out.append(f'~ {part}: {line[:80]}: {" ".join(words)[:500]}')
            else:
                out.append(f'- {part}: {line[:500]}')
        out += [f'+ {part}: {line[:500]}' for line in more]
    return out
