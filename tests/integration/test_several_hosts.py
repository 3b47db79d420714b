# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two hypervisors with names and addresses of their own, reached over ssh: docs/several-hosts.md.

Each is a world in this one. The Getting Started runs on both, and one inventory has the servers.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import OVERCOMMITTED, ROOT, newest_image
from .test_inventory import DEBS, Ran, ansible

DOCUMENT = (ROOT / 'docs/several-hosts.md').read_text('utf-8')
ADDRESSES = {'kvm1': '10.77.0.11', 'kvm2': '10.77.0.12'}
GRACE = 30  # seconds in which a world starts, and ends


def blocks() -> list[Any]:
    """Return the YAML of the document, in its order."""
    parts = DOCUMENT.split('```yaml\n')[1:]
    return [yaml.safe_load(part.partition('```')[0]) for part in parts]


SAME, ROOM, SOURCE = blocks()


# Modules tell the same, each of its own host.
IS_HERE = "| map(attribute='node') | unique == [inventory_hostname]"
TOLD = [
    {
        'hosts': 'kvm',
        'gather_facts': False,
        'tasks': [
            {'hanok.cloud.server_info': {}, 'register': 'found'},
            {'hanok.cloud.topology_info': {}, 'register': 'whole'},
            {
                'ansible.builtin.assert': {
                    'that': [
                        f'found.servers {IS_HERE}',
                        f'whole.topology.networks[0].servers {IS_HERE}',
                    ]
                }
            },
        ],
    }
]


