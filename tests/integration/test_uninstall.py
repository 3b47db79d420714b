# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role host removes all that it has brought, and nothing else, also if it is killed on the way.

No guest boots.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Play, inventory, run

PROGRAM = ROOT / 'roles' / 'host' / 'files' / 'uninstall'
FOLDERS = (
    '/etc',
    '/run',
    '/usr/local/sbin',
    '/var/lib/hanok',
    '/var/lib/libvirt',
    '/var/cache/hanok',
)
# What belongs to others: libvirt keeps it when it has run, groupadd makes copies, Ansible and
# pytest write it.
OTHERS = re.compile(
    '/run/(libvirt|dbus|lock|netns|[a-z]*.pid)|/etc/libvirt/(secrets|storage)'
    '|/var/lib/libvirt/(?!dnsmasq/hk)|/etc/.*__pycache__|/etc/(group|gshadow)-$'
)
OPTIONS = {
    'host_floating_pools': [{'name': 'lan', 'addresses': ['192.0.2.64/28'], 'uplink': 'lan0'}]
}
NOT_SETTINGS = ('flush', 'tcp_fastopen_key')  # the key is generated when libvirt listens
SHOP = {'project': 'shop'}
FOREIGN = """<network><name>foreign</name><bridge name='foreign0'/></network>"""
MACHINE = """<domain type='qemu'><name>hk-foreign</name><memory unit='MiB'>64</memory>
  <os><type>hvm</type></os></domain>"""

# Each run of the program is killed before its 25th action, in the long form before its second and
# twelfth by turns: a program is started, a file is removed, replaced or written, a signal is sent.
# What takes nine actions begins anew after each of them.
TURNS, FEWER_TURNS = ('2', '12'), ('25',)
# Imported by each Python: counts in that program only, from the first change on.
KILLER = """
import os, signal, sys
left = int(os.environ['KILLED_AT'])
acts = ('os.kill', 'os.remove', 'os.rename', 'os.rmdir', 'subprocess.Popen')
def count(event, values):
    global left
    left -= event in acts or event == 'open' and values[1] == 'w'
    if not left:
        signal.raise_signal(signal.SIGKILL)
def wait(frame, event, value):
    code = frame.f_code
    if code.co_name == 'apply' and code.co_filename.endswith('/__main__.py'):
        sys.setprofile(None)
        sys.addaudithook(count)
if sys.orig_argv[-1] == 'run' and sys.orig_argv[-2].endswith('uninstall'):
    sys.setprofile(wait)
"""


