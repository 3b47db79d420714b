# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers on a bridge of the host, where a machine of its LAN talks to their guests."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import host_bridges, keep, run
from .test_ground import eventually, output_of
from .test_hardware import machine, virsh
from .test_inventory import ansible

Guest = Callable[[str, str], str]
FRONT = {'name': 'default'}
ON_LAN = {'bridge': 'lan0', 'mac': '52:54:00:aa:00:02'}


def answers(address: str) -> bool:
    """Whether an address on the bridge answers the machine of the LAN."""
    words = ['ip', 'netns', 'exec', 'lan', 'ping', '-c', '1', '-W', '1', address]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope='module')
def lan(host: None) -> Iterator[None]:
    """A bridge of the host with a machine at 10.99.0.1, which is a network namespace."""
    with host_bridges('lan0'):
        output_of('ip', 'netns', 'add', 'lan')
        output_of(
            'ip',
            'link',
            'add',
            'lan1',
            'up',
            'master',
            'lan0',
            'type',
            'veth',
            'peer',
            'name',
            'eth0',
        )
        output_of('ip', 'link', 'set', 'eth0', 'netns', 'lan')
        output_of('ip', '-netns', 'lan', 'address', 'add', '10.99.0.1/24', 'dev', 'eth0')
        output_of('ip', '-netns', 'lan', 'link', 'set', 'eth0', 'up')
        words = ['--conf-file=/dev/null', '--no-daemon', '--port=0', '--interface=eth0']
        lease = ['--dhcp-range=10.99.0.50,10.99.0.50,1h', '--dhcp-leasefile=/run/lan.leases']
        dhcp = subprocess.Popen(['ip', 'netns', 'exec', 'lan', 'dnsmasq', *words, *lease])
        yield
        dhcp.terminate()
        dhcp.wait()
        output_of('ip', 'netns', 'delete', 'lan')


@pytest.fixture(scope='module')
def server(lan: None, image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server in a network, with an agent, that has booted."""
    options = {'image': image, 'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}
    booted = {'wait_for': 'ssh', 'wait_timeout': 300}
    yield keep('server', name='bridged', **options, **booted)['server']
    keep('server', name='bridged', state='absent')


def set_address(ssh: Guest, server: dict[str, Any], address: str) -> str:
    """Set an address in a guest, on its interface with the MAC on the bridge; its device."""
    mac = ON_LAN['mac']
    device = ssh(server['fixed_ip'], f'cd /sys/class/net && dirname $(grep -l {mac} */address)')
    ssh(server['fixed_ip'], f'ip address add {address}/24 dev {device}; ip link set {device} up')
    return device


def test_plugged_and_unplugged(server: dict[str, Any], ssh: Guest) -> None:
    """A running guest gets an interface on the bridge, answers there, and loses it."""
    bridged = keep('server', name='bridged', networks=[FRONT, ON_LAN])['server']
    assert bridged['networks'][1] == {
        'name': None,
        'fixed_ip': None,
        'port': None,
        'security_groups': [],
        'vlan': None,
        **ON_LAN,
    }
    eventually(lambda: ON_LAN['mac'] in ssh(server['fixed_ip'], 'cat /sys/class/net/*/address'))
    device = set_address(ssh, server, '10.99.0.2')
    eventually(lambda: answers('10.99.0.2'))
    # A forged source, which no network of the cloud lets through.
    ssh(server['fixed_ip'], f'ip address add 10.99.0.3/24 dev {device}')
    assert answers('10.99.0.3')
    keep('server', name='bridged', networks=[FRONT])
    assert not answers('10.99.0.2')


def test_on_bridges_only(lan: None, image: str, tmp_path: Path) -> None:
    """First-boot content arrives, DHCP is that of the LAN, and plays run by the guest agent."""
    script = '#!/bin/sh\necho made at the first boot >/root/made\n'
    options = {'image': image, 'flavor': 'g1.nano', 'user_data': script}
    booted = {'wait_for': 'init', 'wait_timeout': 300}
    alone = keep('server', name='alone', networks=[{'bridge': 'lan0'}], **options, **booted)
    assert alone['server']['fixed_ip'] is None
    source = tmp_path / 'hanok.yml'
    source.write_text('plugin: hanok.cloud.servers\n', 'utf-8')
    words = ['-i', str(source), 'alone', '-m', 'ansible.builtin.raw', '-a', 'cat /root/made']
    ran = ansible('ansible', *words)
    assert 'rc=0 >>\nmade at the first boot\n' in ran.output, ran.output + ran.warnings
    eventually(lambda: answers('10.99.0.50'))
    keep('server', name='alone', state='absent')


def test_bridge_made_again(server: dict[str, Any], ssh: Guest) -> None:
    """The next task puts the interface on a bridge that its operator has made again."""
    keep('server', name='bridged', networks=[FRONT, ON_LAN])
    eventually(lambda: ON_LAN['mac'] in ssh(server['fixed_ip'], 'cat /sys/class/net/*/address'))
    set_address(ssh, server, '10.99.0.2')
    eventually(lambda: answers('10.99.0.2'))
    output_of('ip', 'link', 'delete', 'lan0')
    output_of('ip', 'link', 'add', 'lan0', 'up', 'type', 'bridge')
    output_of('ip', 'link', 'set', 'lan1', 'master', 'lan0')
    assert not answers('10.99.0.2')
    assert ' is attached to no bridge' in keep('server', name='bridged')['msg']
    eventually(lambda: answers('10.99.0.2'))


def test_changed_by_hand(server: dict[str, Any]) -> None:
    """Another MAC is told, and repaired."""
    definition = virsh('dumpxml', '--inactive', machine('bridged'))
    other = definition.replace(f"address='{ON_LAN['mac']}'", "address='52:54:00:aa:00:99'")
    virsh('define', '/dev/stdin', given=other)
    shown = run('server_info', name='bridged')['servers'][0]
    reason = f'its machine no longer has the network interface {ON_LAN["mac"]} on bridge lan0'
    assert (shown['status'], shown['status_reason']) == ('UNMANAGED', reason)
    assert keep('server', name='bridged', repair=True)['server']['status'] == 'ACTIVE'


def check_vlan_hook() -> None:
    """A machine does not start whose interface cannot be in its VLAN."""
    name = machine('bridged')
    definition = virsh('dumpxml', '--inactive', name)
    tagged = re.sub("(<target dev='(hkt[0-9]+)'/>)", r"\1<alias name='ua-\2-v20'/>", definition)
    virsh('define', '/dev/stdin', given=tagged)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        virsh('start', name)
    assert 'does not separate VLANs (vlan_filtering), and hkt' in caught.value.stderr
    virsh('define', '/dev/stdin', given=definition)


def test_starts_with_it(server: dict[str, Any]) -> None:
    """A server that starts with it has it; one that cannot have it does not start."""
    keep('server', name='bridged', state='stopped')
    check_vlan_hook()
    keep('server', name='bridged', state='started')
    assert re.search(r'hkt[0-9]+', output_of('ip', '-oneline', 'link', 'show', 'master', 'lan0'))
