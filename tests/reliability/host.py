# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a host that a run could duplicate or leave behind, observed from outside.

Names replace numbers, ids and times, so that two hosts on which the same was done are equal. What
belongs to no row of the record keeps its number, and so makes a difference.
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
import tarfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import libvirt

from ansible_collections.hanok.cloud.plugins.module_utils._local.host.user_namespace import (
    first_id,
)

STATE = '/var/lib/hanok'
FOLDERS = (
    STATE,
    '/var/lib/libvirt',
    '/var/log/libvirt',
    '/etc/hanok',
    '/etc/libvirt',
    '/etc/systemd/system',
    '/var/lib/systemd/timers',
    '/run/netns',
)
# The record is compared row by row; locks stay; the others belong to libvirt and dnsmasq: logs,
# leases by time, sockets, and the configuration of QEMU. A container writes its files by itself.
# The service of schedules stays when there are none.
IGNORED = re.compile(
    r'/hanok\.(db|db-wal|db-shm|json)$|/hanok/locks(/|$)|'
    r'\.log(\.\d)?$|\.(status|leases|macs)(\.new)?$|'
    r'/hanok-schedule@\.service$|'
    r'/servers/[^/]+/(root|snapshots/[^/]+)/[^/]+/|/lib/libvirt/qemu/|/autostart$|/console([./]|$)|\.(sock|pid)$'
)
SETTLE_TIMEOUT = 15  # seconds
PROGRAMS = re.compile(
    r'qemu-|haproxy|s6-|libvirt_lxc|dnsmasq|genisoimage|ssh-keygen|nft$|conntrack|ip$'
)
LINKS = {
    'security_group_rule': {'group_id': 'security_group', 'remote_group_id': 'security_group'},
    'server': {'image_id': 'image'},
    'balancer_member': {'balancer_id': 'balancer', 'server_id': 'server'},
    'port': {'network_id': 'network', 'server_id': 'server', 'balancer_id': 'balancer'},
    'port_security_group': {'port_id': 'port', 'group_id': 'security_group'},
    'floating_ip': {'port_id': 'port'},
    'bridge_port': {'server_id': 'server'},
    'volume': {'server_id': 'server'},
    'volume_reader': {'volume_id': 'volume', 'server_id': 'server'},
    'volume_snapshot': {'volume_id': 'volume'},
    'server_snapshot': {'server_id': 'server', 'parent_id': 'server_snapshot'},
    'server_snapshot_disk': {'snapshot_id': 'server_snapshot', 'volume_id': 'volume'},
}
CALLER = '203.0.113.9'  # the source of simulated connections (RFC 5737)
METADATA = re.compile(r'<metadata>.*?</metadata>')
BRIDGE_SETTINGS = ('conf/{}/proxy_arp_pvlan', 'conf/{}/send_redirects', 'neigh/{}/proxy_delay')


class Names:
    """Names that replace numbers and ids, from the rows of the record."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        """``tables``: all rows by table."""
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        for table, rows in tables.items():
            self.rows[table] = {row['id']: row for row in rows if 'id' in row}
        self.words: dict[str, str] = {}
        for table, numbered in self.rows.items():
            for row in numbered.values():
                self._name(table, row)
        found = sorted(map(re.escape, self.words), key=len, reverse=True)
        self.pattern = re.compile(r'(?<![\w-])(' + '|'.join([*found, r'\Z.']) + r')(?![\w-])')

    def name_of(self, table: str, number: int | None) -> str | None:
        """The name of a row."""
        if number is None:
            return None
        row = self.rows[table].get(number)
        if row is None:
            return f'{table} {number}, which does not exist'
        if table == 'port':
            holder = (
                self.name_of('server', row['server_id'])
                or self.name_of('balancer', row['balancer_id'])
                or ''
            )
            return f'port {row["name"]} {holder} {row["position"]}'
        if table == 'bridge_port':
            return f'{row["bridge"]} {self.name_of("server", row["server_id"])}'
        return f'{table} {row.get("name")}'

    def _name(self, table: str, row: dict[str, Any]) -> None:
        number, name = row['id'], f'<{self.name_of(table, row["id"])}>'
        if 'uuid' in row:
            short = row['uuid'][:20]
            self.words.update(dict.fromkeys((row['uuid'], short, f'ua-{short}'), name))
        if table == 'server':
            self.words[f'hanok-{number}-{row["name"]}'] = name
            self.words[str(first_id(number))] = f'{name} users'
        elif table in ('server_snapshot', 'volume_snapshot', 'backup'):
            self.words[f'hanok-{row["uuid"]}'] = name
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
        elif table == 'bridge_port':
            self.words.update({f'hkt{number}': name, row['mac']: f'{name} MAC'})
        elif table == 'keypair':
            self.words[row['public_key'].split()[1]] = f'{name} key'
        elif table == 'security_group':
            self.words.update(
                {f'{prefix}_{number}': f'{prefix} {name}' for prefix in ('in', 'eg', 'm')}
            )

    def replace_ids(self, text: str) -> str:
        """Replace numbers and ids in a text by names."""
        return self.pattern.sub(lambda found: self.words[found.group(1)], text)


def output_of(*words: str) -> str:
    """Run a program; return its output."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def rows(state: str = STATE) -> dict[str, list[dict[str, Any]]]:
    """All rows of the record by table, apart from the history, which has every run."""
    with contextlib.closing(sqlite3.connect(f'file:{state}/hanok.db?mode=ro', uri=True)) as record:
        record.row_factory = sqlite3.Row
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND name <> 'history' ORDER BY name"
        )
        tables: dict[str, list[dict[str, Any]]] = {}
        for (table,) in record.execute(query).fetchall():
            tables[table] = [dict(row) for row in record.execute(f'SELECT * FROM {table}')]
        return tables


