# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create a typical environment with the modules of a clone, and keep what defines it as text.

usage: scripts/world .venv/bin/python tests/tools/keep_record.py CLONE FOLDER

The files of FOLDER are a fixture: tests/unit/test_kept_records.py and
tests/integration/test_takeover.py take them over with the current modules.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import sqlite3
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STATE = Path('/var/lib/hanok')
RECORD = STATE / 'hanok.db'
EXPORT = STATE / 'hanok.json'
SETTINGS = Path('/etc/hanok')
DNSMASQ = Path('/var/lib/libvirt/dnsmasq')
URIS = {'qemu': 'qemu:///system', 'lxc': 'lxc:///system'}
KINDS = (
    'flavor',
    'floating_ip',
    'image',
    'init_script',
    'keypair',
    'lb',
    'network',
    'port',
    'security_group',
    'server',
    'volume',
)
PORT = 18999  # where the image is downloaded from, on this host
CHECKSUM = 'CHECKSUM'  # stands for that of the image
_DISK, _ISO = b'QFI\xfb', b'CD001'
_RUNTIME = ('event', 'supervise')  # folders of s6

_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7l'
# An echo server for connections that stay open: every guest has one on both ports.
_USER_DATA = """#!/bin/sh
touch /var/www/.serve
httpd -p 80 -h /var/www
nc -ll -p 7 -e cat &
nc -ll -p 8 -e cat &
"""

# Every kind, with a name, a description and labels where it has them; each rule in its forms; what
# is created as `auto`; what is attached and what is not.
TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        'keypair',
        {
            'name': 'ops',
            'public_key': f'{_KEY}n ops',
            'description': 'Operators',
            'labels': {'team': 'ops'},
        },
    ),
    ('keypair', {'name': 'dev', 'public_key': f'{_KEY}o dev'}),
    (
        'init_script',
        {
            'name': 'setup',
            'content': '#!/bin/sh\necho ready > /root/setup\n',
            'description': 'First boot',
            'labels': {'team': 'ops'},
        },
    ),
    (
        'flavor',
        {
            'name': 'our.small',
            'vcpus': 1,
            'memory': 192,
            'disk': 2,
            'family': 'cpu',
            'description': 'Ours',
            'labels': {'team': 'ops'},
        },
    ),
    (
        'image',
        {
            'name': 'tiny',
            'url': f'http://127.0.0.1:{PORT}/tiny.qcow2',
            'checksum': f'sha256:{CHECKSUM}',
            'description': 'Image of the tests',
            'labels': {'os': 'busybox'},
        },
    ),
    (
        'network',
        {
            'name': 'back',
            'cidr': '10.60.0.0/24',
            'description': 'Behind',
            'labels': {'tier': 'db'},
        },
    ),
    ('security_group', {'name': 'open', 'rules': [{'protocol': 'any'}]}),
    (
        'security_group',
        {
            'name': 'web',
            'description': 'Web servers',
            'labels': {'tier': 'web'},
            'rules': [
                {'preset': 'http'},
                {'preset': 'all_icmp'},
                {'protocol': 'tcp', 'ports': ['7-8', '8000-8010', '9000']},
                {'protocol': 'tcp', 'port': '22', 'remote': '198.18.0.0/16'},
                {'protocol': 'any', 'remote': '192.168.0.1/32'},
            ],
        },
    ),
    (
        'security_group',
        {
            'name': 'db',
            'rules': [
                {'protocol': 'tcp', 'port': '5432', 'remote': 'group:web'},
                {'protocol': 'any', 'remote': 'group:db'},
                {'protocol': 'udp', 'remote': '10.60.0.0/24'},
                {'direction': 'egress', 'protocol': 'udp', 'port': '53'},
                {'direction': 'egress', 'protocol': 'tcp', 'port': '1-1024', 'remote': 'group:web'},
                {'direction': 'egress', 'protocol': 'icmp', 'remote': '10.60.0.0/24'},
            ],
        },
    ),
    ('security_group', {'name': 'all-out', 'rules': [{'direction': 'egress', 'protocol': 'any'}]}),
    ('security_group', {'name': 'empty', 'rules': []}),
    (
        'port',
        {
            'name': 'door',
            'network': 'back',
            'fixed_ip': '10.60.0.7',
            'mac': '52:54:00:ab:cd:ef',
            'security_groups': ['db', 'all-out'],
            'description': 'Of the database',
            'labels': {'tier': 'db'},
        },
    ),
    ('port', {'name': 'unused', 'network': 'default'}),
    (
        'server',
        {
            'name': 'web',
            'count': 2,
            'state': 'started',
            'image': 'tiny',
            'flavor': 'g1.nano',
            'key_names': ['ops', 'dev'],
            'security_groups': ['web', 'open'],
            'networks': [{'name': 'default'}, {'name': 'back', 'security_groups': ['db']}],
            'floating_ip': 'auto',
            'user_data': _USER_DATA,
            'description': 'Web server',
            'labels': {'tier': 'web'},
        },
    ),
    (
        'server',
        {
            'name': 'db',
            'state': 'stopped',
            'image': 'tiny',
            'flavor': 'our.small',
            'volume_size': 3,
            'key_name': 'ops',
            'init_script': 'setup',
            'networks': [{'port': 'door'}, {'name': 'default', 'fixed_ip': '192.168.0.77'}],
            'guest_agent': False,
            'delete_protection': True,
            'description': 'Database',
            'labels': {'tier': 'db'},
        },
    ),
    (
        'volume',
        {
            'name': 'data',
            'size': 2,
            'server': 'web-1',
            'state': 'attached',
            'description': 'Attached',
            'labels': {'tier': 'web'},
        },
    ),
    ('volume', {'name': 'cold', 'size': 1, 'server': 'db', 'state': 'attached'}),
    ('volume', {'name': 'spare', 'size': 1, 'state': 'detached'}),
    (
        'floating_ip',
        {
            'name': 'front',
            'port': 'door',
            'state': 'attached',
            'description': 'Of the database',
            'labels': {'tier': 'db'},
        },
    ),
    ('floating_ip', {'name': 'spare'}),
    (
        'lb',
        {
            'name': 'entry',
            'algorithm': 'least_connections',
            'listeners': [
                {'protocol': 'http', 'port': 80},
                {'protocol': 'tcp', 'port': 7, 'member_port': 8},
            ],
            'members': ['web'],
            'health_check': {'protocol': 'http', 'port': 80, 'path': '/', 'interval': 2},
            'floating_ip': 'auto',
            'description': 'Entry',
            'labels': {'tier': 'web'},
        },
    ),
    ('lb', {'name': 'behind', 'network': 'back', 'listeners': [{'port': 5432}]}),
)
# Options that only the run needs that creates what the task describes.
WAITING = {
    'server web': {'wait_for': 'init', 'wait_timeout': 300},
    'lb entry': {'wait_for': 'healthy', 'wait_timeout': 300},
}


