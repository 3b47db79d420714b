# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put the environment of a kept record on this host and start it, without a module.

The disks are new ones; what was there before is set aside.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.hanok.cloud.tests.kept_records import KeptRecord

from .conftest import TREE

STATE = Path('/var/lib/hanok')
SETTINGS = Path('/etc/hanok/host.json')
DATAPATH = STATE / 'datapath'
URIS = {'qemu': 'qemu:///system', 'lxc': 'lxc:///system'}
_DIGEST = (
    'from ansible_collections.hanok.cloud.plugins.module_utils._local.network import loaded; '
    'print(loaded.current().digest)'
)


@contextmanager
def empty_host(folder: Path) -> Iterator[None]:
    """Set aside the cloud of this host, which has no machines, in a folder; then put it back."""
    settings = SETTINGS.read_bytes()
    for path in STATE.iterdir():
        shutil.move(path, folder)
    clear_host()
    try:
        yield
    finally:
        clear_host()
        for path in folder.iterdir():
            shutil.move(path, STATE)
        SETTINGS.write_bytes(settings)


def clear_host() -> None:
    """Remove what is on a host: after a failed test also machines."""
    for path in STATE.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _undefine('lxc', '', 'hanok-')
    _undefine('qemu', '', 'hanok-')
    _undefine('qemu', 'net-', 'hk')
    for name in glob.glob('/var/lib/libvirt/dnsmasq/*hanok*'):
        os.unlink(name)
    for table in ('inet', 'bridge'):
        output_of('nft', 'delete', 'table', table, 'hanok', check=False)
    output_of('ip', 'link', 'delete', 'hanok0', check=False)


def _undefine(driver: str, prefix: str, names: str) -> None:
    virsh = ('virsh', '-q', '--connect', URIS[driver])
    for name in output_of(*virsh, f'{prefix}list', '--all', '--name').split():
        if name.startswith(names):
            output_of(*virsh, f'{prefix}destroy', name, check=False)  # it may not run
            output_of(*virsh, f'{prefix}undefine', name)


def restore(kept: KeptRecord, image: str) -> str:
    """Write the files of a kept record, and start what ran; return the checksum of the image."""
    host = kept.read('host')
    digest = hashlib.sha256(Path(image).read_bytes()).hexdigest()
    for entry in kept.read('files'):
        _write(entry, image, host)
    kept.write_database(STATE / 'hanok.db', host['image'], digest)
    kept.write_export(STATE / 'hanok.json')
    output_of('ip', '-force', '-batch', str(DATAPATH / 'ip.batch'), check=False)
    output_of('nft', '-f', str(DATAPATH / 'ruleset.nft'))
    if output_of('nft', '--version').strip() != host['nft']:
        _write_digest()
    for machine in host['libvirt']:
        _define(kept.folder, machine)
    return digest


def _write(entry: dict[str, Any], image: str, host: dict[str, Any]) -> None:
    path = Path(entry['path'])
    if 'link' in entry:
        path.symlink_to(entry['link'])
        return
    if 'lines' in entry:
        path.write_text(_with_local_ids('\n'.join(entry['lines']), host['haproxy']), 'utf-8')
    elif 'iso' in entry:
        _write_iso(path, entry['iso'])
    elif 'disk' in entry and path.parent.name == 'images':
        shutil.copyfile(image, path)
    elif 'disk' in entry:
        backing = ('-b', entry['backing'], '-F', 'qcow2') if entry['backing'] else ()
        options = ('-q', '-f', 'qcow2', '-o', 'cluster_size=1M,extended_l2=on')
        output_of('qemu-img', 'create', *options, *backing, str(path), str(entry['disk']))
    else:
        path.mkdir(exist_ok=True)
    path.chmod(int(entry['mode'], 8))


def _with_local_ids(text: str, kept: list[int]) -> str:
    """The accounts of a container: haproxy has other ids on another host."""
    user = pwd.getpwnam('haproxy')
    uid, gid = kept
    text = text.replace(f'haproxy:x:{uid}:{gid}:', f'haproxy:x:{user.pw_uid}:{user.pw_gid}:')
    return text.replace(f'haproxy:x:{gid}:', f'haproxy:x:{user.pw_gid}:')


def _write_iso(path: Path, texts: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_text(text, 'utf-8')
        output_of('genisoimage', '-quiet', '-V', 'cidata', '-J', '-r', '-o', str(path), folder)


def _write_digest() -> None:
    """Another version of nft lists the loaded rules in other words."""
    path = DATAPATH / 'loaded'
    words = path.read_text('ascii').split()
    environment = {**os.environ, 'PYTHONPATH': str(TREE)}
    words[1] = output_of('/usr/bin/python3', '-c', _DIGEST, env=environment).strip()
    path.write_text(' '.join(words) + '\n', 'ascii')


def _define(folder: Path, machine: dict[str, Any]) -> None:
    prefix, identity = machine['command'], machine['id']
    virsh = ('virsh', '-q', '--connect', URIS[machine['driver']])
    output_of(*virsh, f'{prefix}define', str(folder / machine['file']))
    if machine['autostart']:
        output_of(*virsh, f'{prefix}autostart', identity)
    if machine['running']:
        output_of(*virsh, f'{prefix}start', identity)


def output_of(*words: str, check: bool = True, env: dict[str, str] | None = None) -> str:
    """Run a program; return its output."""
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert not check or ran.returncode == 0, f'{words}: {ran.stdout}{ran.stderr}'
    return ran.stdout


def tasks(kept: KeptRecord, digest: str) -> list[tuple[str, dict[str, Any]]]:
    """The tasks of that version, each as a module and its options, with the local image."""
    text = json.dumps(kept.read('tasks')).replace('CHECKSUM', digest)
    found: list[tuple[str, dict[str, Any]]] = json.loads(text)
    return found
