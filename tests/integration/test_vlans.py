# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VLANs of interfaces on bridges of the host, and limits of bandwidth, as packets meet them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import eventually, host_bridges, keep, run, separate_vlans
from .test_bridges import FRONT
from .test_ground import output_of

Guest = Callable[[str, str], str]
MAC = '52:54:00:aa:00:42'
SIZE = {'vcpus': 1, 'memory': 128, 'disk': 1}
ADDRESS = '10.42.0.2'


def answers(vlan: int) -> bool:
    """Whether the guest answers the machine of the LAN in a VLAN."""
    words = ['ip', 'netns', 'exec', 'lan', 'ping', '-c', '1', '-W', '2', '-I', f'eth0.{vlan}']
    return subprocess.run([*words, ADDRESS], check=False, capture_output=True).returncode == 0


@pytest.fixture(scope='module')
def lan(host: None) -> Iterator[None]:
    """A machine with 10.42.0.1 in two VLANs, which an uplink carries with their tags."""
    with host_bridges('lan0'):
        if not separate_vlans('lan0'):
            pytest.skip('the kernel of this host has no VLANs; make machine has')
        output_of('ip', 'netns', 'add', 'lan')
        peer = ('peer', 'name', 'eth0', 'netns', 'lan')
        output_of('ip', 'link', 'add', 'lan1', 'up', 'master', 'lan0', 'type', 'veth', *peer)
        output_of('ip', '-netns', 'lan', 'link', 'set', 'eth0', 'up')
        for vlan in ('42', '43'):
            output_of('bridge', 'vlan', 'add', 'dev', 'lan1', 'vid', vlan)
            named = ('link', 'eth0', 'name', f'eth0.{vlan}', 'up', 'type', 'vlan', 'id', vlan)
            output_of('ip', '-netns', 'lan', 'link', 'add', *named)
            device = ('dev', f'eth0.{vlan}')
            output_of('ip', '-netns', 'lan', 'address', 'add', '10.42.0.1/24', *device)
        yield
        output_of('ip', 'netns', 'delete', 'lan')


@pytest.fixture(scope='module')
def server(lan: None, image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A server with an interface in VLAN 42, which has booted."""
    keep('flavor', name='tagged', **SIZE)
    options = {'image': image, 'flavor': 'tagged', 'key_name': 'test', 'security_groups': ['open']}
    booted = {'wait_for': 'ssh', 'wait_timeout': 1800}
    networks = [FRONT, {'bridge': 'lan0', 'mac': MAC, 'vlan': 42}]
    yield keep('server', name='tagged', **options, **booted, networks=networks)['server']
    keep('server', name='tagged', state='absent')
    keep('flavor', name='tagged', state='absent')


def set_address(ssh: Guest, server: dict[str, Any]) -> None:
    """Give the interface in the VLAN an address."""
    mac = f'cd /sys/class/net && dirname $(grep -l {MAC} */address)'
    eventually(lambda: MAC in ssh(server['fixed_ip'], 'cat /sys/class/net/*/address'))
    command = f'ip address add {ADDRESS}/24 dev $({mac}); ip link set $({mac}) up'
    ssh(server['fixed_ip'], command)


def test_boots_in_its_vlan(server: dict[str, Any], ssh: Guest) -> None:
    """Who is in the VLAN reaches it, and who is in another one does not; it sees no tags."""
    set_address(ssh, server)
    eventually(lambda: answers(42))
    assert not answers(43)


def test_moved_to_another_vlan(server: dict[str, Any], ssh: Guest) -> None:
    """A server that runs gets its interface in another VLAN."""
    other = {'bridge': 'lan0', 'mac': MAC, 'vlan': 43}
    keep('server', name='tagged', networks=[FRONT])
    assert not answers(42)
    keep('server', name='tagged', networks=[FRONT, other])
    set_address(ssh, server)
    eventually(lambda: answers(43))
    assert not answers(42)


def taken_from_its_vlan(server: dict[str, Any]) -> str:
    """Move its tap to VLAN 42 by hand; the tap."""
    taps = [one['ifname'] for one in json.loads(output_of('bridge', '-j', 'vlan'))]
    (tap,) = (tap for tap in taps if tap.startswith('hkt'))
    output_of('bridge', 'vlan', 'del', 'dev', tap, 'vid', '43')
    output_of('bridge', 'vlan', 'add', 'dev', tap, 'vid', '42', 'pvid', 'untagged')
    return tap


def test_moved_by_hand(server: dict[str, Any]) -> None:
    """The next task tells it, and moves it back."""
    tap = taken_from_its_vlan(server)
    assert f'{tap} is not in VLAN 43 of lan0' in keep('server', name='tagged')['msg']
    eventually(lambda: answers(43))


def dropped(tap: str) -> int:
    """Packets that the kernel dropped at a tap because of its limit."""
    shown = json.loads(output_of('tc', '-s', '-j', 'qdisc', 'show', 'dev', tap))
    return sum(int(queue['drops']) for queue in shown)


def test_bandwidth(server: dict[str, Any], ssh: Guest) -> None:
    """A limit holds while the server runs, and goes with the flavor's: the kernel drops packets."""
    keep('flavor', name='tagged', limits={'network_in_mbit': 1, 'network_out_mbit': 1})
    shown = run('server_info', name='tagged')['servers'][0]
    assert shown['status'] == 'ACTIVE'
    (tap,) = output_of('sh', '-c', 'cd /sys/class/net; ls -d hkp*').split()
    assert '"rate":125000' in output_of('tc', '-j', 'class', 'show', 'dev', tap)
    ssh(server['fixed_ip'], 'ping -q -c 400 -i 0.001 -s 1400 192.168.0.1; true')
    assert dropped(tap)
    keep('flavor', name='tagged', limits={})
    assert not output_of('tc', 'class', 'show', 'dev', tap)
