# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Getting Started as a new user runs it: check mode, run, second run, and teardown."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from .conftest import (
    PLAYBOOK,
    ROOT,
    Play,
    inventory,
    keep_packed,
    packed_modules,
    run,
    run_host_role,
)

CALLER = 'caller'
CONTAINERS = ('-e', 'project=other', '-e', 'type=container')
CLONE = Path('/run/clone')  # /run is private to the world, and every user may traverse it


class Caller(NamedTuple):
    """A user of the host with sudo, not root.

    `home` is the home directory, `words` the prefix that runs a command as this user.
    """

    home: Path
    words: tuple[str, ...]

    def play(self, *words: str) -> Play:
        """Run ansible-playbook as this user, in a directory where the user can read the clone."""
        python = str(CLONE / '.venv/bin/python')
        return Play(
            *words,
            program=(*self.words, python, '-m', 'ansible', 'playbook', *PLAYBOOK[1:]),
            cwd=CLONE,
        )


def _output_of(*words: str) -> str:
    """Run a program; return its output."""
    return subprocess.run(
        words, capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


@pytest.fixture(scope='module')
def caller(host: None) -> Iterator[Caller]:
    """A regular user whose sudo needs no password."""
    home = Path('/run') / CALLER
    _output_of('useradd', '--create-home', '--home-dir', str(home), '--shell', '/bin/sh', CALLER)
    CLONE.mkdir()
    _output_of('mount', '--bind', str(ROOT), str(CLONE))
    path = f'PATH={CLONE}/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    where = (f'HOME={home}', path, f'ANSIBLE_COLLECTIONS_PATH={CLONE}/build')
    settings = (f'ANSIBLE_CONFIG={CLONE}/ansible.cfg', 'LC_ALL=C.UTF-8')
    packed = home / 'packed-modules'
    shutil.copytree(packed_modules(), packed)
    _output_of('chown', '--recursive', CALLER, str(packed))
    tests = [f'{name}={value}' for name, value in keep_packed(CLONE, packed).items()]
    _set_sudo_rule('NOPASSWD: ALL')
    yield Caller(home, ('runuser', '-u', CALLER, '--', 'env', '-i', *where, *settings, *tests))
    _output_of('umount', str(CLONE))


def _set_sudo_rule(tags: str) -> None:
    """Write the sudo rule of the user to /etc of this world."""
    path = Path('/etc/sudoers.d') / CALLER
    path.write_text(f'{CALLER} ALL=(ALL) {tags}\n', encoding='ascii')
    path.chmod(0o440)


FORWARDS = 'This host did not forward packets before. It now does so for servers;'
UNCONFINED = 'No security driver (AppArmor, SELinux) confines QEMU on this host:'


@pytest.fixture(scope='module')
def host() -> Play:
    """The first run of the role in this world."""
    return run_host_role()


def test_first_run_of_the_host_role_reports(host: Play) -> None:
    """That the host forwards packets from now on, and that nothing confines QEMU if it is so."""
    assert FORWARDS in unfolded(host)
    assert 'Set host_router: true to allow it.' in unfolded(host)
    assert (UNCONFINED in unfolded(host)) is not is_confined()


def is_confined() -> bool:
    """Whether libvirt confines QEMU by a security driver."""
    found = _output_of('virsh', '--connect', 'qemu:///system', 'capabilities')
    return bool(re.search('<model>(apparmor|selinux)</model>', found))


def unfolded(play: Play) -> str:
    """The output with its messages on one line."""
    return ' '.join(play.output.split())


def test_host_role_is_idempotent(host: None) -> None:
    """The role host is idempotent on a host that it configured, also in check mode.

    Here NetworkManager was installed since: its configuration is all that the role changes.
    test_getting_started runs the role once more, which changes nothing.
    """
    managers = Path('/etc/NetworkManager/conf.d'), Path('/etc/systemd/network')
    managers[0].mkdir(parents=True)
    assert Play('hanok.cloud.host', '--check').changed == 1
    last = Play('hanok.cloud.host')
    assert last.changed == 1
    assert FORWARDS not in unfolded(last)
    assert (UNCONFINED in unfolded(last)) is not is_confined()
    texts = [path.read_text('utf-8') for folder in managers for path in folder.glob('*hanok*')]
    assert sum('unmanaged-devices+=interface-name:hk*' in text for text in texts) == 1
    assert sum('Name=hk*' in text and 'Unmanaged=yes' in text for text in texts) == 1
    assert sum('MACAddressPolicy=none' in text for text in texts) == 1


REFUSED: dict[str, dict[str, object]] = {
    'floating_pools[0]: uplink: eth99 does not exist on this host': {
        'host_floating_pools': [{'name': 'lan', 'addresses': ['192.0.2.0/28'], 'uplink': 'eth99'}]
    },
    'outside_devices: hk0 is a device of servers': {'host_outside_devices': ['hk0']},
    'volume_types[0]: path: /no/ssd is no directory of this host; create or mount it first': {
        'host_volume_types': [{'name': 'ssd', 'path': '/no/ssd'}]
    },
    'bridges: lo is no bridge of this host; existing bridges: none': {'host_bridges': ['lo']},
}


@pytest.fixture(scope='module')
def refusals(host: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one play prints in which the role is refused all of them, one after the other."""
    before = Path('/etc/hanok/host.json').read_bytes()
    host_role = {'name': 'hanok.cloud.host'}
    role = {**host_role, 'tasks_from': 'settings.yml'}
    tasks: list[dict[str, object]] = [{'include_role': {**host_role, 'tasks_from': 'look.yml'}}]
    for variables in REFUSED.values():
        tasks += [
            {'block': [{'include_role': role, 'vars': variables}], 'rescue': [{'meta': 'noop'}]},
        ]
    book = tmp_path_factory.mktemp('refused') / 'refused.yml'
    interpreter = {'ansible_python_interpreter': '/usr/bin/python3'}
    play = {'hosts': 'localhost', 'gather_facts': False, 'vars': interpreter, 'tasks': tasks}
    book.write_text(yaml.safe_dump([play]), encoding='utf-8')
    played = Play(str(book))
    assert played.counts['rescued'] == len(REFUSED), played.output
    assert Path('/etc/hanok/host.json').read_bytes() == before
    return played.output


@pytest.mark.parametrize('problem', REFUSED)
def test_host_role_refuses_settings(refusals: str, problem: str) -> None:
    """Settings that the modules would refuse are not written."""
    assert f'the settings of the host: {problem}' in refusals


def test_host_role_ends_with_refused_settings(host: None) -> None:
    """The play ends before it changes anything else."""
    before = Path('/etc/hanok/host.json').read_bytes()
    refused = Play('hanok.cloud.host', '-e', json.dumps({'host_ram_allocation_ratio': 0}))
    assert refused.code != 0
    assert refused.counts['changed'] == 0
    assert (
        'the settings of the host: ram_allocation_ratio: 0.0 is out of range; use 0.001 to 1000'
        in refused.output
    )
    assert Path('/etc/hanok/host.json').read_bytes() == before


def test_getting_started(caller: Caller) -> None:
    """Check mode changes nothing; the play covers T1 to T12; a second run changes nothing.

    Teardown removes everything, in its project: in the other one, check mode has nothing to change
    then. All of it runs as a user who is not root: the user owns the key, and the command that the
    play prints works for this user. At the same time it runs with containers in another project,
    where everything has the same names.
    """
    before, key = inventory(), caller.home / 'hanok-getting-started.pem'
    assert caller.play('hanok.cloud.getting_started', '--check', '--diff').changed > 10
    assert inventory() == before
    with ThreadPoolExecutor() as pool:
        other = pool.submit(caller.play, 'hanok.cloud.getting_started', *CONTAINERS)
        first = caller.play('hanok.cloud.host', 'hanok.cloud.getting_started')  # as make runs it
        assert min(first.changed, other.result().changed) > 10
    assert _changed_by_host(first) == 0
    assert 'PRIVATE KEY' not in first.output
    assert (key.stat().st_mode & 0o777, key.owner()) == (0o600, CALLER)
    _logs_in(caller, first.output)
    assert 'Volume data: 1 GB, in hello-again' in other.result().output
    _logs_in(caller, other.result().output)
    servers = run('server_info', project='other')['servers']
    assert [server['type'] for server in servers] == ['container'] * 4
    secret = key.read_text(encoding='utf-8').splitlines()[2]
    state = [path for path in Path('/var/lib/hanok').glob('*') if path.is_file()]
    assert not [path for path in state if secret.encode() in path.read_bytes()]
    assert caller.play('hanok.cloud.getting_started').changed == 0
    assert caller.play('hanok.cloud.teardown').changed == 9
    again = ('hanok.cloud.getting_started', *CONTAINERS, '--check', '--diff')
    assert caller.play(*again).changed == 0
    assert caller.play('hanok.cloud.teardown', *CONTAINERS).changed == 10  # its network, too
    assert inventory() == before
    assert not key.exists()
    flows = subprocess.run(['conntrack', '-L'], capture_output=True, text=True, check=True).stdout
    assert not re.search(r'=(192\.168\.0\.[2-9]|198\.18\.0\.\d+) ', flows)
    assert caller.play('hanok.cloud.teardown').changed == 0


def _changed_by_host(play: Play) -> int:
    """How many tasks of the first of two playbooks changed something: each ends with a recap."""
    recaps = re.findall(r'localhost\s+: ok=\d+\s+changed=(\d+)', play.output)
    assert len(recaps) == 2, recaps
    return int(recaps[0])


def _logs_in(caller: Caller, output: str) -> None:
    """Check that the login command printed at the end of the play works for the caller."""
    found = re.search(r'ssh -i (\S+) (root@[\d.]+)', output)
    assert found, output[-3000:]
    answers = ('-oStrictHostKeyChecking=no', '-oUserKnownHostsFile=/dev/null', '-oBatchMode=yes')
    assert (
        _output_of(*caller.words, 'ssh', '-i', found.group(1), *answers, found.group(2), 'hostname')
        == 'hello'
    )


@pytest.mark.parametrize(('rule', 'expected'), [('NOPASSWD: ALL', False), ('ALL', True)])
def test_make_asks_for_the_sudo_password(caller: Caller, rule: str, expected: bool) -> None:
    """The Makefile has Ansible ask for the password if and only if sudo needs one."""
    _set_sudo_rule(rule)
    target = ('--assume-old=venv', '--assume-old=.venv/.ok')
    try:
        words = _output_of(
            *caller.words, 'make', '--dry-run', '-C', str(CLONE), *target, 'getting-started'
        )
    finally:
        _set_sudo_rule('NOPASSWD: ALL')
    assert 'ansible-playbook' in words
    assert ('--ask-become-pass' in words) is expected
