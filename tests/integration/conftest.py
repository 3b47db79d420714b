# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures of the integration tests: they run in scripts/world, configured by the role host."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import ansible.release
import libvirt
import pytest
import yaml

from ansible_collections.hanok.cloud.tests import idle_machine
from ansible_collections.hanok.cloud.tests.contract import promises
from ansible_collections.hanok.cloud.tests.reliability.forks import ForkServer
from ansible_collections.hanok.cloud.tests.tools.examples import fences

from . import prepared

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / 'build'
# Of the environment that pytest runs in: sudo resets PATH.
PROGRAM = str(Path(sys.executable).with_name('ansible-playbook'))
PLAYBOOK = [PROGRAM, '--inventory', 'localhost,', '--connection', 'local']
STATE = Path('/var/lib/hanok')
# Bytes of a file of a console log, an eighth of the default: guests without KVM print slowly.
CONSOLE_SIZE = 2**18
Result = dict[str, Any]
# A command in a guest: it sees a device some time after that was attached.
SEEN = 'until [ -b {} ]; do sleep 0.1; done'
SCSI = 'scsi-0QEMU_QEMU_HARDDISK_'  # before the serial, in the path of a disk by its id
BOOTED = b'this is the boot sector of the CD'
# Real mode: prints what follows on the serial port, and halts.
BOOT_SECTOR = bytes.fromhex('fc0e1fe800005e83c612baf803ac84c07403eeebf8f4ebfd') + BOOTED + b'\0'
_THREAD = threading.local()