def command(*words: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def start_host(stack: ExitStack, name: str, folder: Path) -> None:
    """Start a world with an sshd, give it a network device, and wait until it answers."""
    libraries = ':'.join(map(str, folder.glob('**/*-linux-gnu')))
    script = f"""
        hostname {name}
        id sshd >/dev/null 2>&1 || useradd --no-create-home sshd
        mkdir -p /run/sshd
        readlink /proc/self/ns/net
        exec env LD_LIBRARY_PATH={libraries} {folder}/usr/sbin/sshd -D -f {folder}/sshd_config
    """
    words = ['scripts/world', 'sh', '-c', script]
    world = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    stack.callback(world.wait, GRACE)
    stack.callback(world.terminate)
    assert world.stdout
    network = world.stdout.readline().strip()
    pid = next(
        path.parts[2] for path in Path('/proc').glob('[0-9]*/ns/net') if is_in(path, network)
    )
    command('ip', 'link', 'add', f'p{name}', 'type', 'veth', 'peer', 'eth0', 'netns', pid)
    command('ip', 'link', 'set', f'p{name}', 'master', 'lan', 'up')
    inside = ('nsenter', '-t', pid, '-n', 'ip')
    command(*inside, 'address', 'add', f'{ADDRESSES[name]}/24', 'dev', 'eth0')
    command(*inside, 'link', 'set', 'eth0', 'up')
    deadline = time.monotonic() + GRACE
    while not answers(ADDRESSES[name]):
        assert time.monotonic() < deadline, f'{name} does not answer'
        time.sleep(0.1)


def is_in(path: Path, network: str) -> bool:
    """Whether a process, by a link in /proc, is in a network namespace."""
    with suppress(OSError):  # it has ended
        return os.readlink(path) == network
    return False


def answers(address: str) -> bool:
    """Whether an sshd does."""
    with suppress(OSError), socket.create_connection((address, 22), timeout=1):
        return True
    return False


@pytest.fixture(scope='module')
def hosts(soak: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The inventory of two hosts on which the role has been run."""
    if not soak:
        pytest.skip('it boots servers on two hosts: make soak runs it')
    folder = tmp_path_factory.mktemp('hosts')
    packages = list(DEBS.glob('*.deb'))
    assert packages, 'run make prepare to download them'
    for package in packages:
        command('dpkg-deb', '-x', str(package), str(folder))
    for name in ('host_key', 'site'):
        command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', str(folder / name))
    settings = {
        'HostKey': folder / 'host_key',
        'AuthorizedKeysFile': folder / 'site.pub',
        'StrictModes': 'no',
        'PermitRootLogin': 'prohibit-password',
        'PidFile': 'none',
        'LogLevel': 'QUIET',
        'Subsystem': 'sftp internal-sftp',
    }
    session = folder / 'usr/lib/openssh/sshd-session'  # since OpenSSH 9.8
    settings |= {'SshdSessionPath': session} if session.exists() else {}
    text = ''.join(f'{name} {value}\n' for name, value in settings.items())
    (folder / 'sshd_config').write_text(text, 'utf-8')
    command('ip', 'link', 'add', 'lan', 'up', 'type', 'bridge')
    command('ip', 'address', 'add', '10.77.0.1/24', 'dev', 'lan')
    variables = {
        'ansible_user': 'root',
        'ansible_pipelining': True,
        'ansible_python_interpreter': '/usr/bin/python3',
        'ansible_ssh_private_key_file': str(folder / 'site'),
        'ansible_ssh_common_args': '-o UserKnownHostsFile=/dev/null',
        'tiny_path': newest_image('tiny'),
        'site_key': str(folder / 'site'),
        # In a world the home directories are those of the machine.
        'getting_started_key_file': '/run/getting-started.pem',
        **OVERCOMMITTED,
    }
    named = {name: {'ansible_host': address} for name, address in ADDRESSES.items()}
    source = folder / 'hosts.yml'
    source.write_text(yaml.safe_dump({'kvm': {'vars': variables, 'hosts': named}}), 'utf-8')
    with ExitStack() as stack:
        for name in ADDRESSES:
            start_host(stack, name, folder)
        done(played(str(source), 'hanok.cloud.host', '-e', 'hanok_hosts=kvm'))
        yield str(source)


def played(hosts: str, *words: str) -> Ran:
    """Run a playbook."""
    return ansible('ansible-playbook', '-i', hosts, *words)


def done(ran: Ran) -> str:
    """Return what a run printed, which succeeded."""
    assert ran.code == 0, ran.output[-6000:] + ran.warnings
    return ran.output


def write(folder: Path, name: str, content: Any) -> str:
    """Write a YAML file; return its path."""
    path = folder / name
    path.write_text(yaml.safe_dump(content), 'utf-8')
    return str(path)


def listed(hosts: str, folder: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the servers in the inventory of the document, with their variables."""
    source = write(folder, 'kvm.hanok.yml', {**SOURCE, **options})
    found = ansible('ansible-inventory', '-i', hosts, '-i', source, '--list').hosts
    return {name: one for name, one in found.items() if 'hanok_id' in one}


def test_most_room(hosts: str, tmp_path: Path) -> None:
    """A server is created on the host with the most room, and stays there."""
    done(played(hosts, write(tmp_path, 'same.yml', SAME)))
    room = write(tmp_path, 'room.yml', ROOM)
    limit = ('-e', 'host_reserved_memory_mb=3000', '-e', 'host_ram_allocation_ratio=1')
    done(
        played(
            hosts, 'hanok.cloud.host', '-e', 'hanok_hosts=kvm1', *limit, '--skip-tags', 'packages'
        )
    )
    first = done(played(hosts, room, '-v'))
    assert 'web is on kvm2' in first, first
    assert 'changed=1' in first
    again = done(played(hosts, room))
    assert 'web is on kvm2' in again, again
    assert 'changed=1' not in again
    (web,) = listed(hosts, tmp_path).values()
    assert (web['hanok_node'], web['hanok_name']) == ('kvm2', 'web')
    extra = f'-o UserKnownHostsFile=/dev/null -i {Path(hosts).with_name("site")}'
    sources = ('-i', hosts, '-i', str(tmp_path / 'kvm.hanok.yml'))
    login = ('-e', f'ansible_ssh_extra_args={shlex.quote(extra)}')
    raw = ('-m', 'ansible.builtin.raw', '-a', 'hostname')
    ran = ansible('ansible', *sources, 'node_kvm2', *login, *raw)
    assert '\nweb' in done(ran), ran.warnings
    for module, name in (('server', 'web'), ('image', 'tiny'), ('keypair', 'site')):
        words = ('-m', f'hanok.cloud.{module}', '-a', f'name={name} state=absent')
        done(ansible('ansible', '-i', hosts, 'kvm', *words))


def test_getting_started(hosts: str, tmp_path: Path) -> None:
    """It runs on both; the servers are told apart by their node."""
    done(played(hosts, 'hanok.cloud.getting_started', '-e', 'hanok_hosts=kvm'))
    found = listed(hosts, tmp_path)
    assert {'hello.default.kvm1', 'hello.default.kvm2'} <= set(found)
    nodes = {name: one['hanok_node'] for name, one in found.items()}
    assert list(nodes.values()).count('kvm1') >= 3
    only = listed(hosts, tmp_path, nodes=['kvm1'])
    assert {one['hanok_node'] for one in only.values()} == {'kvm1'}
    assert sorted(one['hanok_id'] for one in only.values()) == sorted(
        one['hanok_id'] for one in found.values() if one['hanok_node'] == 'kvm1'
    )
    told = write(tmp_path, 'told.yml', TOLD)
    done(played(hosts, told))