def history() -> list[dict[str, Any]]:
    """The rows of the history."""
    with contextlib.closing(sqlite3.connect(f'file:{STATE}/hanok.db?mode=ro', uri=True)) as record:
        record.row_factory = sqlite3.Row
        return [dict(row) for row in record.execute('SELECT * FROM history ORDER BY id')]


def comparable_rows(tables: dict[str, list[dict[str, Any]]], names: Names) -> list[str]:
    """The rows without numbers, ids and times, with references by name."""
    found = []
    for table, table_rows in tables.items():
        links = LINKS.get(table, {})
        for row in table_rows if table != 'meta' else ():
            values = {
                key: value for key, value in row.items() if key not in ('id', 'uuid', 'created_at')
            }
            if table == 'backup':  # the copy is compressed by several threads, in any order
                del (
                    values['size'],
                    values['checksum'],
                    values['server_uuid'],
                )  # or a server's that is gone
                values['volumes'] = [one['name'] for one in json.loads(row['volumes'] or '[]')]
            if table == 'image' and row['source'].startswith('backup:'):
                del values['size']  # of files that a container wrote to until then
            values.update(
                {column: names.name_of(other, row[column]) for column, other in links.items()}
            )
            found.append(names.replace_ids(f'{table}: {values}'))
    return sorted(found)


_APART = ('secret', 'metadata_written')


def export(tables: dict[str, list[dict[str, Any]]], state: str = STATE) -> list[str]:
    """The tables whose export differs.

    The secret of the record is in no export, and neither is whether the metadata of machines is
    written, which a new record does not assume.
    """
    exported = json.loads(Path(state, 'hanok.json').read_text(encoding='utf-8'))

    def compared(found: list[dict[str, Any]]) -> list[str]:
        return sorted(map(str, found))

    return [
        table
        for table, table_rows in tables.items()
        if compared(exported.get(table, []))
        != compared([row for row in table_rows if row.get('key') not in _APART])
    ]


def machines(names: Names, connections: list[Any]) -> list[str]:
    """The domains, as they are defined and as they run."""
    found = []
    for connection in connections:
        for domain in connection.listAllDomains():
            xml = _flat(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            # The users of a container follow from its UUID.
            xml = re.sub(r"target='[0-9]+' count='1'", "target='' count='1'", xml)
            text = names.replace_ids(METADATA.sub(_metadata, xml))
            state, active = domain.state()[0], domain.isActive()
            found.append(
                f'{text} state={state} autostart={domain.autostart()} '
                f'persistent={domain.isPersistent()}'
            )
            if active:
                found.append(f'{names.replace_ids(domain.name())} {_live(names, domain)}')
    return sorted(found)


def _live(names: Names, domain: Any) -> str:
    """What a running domain has."""
    live = ET.fromstring(domain.XMLDesc())
    devices = [
        names.replace_ids(re.sub(r' index="\d+"', '', ET.tostring(part).decode().strip()))
        for path in ('disk/source', 'disk/serial', 'interface/source')
        for part in live.findall(f'devices/{path}')
    ]
    vcpus, memory = live.findtext('vcpu'), live.findtext('memory')
    listed = domain.listAllCheckpoints() if domain.OSType() == 'hvm' else ()
    checkpoints = sorted(names.replace_ids(one.getName()) for one in listed)
    return f'runs: {vcpus} vCPUs, {memory} KiB, {sorted(devices)}, {checkpoints}'


def _metadata(found: re.Match[str]) -> str:
    """The metadata of a domain, without ids and times."""

    def without_ids(value: Any) -> Any:
        if isinstance(value, list):
            return [without_ids(part) for part in value]
        if isinstance(value, dict):
            return {
                key: without_ids(part)
                for key, part in value.items()
                if key not in ('id', 'created_at') and not key.endswith('_id')
            }
        return value

    return 'metadata: ' + json.dumps(
        without_ids(json.loads(''.join(ET.fromstring(found.group()).itertext())))
    )


def networks(names: Names, connections: list[Any]) -> list[str]:
    """The networks of libvirt."""
    found = []
    for network in connections[0].listAllNetworks():
        xml = names.replace_ids(_flat(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)))
        found.append(f'{xml} active={network.isActive()} autostart={network.autostart()}')
    return sorted(found)