# Imports are measured before the kernel has the tables of iptables-legacy, which
# test_foreign_firewalls.py uses: from then on each task reads them. What replaces the record comes
# last, because it loses what tests share.
FIRST, LAST = ['test_imports.py'], ['test_recover.py', 'test_takeover.py']


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files whose order matters; the others stay where they are."""
    items.sort(key=lambda item: _rank(item.path.name))


def _rank(file: str) -> int:
    order = [*FIRST, '', *LAST]
    return order.index(file if file in order else '')


# Guests of tests use little of what they may. Tests that run at the same time, and a machine with
# 4 GiB, need more memory, vCPUs and disk space than there are.
OVERCOMMITTED = {
    'host_ram_allocation_ratio': 100,
    'host_cpu_allocation_ratio': 1000,
    'host_disk_allocation_ratio': 1000,
}


@functools.cache
def packed_modules() -> Path:
    """The directory of the packed modules: that of all worlds, until a source changes."""
    sources = sorted((ROOT / 'plugins').rglob('*.py'))
    digest = hashlib.sha256(f'{sys.version} {ansible.release.__version__}'.encode())
    for path in sources:
        digest.update(f'{path}\n'.encode() + path.read_bytes())
    folder = TREE / 'packed-modules' / digest.hexdigest()[:16]
    if not folder.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)  # those of other sources
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def keep_packed(clone: Path, folder: Path) -> dict[str, str]:
    """The environment in which ansible-playbook keeps the modules that it packs in a folder."""
    plugins = clone / 'tests' / 'integration' / 'callback_plugins'
    return {'ANSIBLE_CALLBACK_PLUGINS': str(plugins), 'PACKED_MODULES': str(folder)}


def what_failed(output: str) -> str:
    """The output of ansible-playbook from its first error on; without one its last 6000 characters.

    Reports of tests are cut: the error comes first.
    """
    error = re.search(r'^(?:TASK [^\n]*\n)?(?:\[ERROR\]|fatal: |failed: )', output, re.MULTILINE)
    return output[error.start() :][:6000] if error else output[-6000:]


class Play:
    """A run of ansible-playbook and the counts of its recap."""

    def __init__(
        self, *words: str, program: tuple[str, ...] = tuple(PLAYBOOK), cwd: Path = ROOT
    ) -> None:
        """Run it with the name of the playbook and further arguments."""
        ran = subprocess.run(
            [*program, '-e', json.dumps(OVERCOMMITTED), *words],
            cwd=cwd,
            env={**os.environ, **keep_packed(ROOT, packed_modules())},
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        self.code, self.output = ran.returncode, ran.stdout + ran.stderr
        self.counts: dict[str, int] = {}
        # One recap after each playbook; the last one counts the tasks of all.
        for recap in re.findall(r'localhost\s+: (ok=.*)', self.output)[-1:]:
            self.counts = {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', recap)}

    @property
    def changed(self) -> int:
        """The number of changed tasks; asserts that the play succeeded."""
        assert self.code == 0, what_failed(self.output)
        return self.counts['changed']


STATE_PATTERNS = (
    '/var/lib/hanok/**',
    '/var/lib/libvirt/**',
    '/var/log/libvirt/**',
    '/etc/hanok/**',
    '/run/netns/**',
)
PROGRAMS = (
    'qemu-system',
    'haproxy',
    's6-',
    'libvirt_lxc',
    'dnsmasq',
    'qemu-img',
    'virtlogd',
    'libvirtd',
)


def _lines(*words: str) -> list[str]:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def _files() -> list[str]:
    """The files of the cloud and of libvirt, without locks, logs, the record and its export."""
    files = [path for pattern in STATE_PATTERNS for path in glob.glob(pattern, recursive=True)]
    return sorted(
        path
        for path in files
        if os.path.isfile(path)
        and '/locks/' not in path
        and not re.search(r'hanok\.(db.*|json)$|\.log$', path)
    )


def _processes() -> list[str]:
    """The programs of the running processes of the cloud."""
    commands = [
        Path(path).read_bytes().split(b'\0')[0].decode()
        for path in glob.glob('/proc/[0-9]*/cmdline')
        if os.path.exists(path)
    ]
    return sorted(command for command in commands if os.path.basename(command).startswith(PROGRAMS))


def _of_libvirt() -> dict[str, list[str]]:
    """The domains and networks of libvirt; virsh takes twenty times as long for each list."""
    with (
        closing(libvirt.openReadOnly('qemu:///system')) as machines,
        closing(libvirt.openReadOnly('lxc:///system')) as containers,
    ):
        domains = [*machines.listAllDomains(), *containers.listAllDomains()]
        return {
            'domains': sorted(f'{domain.name()} {domain.UUIDString()}' for domain in domains),
            'networks': sorted(network.name() for network in machines.listAllNetworks()),
        }


def inventory() -> dict[str, Any]:
    """Everything on a host that a play could leave behind, observed from outside."""
    return {
        **_of_libvirt(),
        'files': _files(),
        'reservations': [
            Path(path).read_text(encoding='utf-8')
            for path in sorted(glob.glob('/var/lib/libvirt/dnsmasq/*hanok*'))
        ],
        # Without the revision and the connections that the kernel counts.
        'rules': [
            line
            for line in _lines('nft', 'list', 'ruleset')
            if 'chain rev_' not in line and 'ct count' not in line
        ],
        # Without linkdown: the kernel updates it with a delay.
        'routes': [line.replace(' linkdown', '') for line in _lines('ip', 'route', 'show')],
        'proxies': _lines('ip', 'neigh', 'show', 'proxy'),
        'links': sorted(os.listdir('/sys/class/net')),
        'mounts': sorted(
            line.split()[4]
            for line in Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines()
        ),
        'processes': _processes(),
    }


def observed_state() -> dict[str, Any]:
    """The host, the bytes of the state directory, and the content of the record.

    Without the -shm and -wal files of SQLite, which readers write too.
    """
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in STATE.rglob('*')
        if path.is_file() and not path.name.endswith(('-shm', '-wal'))
    }
    record = sqlite3.connect(f'file:{STATE / "hanok.db"}?mode=ro', uri=True)
    try:
        rows = list(record.iterdump())
    finally:
        record.close()
    return {**inventory(), **files, 'record': rows}


def prepare_host() -> None:
    """Have this world be a host that the role host has prepared, unless it is one."""
    _check_world()
    if Path('/etc/hanok/host.json').exists():
        return
    with prepared.kept_host() as kept:
        if not kept.exists():
            run_host_role()
            prepared.keep(kept)
            return
        prepared.start(kept)
    assert not run('network', name='default').get('failed')  # it repairs what a boot does not


def run_host_role() -> Play:
    """Run the role host in this world for the first time; return the run."""
    _check_world()
    with Path('/etc/libvirt/virtlogd.conf').open('a', encoding='utf-8') as settings:
        settings.write(f'max_size = {CONSOLE_SIZE}\n')
    first = Play('hanok.cloud.host')
    assert first.changed > 0
    return first


def _check_world() -> None:
    if 'HANOK_WORLD' not in os.environ:
        pytest.fail(
            'these tests turn the host they run on into a cloud; run them with: '
            'scripts/world .venv/bin/pytest tests/integration'
        )


@contextmanager
def backup_stores(**paths: Path) -> Iterator[None]:
    """Stores for backups, by name."""
    settings = Path('/etc/hanok/host.json')
    before = settings.read_text('utf-8')
    stores = [{'name': name, 'path': str(path)} for name, path in paths.items()]
    settings.write_text(json.dumps({**json.loads(before), 'backup_stores': stores}), 'utf-8')
    try:
        yield
    finally:
        settings.write_text(before, 'utf-8')


@contextmanager
def pretended_systemd() -> Iterator[None]:
    """Schedules need it; no timer fires here. Plays with the role host would need more of it."""
    program = Path('/usr/local/sbin/systemctl')
    program.write_text('#!/bin/sh\n', 'utf-8')
    program.chmod(0o755)
    booted = Path('/run/systemd/system')
    booted.mkdir(parents=True)
    try:
        yield
    finally:
        booted.rmdir()
        program.unlink()


@contextmanager
def host_bridges(*names: str) -> Iterator[None]:
    """Bridges of the host that servers may be on."""
    settings = Path('/etc/hanok/host.json')
    before = settings.read_text('utf-8')
    for name in names:
        subprocess.run(['ip', 'link', 'add', name, 'up', 'type', 'bridge'], check=True)
    settings.write_text(json.dumps({**json.loads(before), 'bridges': names}), 'utf-8')
    try:
        yield
    finally:
        settings.write_text(before, 'utf-8')
        for name in names:
            subprocess.run(['ip', 'link', 'delete', name], check=True)


@contextmanager
def volume_types(**types: Result) -> Iterator[None]:
    """Types of volumes, by their names."""
    settings = Path('/etc/hanok/host.json')
    before = json.loads(settings.read_text('utf-8'))
    named = [{'name': name, **options} for name, options in types.items()]
    settings.write_text(json.dumps({**before, 'volume_types': named}), 'utf-8')
    yield
    changed = json.loads(settings.read_text('utf-8'))
    settings.write_text(json.dumps({**changed, 'volume_types': before['volume_types']}), 'utf-8')


def separate_vlans(bridge: str) -> bool:
    """Let a bridge separate VLANs; false where the kernel cannot."""
    words = ['ip', 'link', 'set', bridge, 'type', 'bridge', 'vlan_filtering', '1']
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def newest_image(name: str, extension: str = 'qcow2') -> str:
    """The path of an image that `make prepare` has built."""
    found = sorted(glob.glob(f'/var/cache/hanok/{name}-*.{extension}'), key=os.path.getmtime)
    assert found, 'run make prepare to build it'
    return found[-1]


@pytest.fixture(scope='session')
def host() -> None:
    """Have this world be a host that the role host has prepared."""
    prepare_host()


def start(
    module: str, before: tuple[str, ...] = (), check: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a module as Ansible does, as a process of the host's Python; return the process.

    `before` is put before the command line, for example to run it under strace.
    """
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
    """Run a module in a process that starts quickly; return its result."""
    ran = _forks().run(module, options, check, os.environ)
    assert not ran.faults(), ran.faults()
    return ran.result