def main(clone: Path, folder: Path) -> None:
    """Create the environment, and keep it."""
    if 'HANOK_WORLD' not in os.environ:
        raise SystemExit('keep_record.py changes the host; run it with scripts/world')
    images = sorted(Path('/var/cache/hanok').glob('tiny-*.qcow2'), key=os.path.getmtime)
    image = images[-1]
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    modules = Modules(clone)
    os.environ['ANSIBLE_COLLECTIONS_PATH'] = f'{clone}/build'
    playbook = str(Path(sys.executable).with_name('ansible-playbook'))
    local = ('--inventory', 'localhost,', '--connection', 'local')
    _output_of(playbook, *local, 'hanok.cloud.host')
    with _served(image):
        for module, options in TASKS:
            options = json.loads(json.dumps(options).replace(CHECKSUM, digest))
            modules.run(module, **options, **WAITING.get(f'{module} {options["name"]}', {}))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob('*'):
        old.unlink()
    info = {kind: modules.run(f'{kind}_info')[f'{kind}s'] for kind in KINDS}
    _write_json(folder / 'tasks.json', TASKS)
    _write_json(folder / 'info.json', info)
    (folder / 'record.sql').write_text(dump(), 'utf-8')
    _write_json(folder / 'export.json', json.loads(EXPORT.read_text('utf-8')))
    _write_json(folder / 'files.json', files())
    machines = list(_machines(folder))
    user = pwd.getpwnam('haproxy')
    host = {
        'image': digest,
        'haproxy': [user.pw_uid, user.pw_gid],
        'nft': _output_of('nft', '--version').strip(),
        'libvirt': machines,
    }
    _write_json(folder / 'host.json', host)