def _flat(text: str) -> str:
    """Return XML on one line, without the MAC of a bridge, which libvirt generates."""
    text = re.sub(r'\s*\n\s*', '', text)
    # libvirt adds it to a domain that was started since it was defined.
    text = text.replace('<resource><partition>/machine</partition></resource>', '')
    return re.sub(r"(?<=stp='off' delay='0'/>)<mac address='[^']*'/>", '', text)


def files(names: Names) -> list[str]:
    """Files and directories: mode, owner, and content as far as it is reproducible."""
    paths = [
        path
        for folder in FOLDERS
        for path in [folder, *glob.glob(folder + '/**', recursive=True, include_hidden=True)]
    ]
    found = []
    for path in sorted({path.rstrip('/') for path in paths}):
        with contextlib.suppress(FileNotFoundError):
            if not IGNORED.search(path):
                about = os.lstat(path)
                content = names.replace_ids(_content(path)) if stat.S_ISREG(about.st_mode) else ''
                if path.endswith('.iso'):
                    content = _in_order(content)
                found.append(f'{names.replace_ids(path)} {stat.filemode(about.st_mode)} {content}')
    return sorted(found)


_ZSTD = b'\x28\xb5\x2f\xfd'


def _content(path: str) -> str:
    if path.endswith('.raw'):  # what is mounted from it is in the folder beside it
        return f'{os.path.getsize(path)} bytes'
    with open(path, 'rb') as file:
        head = file.read(64)
        if head[:4] == b'QFI\xfb':
            offset, length, _bits, size = struct.unpack('>QIIQ', head[8:32])
            file.seek(offset)
            base = file.read(length).decode() if offset else 'nothing'
            return f'qcow2 of {size} bytes on {base} {_snapshots(file)}'
        file.seek(0)
        if path.endswith('.tar.zst'):  # a backup of a container, whose files have times
            return f'compressed with zstd: {head[:4] == _ZSTD}'
        if path.endswith('.tar'):  # that of a container has times, and what it has written
            with tarfile.open(fileobj=file) as archive:
                return f'archive, has init: {"./sbin/init" in archive.getnames()}'
        text = file.read().decode('latin-1')
    if path.endswith('/root-password'):  # openssl makes a new salt each time
        return re.sub(r'\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$', '<hash>', text)
    if path.endswith('/manifest.json'):
        return re.sub(r'"(created_at|size|checksum|server_id)": [^,\n]*', '', text)
    if path.endswith('.iso'):  # a CD is full of times
        return ' '.join(
            part for part in re.findall(r'[ -~\n]{4,}', text) if not re.search(r'\d{14}', part)
        )
    # Compared where it is loaded.
    if path.endswith(('/ruleset.nft', '/datapath/loaded')) or path.startswith(
        ('/etc/libvirt/qemu/', '/etc/libvirt/lxc/')
    ):
        return ''
    if re.search(r'/hanok-[0-9a-f-]{36}\.xml$', path):  # it has the ids of a running machine
        return ''
    if path.endswith('servers.state') or ('/services/' in path and not path.endswith('/run')):
        return ''
    return text


