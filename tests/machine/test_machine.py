# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole machine as a host: a kernel of its own, systemd, cgroup v2, AppArmor, machined.

`make machine` runs it. The machine is a guest of QEMU (tests/hosts/vm), in which the tests of
containers run as they are, because nothing else here has such a kernel.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VM, NAME, SUITE = str(ROOT / 'tests/hosts/vm'), 'machine', 'trixie'
CLONE = '/root/cloud'
TREE = f'{CLONE}/build'
MODULES = 'ansible_collections.hanok.cloud.plugins.modules'
KEY = '/var/cache/hanok-hosts/key'
OPTIONS = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
# Guests of tests use little of what they may.
RATIOS = {f'host_{kind}_allocation_ratio': 1000 for kind in ('ram', 'cpu', 'disk')}
SECONDS = 3600  # without KVM, beside other tests
LINK = (
    'mkdir -p build/ansible_collections/hanok; ln -s ../../.. build/ansible_collections/hanok/cloud'
)
IMAGES = 'mkdir -p /var/cache/hanok; cp /mnt/images/tiny-* /var/cache/hanok'


def vm(*words: str, given: str | None = None) -> str:
    """Run a command of tests/hosts/vm; its output."""
    ran = subprocess.run(
        [VM, *words], input=given, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-6000:]
    return ran.stdout


def shell(command: str, given: str | None = None) -> str:
    """Run a command in the machine, as root; its output."""
    return vm('ssh', NAME, 'sh', '-ec', command, given=given)


def module(kind: str, /, **options: Any) -> dict[str, Any]:
    """Run a module in the machine, as Ansible does; its result."""
    given = json.dumps({'ANSIBLE_MODULE_ARGS': options})
    printed = shell(f'PYTHONPATH={TREE} exec python3 -m {MODULES}.{kind}', given)
    return dict(json.loads(printed.splitlines()[-1]))


def play(*words: str) -> str:
    """Run the playbook of the role host for the machine, over SSH; its output.

    The playbook is for localhost unless it is told otherwise. --limit: if it ever is again, it
    runs nowhere, and does not turn the machine of the developer into a host.
    """
    options = {
        'hanok_hosts': NAME,
        'ansible_user': 'admin',
        'ansible_python_interpreter': '/usr/bin/python3',
        'ansible_ssh_private_key_file': KEY,
        'ansible_ssh_common_args': f'{OPTIONS} -o ProxyCommand="{VM} sshd {NAME}"',
        'ansible_pipelining': True,
        **RATIOS,
    }
    program = str(Path(sys.executable).with_name('ansible-playbook'))
    # sudo takes longer than the default of ten seconds there
    slow = ['--timeout', '120']
    target = ['-i', f'{NAME},', '--limit', NAME, '-b', *slow, '-e', json.dumps(options)]
    ran = subprocess.run(
        [program, *target, *words, 'hanok.cloud.host'],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    return ran.stdout


def role() -> int:
    """Run the role host in the machine; how many of its tasks changed something."""
    (changed,) = re.findall(rf'{NAME} .*changed=(\d+)', play())
    return int(changed)


def tests(*files: str) -> None:
    """Run tests of the collection in the machine."""
    paths = ' '.join(f'tests/integration/test_{file}.py' for file in files)
    shell(f'cd {CLONE}; HANOK_WORLD=machine python3 -m pytest -q -x {paths} 2>&1')


@pytest.fixture(scope='module', autouse=True)
def machine() -> Iterator[None]:
    """A host that the role has prepared."""
    vm('image', SUITE)
    try:
        vm('up', NAME, SUITE)
        vm('put', NAME, CLONE)
        shell(f'cd {CLONE}; {LINK}; {IMAGES}')
        assert role() > 0
        yield
    finally:
        vm('down', NAME)


def test_prepared_once() -> None:
    """It is what the tests claim, and the role has nothing left to change."""
    assert shell('stat --file-system --format=%T /sys/fs/cgroup') == 'cgroup2fs\n'
    assert shell('systemctl is-active systemd-machined libvirtd.socket') == 'active\nactive\n'
    assert '<model>apparmor</model>' in shell('virsh -c lxc:///system capabilities')
    assert role() == 0


def test_containers() -> None:
    """Containers live as elsewhere, and reach as little."""
    tests('containers', 'oci_images')


def test_virtual_machines() -> None:
    """VLANs, and limits of bandwidth, which few kernels of test machines have."""
    tests('limits', 'vlans')


def test_debian() -> None:
    """A Debian of the role image_builder, whose init is systemd, boots without a failure."""
    archive = shell('ls -t /mnt/images/debian-*.tar').split()[0]
    module('image', name='debian', path=archive, disk_format='root-tar')
    module('keypair', name='me', private_key_file='/root/me.pem')
    module('security_group', name='ssh', rules=[{'preset': 'ssh'}])
    options = {
        'image': 'debian',
        'flavor': 'g1.micro',
        'key_name': 'me',
        'security_groups': ['ssh'],
    }
    script = '#!/bin/sh\nid deploy >/srv/web/said\n'
    made = module('server', name='real', **options, user_data=script, wait_for='init')['server']
    inside = f'ssh -n -i /root/me.pem {OPTIONS} debian@{made["fixed_ip"]} '
    assert shell(f'{inside} systemctl is-system-running --wait') == 'running\n'
    seen = shell(f'{inside} "hostname; cat /srv/web/*; stat -c %U:%G /srv/web/index.html"')
    assert seen.splitlines()[:2] == ['real', 'described']
    assert '(deploy),' in seen
    assert seen.splitlines()[-1] == 'deploy:web'
    module('server', name='real', state='absent')
    module('image', name='debian', state='absent')


def test_boot() -> None:
    """What ran when the machine went down runs when it is up, and nothing else."""
    (archive,) = shell('ls /var/cache/hanok/tiny-*.tar').split()
    module('image', name='root', path=archive, disk_format='root-tar')
    module('security_group', name='web', rules=[{'preset': 'http'}, {'preset': 'all_icmp'}])
    script = '#!/bin/sh\ntouch /var/www/.serve\nhttpd -p 80 -h /var/www\n'
    options = {'image': 'root', 'flavor': 'g1.nano', 'security_groups': ['web']}
    module('server', name='runs', **options, user_data=script, wait_for='init')
    module('server', name='rests', **options, state='stopped')
    balancer = {'members': ['runs'], 'listeners': [{'port': 80}], 'health_check': {'port': 80}}
    made = module('lb', name='web', **balancer, floating_ip='auto')['lb']
    eventually(f'curl --fail --silent http://{made["floating_ip"]}/')
    before = rules()
    vm('reboot', NAME)
    eventually(f'curl --fail --silent http://{made["floating_ip"]}/')
    shown = {one['name']: one['status'] for one in module('server_info')['servers']}
    assert shown == {'runs': 'ACTIVE', 'rests': 'SHUTOFF'}
    assert 'hanok' not in shell('systemctl --failed --no-legend')
    assert rules() == before
    assert not module('server', name='runs', state='started', wait_for='init')['changed']


def rules() -> str:
    """The rules of the firewall, without what depends on which addresses have sent anything yet."""
    return shell('nft list ruleset | sed "/elements = .*ct count/d; /chain rev_/d" | sort')


def eventually(command: str) -> None:
    """Wait until a command succeeds in the machine."""
    end = time.monotonic() + 300
    words = [VM, 'ssh', NAME, 'sh', '-c', command]
    while subprocess.run(words, capture_output=True, check=False).returncode:
        assert time.monotonic() < end, command