class Modules:
    """The modules of a clone."""

    def __init__(self, clone: Path) -> None:
        """Run those of the collection that its directory `build` contains."""
        packages = sysconfig.get_paths()['purelib']
        self.environment = {**os.environ, 'PYTHONPATH': f'{clone}/build:{packages}'}

    def run(self, module: str, **options: Any) -> dict[str, Any]:
        """Run a module; return its result."""
        name = f'ansible_collections.hanok.cloud.plugins.modules.{module}'
        ran = subprocess.run(
            ['/usr/bin/python3', '-m', name],
            input=json.dumps({'ANSIBLE_MODULE_ARGS': options}),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        result: dict[str, Any] = json.loads(ran.stdout or '{}')
        if ran.returncode or result.get('failed'):
            raise SystemExit(f'{module} {options}: {result.get("msg")}\n{ran.stderr}')
        return result


@contextmanager
def _served(image: Path) -> Iterator[None]:
    """Serve the image as tiny.qcow2."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(image)

    with ThreadingHTTPServer(('127.0.0.1', PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def dump() -> str:
    """The record as SQL."""
    with closing(sqlite3.connect(f'file:{RECORD}?mode=ro', uri=True)) as sql:
        (version,) = sql.execute('PRAGMA user_version').fetchone()
        lines = [*sql.iterdump(), f'PRAGMA user_version = {version};']
    return ''.join(line + '\n' for line in lines)


def files() -> list[dict[str, Any]]:
    """The files of the cloud: text, links, folders; of disks their size."""
    found = []
    for top in (STATE, SETTINGS):
        for folder, folders, names in os.walk(top):
            path = Path(folder)
            found.append({'path': folder, 'mode': _mode(path)})
            if path.name in ('locks', *_RUNTIME):
                folders.clear()
                continue
            folders.sort()
            links = [name for name in (*folders, *names) if (path / name).is_symlink()]
            found += [{'path': f'{folder}/{name}', 'link': _link(path / name)} for name in links]
            found += [_file(path / name) for name in sorted(names) if _is_kept(path / name)]
    return found + [_file(path) for path in sorted(DNSMASQ.glob('*.hanok-*'))]


def _link(path: Path) -> str:
    return str(path.readlink())


def _is_kept(path: Path) -> bool:
    if path.name == EXPORT.name or path.name.startswith(('console.', RECORD.name)):
        return False
    return path.is_file() and not path.is_symlink()


def _file(path: Path) -> dict[str, Any]:
    entry = {'path': str(path), 'mode': _mode(path)}
    with path.open('rb') as file:
        start = file.read(4)
        file.seek(32769)  # of the first volume descriptor (ISO 9660)
        iso = file.read(5)
    if start == _DISK:
        text = _output_of('qemu-img', 'info', '-U', '--output=json', str(path))
        info = json.loads(text)
        backing = info.get('backing-filename')
        return {**entry, 'disk': info['virtual-size'], 'backing': backing}
    if iso == _ISO:
        names = _output_of('isoinfo', '-J', '-f', '-i', str(path)).split()
        content = {
            name.lstrip('/'): _output_of('isoinfo', '-J', '-x', name, '-i', str(path))
            for name in names
        }
        return {**entry, 'iso': content}
    return {**entry, 'lines': path.read_text('utf-8').split('\n')}


def _mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


def _machines(folder: Path) -> Iterator[dict[str, Any]]:
    """Write what libvirt has defined; yield what of it was running."""
    kinds = (('qemu', 'net-', '--name'), ('qemu', '', '--uuid'), ('lxc', '', '--uuid'))
    for driver, prefix, key in kinds:
        virsh = ('virsh', '--connect', URIS[driver])
        running, autostarted, defined = (
            _output_of(*virsh, f'{prefix}list', key, *words).split()
            for words in ((), ('--all', '--autostart'), ('--all',))
        )
        for identity in defined:
            xml = _output_of(*virsh, f'{prefix}dumpxml', '--inactive', identity)
            # A version of QEMU has its own machine types.
            xml = re.sub(r"machine='pc-[a-z0-9.-]+'", "machine='pc'", xml)
            name = f'{prefix or driver + "-"}{identity}.xml'
            (folder / name).write_text(xml.strip() + '\n', 'utf-8')
            yield {
                'driver': driver,
                'command': prefix,
                'id': identity,
                'file': name,
                'running': identity in running,
                'autostart': identity in autostarted,
            }


def _output_of(*words: str) -> str:
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f'{" ".join(words)}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}')
    return ran.stdout


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + '\n', 'utf-8')


if __name__ == '__main__':
    main(*(Path(word).resolve() for word in sys.argv[1:]))
