# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host of one's own to build a cloud on: the tests run in scripts/world, and the role host makes it a host."""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / 'build'
PLAYBOOK = ['ansible-playbook', '--inventory', 'localhost,', '--connection', 'local']
Result = dict[str, Any]


class Play:
    """A run of ansible-playbook, and what its recap says."""

    def __init__(
        self, *words: str, program: tuple[str, ...] = tuple(PLAYBOOK), cwd: Path = ROOT
    ) -> None:
        """Run it, with the playbook's name and further arguments."""
        ran = subprocess.run(
            [*program, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=1500
        )
        self.code, self.output = ran.returncode, ran.stdout + ran.stderr
        recaps = re.findall(
            r'localhost\s+: (ok=.*)', self.output
        )  # after each playbook, of all until then
        self.counts = (
            {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', recaps[-1])}
            if recaps
            else {}
        )

    @property
    def changed(self) -> int:
        """How many tasks changed something; the play must have gone well."""
        assert self.code == 0, self.output[-6000:]
        return self.counts['changed']


def inventory() -> dict[str, Any]:
    """All of a host that a play could leave behind, seen from outside."""

    def said(*words: str) -> list[str]:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    files = [
        path
        for pattern in (
            '/var/lib/hanok/**',
            '/var/lib/libvirt/**',
            '/var/log/libvirt/**',
            '/etc/hanok/**',
            '/run/netns/**',
        )
        for path in glob.glob(pattern, recursive=True)
    ]
    ours = (
        'qemu-system',
        'haproxy',
        's6-',
        'libvirt_lxc',
        'dnsmasq',
        'qemu-img',
        'virtlogd',
        'libvirtd',
    )
    commands = [
        Path(path).read_bytes().split(b'\0')[0].decode()
        for path in glob.glob('/proc/[0-9]*/cmdline')
        if os.path.exists(path)
    ]
    return {
        'domains': said('virsh', 'list', '--all', '--name', '--uuid')
        + said('virsh', '-c', 'lxc:///system', 'list', '--all', '--name', '--uuid'),
        'networks': said('virsh', 'net-list', '--all', '--name'),
        'files': sorted(
            path
            for path in files
            if os.path.isfile(path)
            and '/locks/' not in path
            and not re.search(r'hanok\.(db.*|json)$|\.log$', path)
        ),
        'reservations': [
            Path(path).read_text(encoding='utf-8')
            for path in sorted(glob.glob('/var/lib/libvirt/dnsmasq/*hanok*'))
        ],
        # Not the revision, nor the connections that the kernel counts.
        'rules': [
            line
            for line in said('nft', 'list', 'ruleset')
            if 'chain rev_' not in line and 'ct count' not in line
        ],
        'routes': [
            line.replace(' linkdown', '') for line in said('ip', 'route', 'show')
        ],  # it lags behind what happens
        'proxies': said('ip', 'neigh', 'show', 'proxy'),
        'links': sorted(os.listdir('/sys/class/net')),
        'mounts': sorted(
            line.split()[4]
            for line in Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines()
        ),
        'processes': sorted(
            command for command in commands if os.path.basename(command).startswith(ours)
        ),
    }


@pytest.fixture(scope='session')
def host() -> None:
    """The role host has made this world a host."""
    if 'HANOK_WORLD' not in os.environ:
        pytest.fail(
            'these tests make a cloud of the host they run on; run them by: scripts/world .venv/bin/pytest tests/integration'
        )
    assert Play('hanok.cloud.host').changed > 0


def start(
    module: str, before: tuple[str, ...] = (), check: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a module as Ansible does: a process of the host's Python that reads its arguments and prints its result; `before`: words before it."""
    arguments = {**options, '_ansible_check_mode': check, '_ansible_diff': True}
    environment = {**os.environ, 'PYTHONPATH': f'{TREE}:{sysconfig.get_paths()["purelib"]}'}
    words = [
        *before,
        '/usr/bin/python3',
        '-m',
        f'ansible_collections.hanok.cloud.plugins.modules.{module}',
    ]
    text = json.dumps({'ANSIBLE_MODULE_ARGS': arguments})
    return subprocess.run(
        words, input=text, capture_output=True, text=True, check=False, env=environment, timeout=600
    )


def run(module: str, check: bool = False, **options: Any) -> Result:
    """Run a module; its result."""
    ran = start(module, check=check, **options)
    assert 'Traceback' not in ran.stderr, ran.stderr
    result: Result = json.loads(ran.stdout)
    return result


def keep(module: str, **options: Any) -> Result:
    """Do a task as the whole project promises it: check mode tells what the run then does, and a second run does nothing."""
    told, done, again = (
        run(module, check=True, **options),
        run(module, **options),
        run(module, **options),
    )
    assert not done.get('failed'), done['msg']
    assert (told['changed'], told['diff']) == (done['changed'], done['diff']), options
    assert set(told) - {'warnings'} == set(done) - {'warnings'}
    assert not again['changed'], again['diff']
    return done


def refused(module: str, **options: Any) -> str:
    """A task that is refused, in check mode as in a run; the text."""
    told, done = run(module, check=True, **options), run(module, **options)
    assert told.get('failed'), told
    assert done.get('failed'), done
    assert told['msg'] == done['msg']
    text: str = done['msg']
    return text


@pytest.fixture(scope='session')
def tiny(host: None) -> str:
    """The path of the small image."""
    found = sorted(glob.glob('/var/cache/hanok/tiny-*.qcow2'), key=os.path.getmtime)
    assert found, 'make prepare builds it'
    return found[-1]


@pytest.fixture(scope='session')
def debian(host: None) -> str:
    """The path of the Debian image."""
    found = sorted(glob.glob('/var/cache/hanok/debian-*.qcow2'), key=os.path.getmtime)
    assert found, 'make prepare builds it'
    return found[-1]


@pytest.fixture(scope='session')
def key(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A key pair by the name of test; the path of its private key."""
    path = str(tmp_path_factory.mktemp('key') / 'test.pem')
    keep('keypair', name='test', private_key_file=path)
    yield path
    keep('keypair', name='test', state='absent')


@pytest.fixture(scope='session')
def image(tiny: str) -> Iterator[str]:
    """An image by the name of small."""
    keep('image', name='small', path=tiny)
    yield 'small'
    keep('image', name='small', state='absent')


@pytest.fixture(scope='session')
def ssh(key: str) -> Callable[[str, str], str]:
    """Run a command in a guest by its address; what it printed."""

    def in_guest(address: str, command: str, user: str = 'root', identity: str = key) -> str:
        options = [
            'StrictHostKeyChecking=no',
            'UserKnownHostsFile=/dev/null',
            'LogLevel=ERROR',
            'BatchMode=yes',
            'ConnectTimeout=10',
        ]
        words = [
            'ssh',
            '-i',
            identity,
            *(word for option in options for word in ('-o', option)),
            f'{user}@{address}',
            command,
        ]
        return subprocess.run(
            words, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    return in_guest


@pytest.fixture(scope='session')
def open_group(host: None) -> Iterator[str]:
    """A group that lets everything in."""
    keep('security_group', name='open', rules=[{'protocol': 'any'}])
    yield 'open'
    keep('security_group', name='open', rules=[], state='absent')