def _snapshots(file: BinaryIO) -> str:
    """The snapshots in a qcow2 file in their order (QEMU: docs/interop/qcow2.txt)."""
    file.seek(60)
    count, offset = struct.unpack('>IQ', file.read(12))
    names = []
    for _number in range(count):
        file.seek(offset)
        id_size, name_size, extra = struct.unpack('>12xHH20xI', file.read(40))
        file.seek(extra + id_size, os.SEEK_CUR)
        names.append(file.read(name_size).decode())
        offset += -(-(40 + extra + id_size + name_size) // 8) * 8
    return ' '.join(names)


def _in_order(text: str) -> str:
    return ' '.join(sorted(set(text.split())))


def rules(names: Names) -> list[str]:
    """The rules of nftables, sorted, with the chains of combined groups named by their rules."""
    found = [
        item
        for item in json.loads(names.replace_ids(output_of('nft', '-j', 'list', 'ruleset')))[
            'nftables'
        ]
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
    """Network devices, their bridges, and the kernel settings of bridges."""
    found = []
    for device in os.listdir('/sys/class/net'):
        link = f'/sys/class/net/{device}/master'
        master = os.path.basename(os.path.realpath(link)) if os.path.exists(link) else ''
        settings = []
        if os.path.isdir(f'/sys/class/net/{device}/bridge'):
            settings = [
                Path('/proc/sys/net/ipv4', key.format(device)).read_text(encoding='ascii').strip()
                for key in BRIDGE_SETTINGS
            ]
        # libvirt numbers the host ends of the devices of containers.
        found.append(
            names.replace_ids(f'{re.sub("^vnet[0-9]+$", "vnet", device)} on {master} {settings}')
        )
    return sorted(found)


def processes(names: Names) -> list[str]:
    """The running programs of the cloud, with the names of their resources.

    HAProxy that has just loaded a configuration keeps its old worker for a moment.
    """
    deadline = time.monotonic() + SETTLE_TIMEOUT
    found = _processes(names)
    while not _haproxy_is_settled(found) and time.monotonic() < deadline:
        time.sleep(0.1)
        found = _processes(names)
    return found


def _haproxy_is_settled(found: list[str]) -> bool:
    """Whether each HAProxy has two processes: a master and its worker."""
    counts = Counter(line for line in found if line.startswith('haproxy '))
    return all(count == 2 for count in counts.values())


def _processes(names: Names) -> list[str]:
    found = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            words = Path(path).read_bytes().decode(errors='replace').split('\0')
            program = os.path.basename(words[0])
            if PROGRAMS.match(program):
                about = [
                    word
                    for word in words[1:]
                    if word.startswith(('guest=', '--conf-file', '/var/lib/hanok', '--name'))
                ]
                found.append(
                    names.replace_ids(f'{program} {" ".join(word.split(",")[0] for word in about)}')
                )
    return sorted(found)


def observe(connections: list[Any], *folders: str) -> dict[str, list[str]]:
    """Observe the whole host; of the further ``folders``, the paths in them."""
    tables = rows()
    names = Names(tables)
    return {
        'rows': comparable_rows(tables, names),
        'export': export(tables),
        'machines': machines(names, connections),
        'networks': networks(names, connections),
        'files': files(names),
        'rules': rules(names),
        'devices': devices(names),
        'routes': sorted(
            names.replace_ids(line.replace(' linkdown', '').strip())
            for line in output_of('ip', '-4', 'route', 'show').splitlines()
        ),
        'proxies': sorted(output_of('ip', 'neigh', 'show', 'proxy').splitlines()),
        'flows': sorted(
            ' '.join(re.findall(r'(?:src|dst)=\S+', line))
            for line in output_of('conntrack', '-L').splitlines()
            if f'src={CALLER} ' in line
        ),
        'mounts': sorted(
            names.replace_ids(line.split()[4])
            for line in Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines()
        ),
        'processes': processes(names),
        'others': sorted(
            path
            for folder in folders
            for path in glob.glob(folder + '/**', recursive=True, include_hidden=True)
        ),
    }


def differences(expected: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """What is unexpected (+) and what is missing (-); of similar lines, the words that differ."""
    out = []
    for part, lines in expected.items():
        more, less = list(found[part]), []
        for line in lines:
            more.remove(line) if line in more else less.append(line)
        for line in less:
            alike = difflib.get_close_matches(line, more, 1, 0.8)
            if alike:
                more.remove(alike[0])
                diff = difflib.ndiff(line.split(), alike[0].split())
                words = ' '.join(word for word in diff if word[0] in '-+')
                out.append(f'~ {part}: {line[:80]}: {words[:500]}')
            else:
                out.append(f'- {part}: {line[:500]}')
        out += [f'+ {part}: {line[:500]}' for line in more]
    return out