def lines(*words: str) -> list[str]:
    """Return what a program prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def look() -> dict[str, Any]:
    """Return all of the host that the role could leave something in."""
    found: dict[str, Any] = {}
    for folder in map(Path, FOLDERS):
        for path in folder.rglob('*'):
            if path.is_file() and not OTHERS.match(str(path)):
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in Path('/proc/sys/net/ipv4').rglob('*'):
        if path.is_file() and os.access(path, os.R_OK) and path.name not in NOT_SETTINGS:
            found[str(path)] = path.read_text('utf-8', errors='replace')
    found['nft'] = lines('nft', 'list', 'ruleset')
    found['routes'] = lines('ip', 'route', 'show')
    found['proxies'] = lines('ip', 'neigh', 'show', 'proxy')
    found['links'] = sorted(os.listdir('/sys/class/net'))
    found['processes'] = inventory_of_processes()
    return found


def inventory_of_processes() -> list[str]:
    """Return the daemons that run."""
    names = [path.read_text().strip() for path in Path('/proc').glob('[0-9]*/comm')]
    daemons = ('libvirtd', 'virtlogd', 'dbus-daemon', 'dnsmasq', 'haproxy', 'qemu-system-x86')
    return sorted(name for name in names if name in daemons)


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what differs."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: (before.get(key), after.get(key)) for key in keys}


def absent(*words: str, **options: bool) -> Play:
    """Run the role with host_state: absent."""
    values = {**OPTIONS, 'host_state': 'absent', **options}
    return Play('hanok.cloud.host', '-e', json.dumps(values), *words)


def removed(play: Play) -> set[str]:
    """Return what a run reports, in check mode without `would`."""
    reported = re.findall(r'^changed: .* => \n +msg: (.*)$', play.output, re.MULTILINE)
    assert reported, play.output
    return {text.strip("'").removeprefix('would ') for text in reported}


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[None]:
    """A host with an uplink, with iptables rules that drop, and without the images of others."""
    subprocess.run(['ip', 'link', 'add', 'lan0', 'up', 'type', 'bridge'], check=True)
    subprocess.run(['iptables', '--policy', 'FORWARD', 'DROP'], check=True)
    Path('/proc/sys/net/ipv4/ip_forward').write_text('0')
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/var/cache/hanok'], check=True)
    yield
    subprocess.run(['umount', '--lazy', '/var/cache/hanok'], check=True)


def fill(folder: Path) -> None:
    """Create what is refused, in two projects, and what is not."""
    disk = folder / 'blank.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', disk, '16M'], check=True)
    stopped = {'image': 'blank', 'flavor': 'g1.nano', 'state': 'stopped'}
    for module, options in (
        ('image', {'name': 'blank', 'path': str(disk), 'delete_protection': True}),
        ('image', {'name': 'blank', 'path': str(disk), **SHOP}),
        ('server', {'name': 'kept', 'delete_protection': True, 'floating_ip': 'auto', **stopped}),
        ('network', {'name': 'default', **SHOP}),
        ('server', {'name': 'sold', **stopped, **SHOP}),
        ('volume', {'name': 'data', 'size': 1, 'delete_protection': True}),
        ('volume_snapshot', {'name': 'before', 'volume': 'data'}),
        ('volume', {'name': 'files', 'size': 1, 'file_system': 'ext4'}),
        ('lb', {'name': 'web', 'listeners': [{'port': 80}], 'members': ['kept']}),
    ):
        made = run(module, **options)
        assert made.get('changed'), made
    subprocess.run(['hanok-start', 'hold'], check=True)  # as at the boot of the host
    assert '/volumes/' in Path('/proc/self/mounts').read_text('utf-8')


@pytest.fixture
def killer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: bool) -> Callable[[], None]:
    """Return what sees to it that the next run of the program of the role is killed."""
    turns = itertools.cycle(TURNS if soak else FEWER_TURNS)

    def aim() -> None:
        (tmp_path / 'sitecustomize.py').write_text(KILLER)
        monkeypatch.setenv('PYTHONPATH', str(tmp_path))
        monkeypatch.setenv('KILLED_AT', next(turns))

    return aim


def finish(aim: Callable[[], None]) -> int:
    """Run the program of the role again and again until it ends; return how often it is killed."""
    words = ['/usr/bin/python3', '-B', str(PROGRAM), 'run']
    times = 0
    while (ended := subprocess.run(words, capture_output=True, text=True, check=False)).returncode:
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        times += 1
        aim()
    return times


def test_uninstall(lan: None, killer: Callable[[], None], tmp_path: Path) -> None:
    """The host is as it was before, though each run is killed; what libvirt has of others stays."""
    before = look()
    assert Play('hanok.cloud.host', '-e', json.dumps(OPTIONS)).changed > 0
    fill(tmp_path)
    for command, text in (('net-define', FOREIGN), ('define', MACHINE)):
        (tmp_path / 'foreign.xml').write_text(text)
        subprocess.run(['virsh', '-q', command, tmp_path / 'foreign.xml'], check=True)
    foreign = {path: path.read_text() for path in Path('/etc/libvirt/qemu').rglob('*foreign.xml')}
    full = inventory()
    refused = absent()
    assert refused.code != 0
    message = ' '.join(refused.output.split())
    assert (
        'host_state: the cloud of this host has lb web, server kept, server sold of project shop, '
        'volume data, volume files, image blank, image blank of project shop; delete them, or set'
    ) in message
    hidden = absent('-e', '{"__host_found": []}')  # as if the user were admin of no project
    message = ' '.join(hidden.output.split())
    assert 'the record has resources of projects of which you are no admin: ' in message
    predicted = absent('--check', host_delete_resources=True)
    assert inventory() == full
    would = removed(predicted)
    deleted = re.compile('delete (lb|server|volume|image) |unmount .*/volumes/')  # with those
    killer()
    killed = absent(host_delete_resources=True)
    assert removed(killed) == {text for text in would if not deleted.match(text)}
    killer()
    again = absent()
    assert removed(again) <= removed(killed)
    assert 'rc: -9' in killed.output
    assert 'rc: -9' in again.output
    assert finish(killer) > 1
    assert '/volumes/' not in Path('/proc/self/mounts').read_text('utf-8')
    left = differences(before, look())
    assert foreign == {path: path.read_text() for path in foreign}
    assert set(left) == set(map(str, foreign)), left
    assert absent().changed == 0