def _forks() -> ForkServer:
    """The forking process of this thread, in its present directory."""
    folder = os.getcwd()
    if getattr(_THREAD, 'folder', None) != folder:
        _THREAD.folder, _THREAD.forks = folder, ForkServer(folder)
    forks: ForkServer = _THREAD.forks
    return forks


def keep(module: str, **options: Any) -> Result:
    """Run a task and check the promises of every module; return its result."""
    return promises.keep(run, module, **options)


def refused(module: str, **options: Any) -> str:
    """Run a task that is refused, in check mode as in a run; return the message."""
    return promises.refused(run, module, **options)


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition that others fulfill."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'the condition was not fulfilled'
        time.sleep(0.1)


@pytest.fixture(scope='session')
def tiny(host: None) -> str:
    """The path of the image tiny."""
    return newest_image('tiny')


@pytest.fixture(scope='session')
def idle(host: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of an image for machines without a guest."""
    return idle_machine.image(tmp_path_factory.mktemp('idle'))


@pytest.fixture(scope='session')
def debian(host: None) -> str:
    """The path of the Debian image."""
    return newest_image('debian')


@pytest.fixture(scope='session')
def key(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A key pair named test; the path of its private key."""
    path = str(tmp_path_factory.mktemp('key') / 'test.pem')
    keep('keypair', name='test', private_key_file=path)
    yield path
    keep('keypair', name='test', state='absent')


@pytest.fixture(scope='session')
def image(tiny: str) -> Iterator[str]:
    """An image named small."""
    keep('image', name='small', path=tiny)
    yield 'small'
    keep('image', name='small', state='absent')


@pytest.fixture(scope='module')
def no_guest(idle: str) -> Iterator[str]:
    """An image named idle: machines of it run, and no guest boots."""
    keep('image', name='idle', path=idle)
    yield 'idle'
    keep('image', name='idle', state='absent')


@pytest.fixture(scope='module')
def root_image(host: None) -> Iterator[str]:
    """An image of a root file system: servers of it are containers, which start in a second."""
    keep('image', name='root', path=newest_image('tiny', 'tar'), disk_format='root-tar')
    yield 'root'
    keep('image', name='root', state='absent')


@pytest.fixture(scope='module')
def debian_image(debian: str) -> Iterator[str]:
    """An image named debian."""
    keep('image', name='debian', path=debian)
    yield 'debian'
    keep('image', name='debian', state='absent')


@pytest.fixture(scope='session')
def ssh(key: str) -> Callable[[str, str], str]:
    """Run a command in a guest by its address; return its output.

    control: the socket of a connection that is open, if there is one.
    """

    def in_guest(
        address: str, command: str, user: str = 'root', identity: str = key, control: str = 'none'
    ) -> str:
        options = [
            'StrictHostKeyChecking=no',
            'UserKnownHostsFile=/dev/null',
            'LogLevel=ERROR',
            'BatchMode=yes',
            'ConnectTimeout=30',  # of a guest without KVM that has much to do
            f'ControlPath={control}',
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
    """A security group that allows all ingress."""
    keep('security_group', name='open', rules=[{'protocol': 'any'}])
    yield 'open'
    keep('security_group', name='open', rules=[], state='absent')


@pytest.fixture(scope='module')
def discs(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """ISO images by the name that a file in each of them has; both boot."""
    names = ('one', 'two')
    for name in names:
        folder = tmp_path_factory.mktemp(name)
        (folder / 'name').write_text(f'{name}\n', 'ascii')
        (folder / 'boot').write_bytes(BOOT_SECTOR.ljust(2048, b'\0'))
        options = ('-quiet', '-r', '-b', 'boot', '-no-emul-boot', '-boot-load-size', '4')
        path = folder.with_suffix('.iso')
        subprocess.run(['genisoimage', *options, '-o', path, folder], check=True)
        created = keep('image', name=name, path=str(path), disk_format='iso')['image']
        kept = Path(STATE, 'images', f'{created["id"]}.qcow2')
        assert kept.read_bytes() == path.read_bytes()
    yield names
    for name in names:
        keep('image', name=name, state='absent')


@pytest.fixture(scope='module')
def debian_server(
    debian_image: str, key: str, open_group: str, discs: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """A running Debian: booted once, because that takes a minute, for all that only it can show.

    It has EFI, a TPM, a disc, disks by SCSI, and a volume that its first boot has formatted, as the
    user's guide says. Tests may restart it; the last one deletes it.
    """
    volume = keep('volume', name='photos', size=1)['volume']
    device = volume['device'].replace('virtio-', SCSI)
    wanted = {
        'name': 'real',
        'image': debian_image,
        'flavor': 'g1.micro',
        'key_name': 'test',
        'security_groups': [open_group],
        'hardware': {'disk_bus': 'scsi', 'firmware': 'efi', 'tpm': True, 'cdroms': ['one']},
        'user_data': _user_data_of_the_guide(device),
    }
    keep('server', **wanted)
    attached = keep('volume', name='photos', server='real', state='attached')['volume']
    assert attached['device'] == device
    yield run('server', **wanted, wait_for='init', wait_timeout=600)['server']
    keep('server', name='real', state='absent', delete_snapshots=True)
    keep('volume', name='photos', state='absent')


def _user_data_of_the_guide(device: str) -> str:
    """The first-boot content of the user's guide, for a volume that has this device."""
    text = (ROOT / 'docs' / 'guide.md').read_text(encoding='utf-8')
    entries = [entry for _line, block in fences(text) for entry in yaml.safe_load(block)]
    tasks = [task for entry in entries for task in entry.get('tasks', ())]
    (user_data,) = [
        task['hanok.cloud.server']['user_data']
        for task in tasks
        if task.get('name') == 'Create the server'
    ]
    assert '{{ photos.volume.device }}' in user_data
    return str(user_data).replace('{{ photos.volume.device }}', device)
