# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hostile guests on a real host: no task fails or exceeds its timeout; their output stays text."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, TREE, inventory, keep, refused, run, start
from .prepared import start_daemons
from .test_ground import eventually, pids_of

Guest = Callable[[str, str], str]

# Replaces the guest agent: it answers the synchronization of libvirt, and everything else with the
# content of /tmp/answer.
HOSTILE = r"""
killall qemu-ga
until true 3<>"/dev/$1"; do usleep 100000; done
echo $$ > /tmp/agent.pid
exec 3<>"/dev/$1"
while true; do
  read -r line <&3 || { usleep 50000; continue; }
  id=$(echo "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *guest-sync*) printf '{"return": %s}\n' "$id" ;;
    *) cat /tmp/answer; echo 1 >> /tmp/answered ;;
  esac >&3
done
"""
PORT = (
    'for p in /sys/class/virtio-ports/*; do n=${p##*/}; '
    '[ "$(cat $p/name)" != org.qemu.guest_agent.0 ] || echo $n; done'
)


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server with a volume."""
    options = {'image': image, 'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}
    created = keep('server', name='stranger', **options, wait_for='init', wait_timeout=300)[
        'server'
    ]
    keep('volume', name='stranger', size=1, server='stranger', state='attached')
    yield created
    keep('server', name='stranger', state='absent')
    keep('volume', name='stranger', state='absent')


def replace_agent(ssh: Guest, address: str) -> str:
    """Start the hostile agent in a guest; return its port there."""
    port = ssh(address, PORT)
    ssh(
        address,
        f'printf %s {shlex.quote(HOSTILE)} > /tmp/agent; echo 7 > /tmp/answer; '
        f'setsid sh /tmp/agent {port} >/tmp/agent.log 2>&1 </dev/null &',
    )
    return port


def restore_agent(ssh: Guest, address: str, port: str) -> None:
    """End the hostile agent, and start what a guest starts at its boot."""
    ssh(
        address,
        'kill $(cat /tmp/agent.pid); acpid -c /etc/acpi; '
        f'qemu-ga -d -m virtio-serial -p /dev/{port} -t /run -f /run/qemu-ga.pid',
    )


def test_hostile_agent(server: dict[str, Any], ssh: Guest) -> None:
    """Malformed answers of the agent cause no traceback.

    init is read from the console instead, and a volume is detached by force, without a question.
    A shutdown does not depend on the agent either, and takes no longer than allowed.
    """
    address = server['fixed_ip']
    port = replace_agent(ssh, address)
    for answer in (
        '{"return": {}}',
        '{"return": []}',
        '{"return": [7, [], {"disk": 7}]}',
        '{"return": 7}',
        '[]',
        '{"return": "\\xff"}',
    ):
        ssh(address, f'printf "%b\\n" {shlex.quote(answer)} > /tmp/answer')
        for module, options in (
            ('server', {'name': 'stranger', 'wait_for': 'init', 'wait_timeout': 10}),
            ('server_info', {'name': 'stranger', 'init': True}),
            ('volume', {'name': 'stranger', 'state': 'detached', 'check': True}),
        ):
            result = run(module, **options)
            assert not result.get('failed'), (answer, module, result['msg'])
        waited = run('server', name='stranger', wait_for='ip', wait_timeout=2)
        assert 'does not have the address' in waited['msg']
    answered = int(ssh(address, 'wc -l < /tmp/answered'))
    assert answered > 10
    keep('volume', name='stranger', state='detached', force=True)
    assert int(ssh(address, 'wc -l < /tmp/answered')) == answered
    ssh(address, 'killall acpid')
    started = time.monotonic()
    late = run('server', name='stranger', state='stopped', wait_timeout=3)
    assert time.monotonic() - started < 15
    assert (
        'waiting for the guest of stranger to shut down; force: true powers it off' in late['msg']
    )
    assert int(ssh(address, 'wc -l < /tmp/answered')) == answered
    restore_agent(ssh, address, port)


def test_host_shuts_down(server: dict[str, Any], image: str, ssh: Guest) -> None:
    """Other guests are shut down although one has an agent that accepts all, and does nothing.

    By the unit that systemd stops before libvirt-guests, which would wait for that agent.
    """
    keep('server', name='polite', image=image, flavor='g1.nano', wait_for='init', wait_timeout=300)
    address = server['fixed_ip']
    port = replace_agent(ssh, address)
    ssh(address, 'killall acpid')
    unit = (ROOT / 'roles/host/files/hanok-guests.service').read_text('utf-8')
    (command,) = re.findall(r'^ExecStop=(.*)$', unit, re.MULTILINE)
    subprocess.run(shlex.split(command), check=True, timeout=5)

    def status(name: str) -> object:
        return run('server_info', name=name)['servers'][0]['status']

    eventually(lambda: status('polite') == 'SHUTOFF')
    assert status('stranger') == 'ACTIVE'
    restore_agent(ssh, address, port)
    keep('server', name='polite', state='absent')


@contextlib.contextmanager
def paused(name: str) -> Iterator[None]:
    """Stop the processes of a program with SIGSTOP meanwhile."""
    pids = pids_of(name)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_stopped_libvirtd(server: dict[str, Any]) -> None:
    """A libvirtd that hangs blocks no task, neither at its first request nor in the middle."""
    with paused('libvirtd'):
        result = run('server_info', wait_timeout=5)
    assert result['failed']
    assert 'libvirtd does not answer' in result['msg']
    code = (
        'import os, signal; '
        'from ansible_collections.hanok.cloud.plugins.module_utils._local.host.hypervisor '
        'import Hypervisor; h = Hypervisor(5); h.machines(); '
        f'[os.kill(pid, signal.SIGSTOP) for pid in {pids_of("libvirtd")}]; h.machines()'
    )
    try:
        ran = subprocess.run(
            ['/usr/bin/python3', '-c', code],
            env={**os.environ, 'PYTHONPATH': str(TREE)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        for pid in pids_of('libvirtd'):
            os.kill(pid, signal.SIGCONT)
    assert 'libvirtError' in ran.stderr
    assert not run('server', name='stranger')['changed']


def test_long_wait_opens_few_connections(host: None) -> None:
    """Each poll of several servers has threads of its own, whose connections end with them."""
    code = (
        'import os\n'
        'from ansible_collections.hanok.cloud.plugins.module_utils._local import cloud\n'
        'host = cloud.this_host("default", "root", 60)\n'
        'def files():\n'
        '    host.work.in_parallel(lambda _item: host.hypervisor.qemu.getHostname(), range(3))\n'
        '    return len(os.listdir("/proc/self/fd"))\n'
        'found = [files() for _poll in range(10)]\n'
        'print(found[-1] - found[0] < 3)\n'
    )
    ran = subprocess.run(
        ['/usr/bin/python3', '-c', code],
        env={**os.environ, 'PYTHONPATH': str(TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == 'True\n', ran.stdout + ran.stderr


def test_libvirtd_is_restarted_during_a_task(server: dict[str, Any], image: str) -> None:
    """A running task continues with the restarted daemon."""
    before = inventory()
    options = {
        'name': 'restart',
        'count': 6,
        'image': image,
        'flavor': 'g1.nano',
        'state': 'stopped',
    }
    record = Path('/var/lib/hanok/hanok.json')
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start, 'server', **options)
        eventually(lambda: '"restart-6"' in record.read_text('utf-8'))
        start_daemons('libvirtd')
        result = json.loads(running.result().stdout)
    assert not result.get('failed'), result['msg']
    assert not run('server', **options)['changed']
    keep('server', name='restart', state='absent')
    assert inventory() == before


def test_without_a_guest_agent(image: str, open_group: str) -> None:
    """Without a channel, the address and the first boot are known from elsewhere.

    The channel is added by a restart.
    """
    options = {'image': image, 'flavor': 'g1.nano', 'security_groups': ['open']}
    lazy = keep(
        'server',
        name='lazy',
        **options,
        user_data='#cloud-config\nhostname: lazy\nruncmd:\n- [true]\npackages: [x]\n',
    )
    assert lazy['server']['user_data'] == '(sensitive value)'
    keep(
        'server',
        name='mute',
        count=2,
        **options,
        guest_agent=False,
        user_data='#!/bin/sh\nexit 3\n',
        wait_for='ip',
        wait_timeout=300,
    )
    assert 'org.qemu.guest_agent.0' not in domain_xml('mute-1')
    # Both have booted before both are looked at.
    for name in ('mute-1', 'mute-2'):
        run('server', name=name, wait_for='init', wait_timeout=300)
    failed = run('server', name='mute', count=2, wait_for='init', wait_timeout=300)
    assert [error['name'] for error in failed['errors']] == ['mute-1', 'mute-2']
    assert all('exit code 3' in error['msg'] for error in failed['errors'])
    assert 'requires a restart' in refused('server', name='mute', count=2, guest_agent=True)
    keep('server', name='mute-1', guest_agent=True, allow_restart=True)
    assert 'org.qemu.guest_agent.0' in domain_xml('mute-1')
    assert run('server_info', name='mute')['servers'][0]['status'] == 'ACTIVE'
    failed = run('server', name='lazy', wait_for='init', wait_timeout=300)
    assert 'runcmd (#cloud-config of this image has' in failed['msg']
    assert 'packages (' in failed['msg']
    for name in ('mute', 'lazy'):
        keep('server', name=name, state='absent')


def test_floating_ip_of_a_second_connection(
    image: str, key: str, open_group: str, ssh: Guest
) -> None:
    """It answers, though the default route of the server is that of the first connection.

    So does the floating IP of the first connection.
    """
    keep('network', name='further')
    networks = [{'name': 'default'}, {'name': 'further'}]
    options = {
        'image': image,
        'flavor': 'g1.nano',
        'key_name': 'test',
        'security_groups': ['open'],
        'networks': networks,
    }
    created = keep(
        'server', name='twin', **options, floating_ip='auto', wait_for='ssh', wait_timeout=300
    )['server']
    assert ssh(created['floating_ip'], 'ip route show default | grep -c via') == '2'
    second = created['networks'][1]['fixed_ip']
    address = keep('floating_ip', name='twin', server='twin', fixed_ip=second, state='attached')[
        'floating_ip'
    ]['address']
    assert ssh(address, 'hostname') == 'twin'
    assert ssh(created['floating_ip'], 'hostname') == 'twin'
    keep('floating_ip', name='twin', state='absent')
    keep('server', name='twin', state='absent')
    keep('network', name='further', state='absent')


def domain_xml(name: str) -> str:
    """The libvirt XML of a running server."""
    names = subprocess.run(
        ['virsh', 'list', '--name'], check=True, capture_output=True, text=True
    ).stdout.split()
    machine = next(one for one in names if one.endswith(f'-{name}'))
    return subprocess.run(
        ['virsh', 'dumpxml', machine], check=True, capture_output=True, text=True
    ).stdout
