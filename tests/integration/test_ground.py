# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ground moves: what others break on a host is told as it is, then mended in the plan of the next run, or refused with what to do."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.reliability import figures

from .conftest import TREE, Play, inventory, keep, refused, run, start

Guest = Callable[[str, str], str]


def sh(*words: str) -> str:
    """A command of somebody who does not know of us."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    """Each of them is one more."""
    yield
    figures.add('The ground moves', faults=1)


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """One server that runs, with a floating IP and a volume."""
    options = {
        'image': image,
        'flavor': 'g1.nano',
        'key_name': 'test',
        'security_groups': ['open'],
        'floating_ip': 'auto',
    }
    made = keep('server', name='ground', **options, wait_for='ssh', wait_timeout=120)['server']
    keep('volume', name='ground', size=1, server='ground', state='attached')
    yield made
    keep('server', name='ground', state='absent')
    keep('volume', name='ground', state='absent')


def domain() -> str:
    """The name of its machine."""
    return next(
        name for name in sh('virsh', 'list', '--all', '--name').split() if name.endswith('-ground')
    )


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what others do in their own time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, 'it did not come'
        time.sleep(0.1)


def warned() -> str:
    """What is told of the host by who only looks."""
    return told_by(run('network_info'))


def told_by(done: dict[str, Any]) -> str:
    """The warnings of a task."""
    return ' '.join(warning['event']['msg'] for warning in done.get('warnings', ()))


def told() -> dict[str, Any]:
    """What is told of it."""
    found: dict[str, Any] = run('server_info', name='ground')['servers'][0]
    return found


def test_rules_are_flushed(server: dict[str, Any], ssh: Guest) -> None:
    """Somebody's flush ruleset opens everything; the next task, whatever it is about, closes it again, and says so."""
    assert not warned()
    sh('nft', 'flush', 'ruleset')
    assert 'the loaded firewall rules do not match the record' in warned()
    done = keep('server', name='ground')
    assert done['changed']
    assert 'the loaded firewall rules do not match the record' in done['msg']
    assert not warned()
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


HOOK = '/etc/libvirt/hooks/network.d/hanok'
OTHER_RULES = 'the loaded firewall rules do not match the record'


@pytest.mark.parametrize(
    'how',
    [
        'delete table bridge hanok',
        'delete table inet hanok',
        'flush chain inet hanok forward_egress',
        'flush chain bridge hanok prerouting',
        'insert rule inet hanok to_bridge accept',
        'add chain inet hanok hole { type filter hook forward priority -300; policy accept; }',
        'flush set inet hanok bridges',
        'flush map inet hanok ingress',
    ],
)
def test_rules_are_altered(server: dict[str, Any], how: str) -> None:
    """A part of them is as good as all of them: told, and mended by the next task."""
    sh('nft', how)
    assert OTHER_RULES in warned()
    done = run('server', name='ground')
    assert OTHER_RULES in done['msg'], done
    assert not warned()


def network_starts() -> None:
    """What libvirt asks of the hook before it starts a network."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    xml = f"<hookData><network><bridge name='{bridge}'/></network></hookData>"
    subprocess.run([HOOK, bridge, 'start', 'begin', '-'], input=xml, text=True, check=True)


def test_a_network_starts_under_altered_rules(server: dict[str, Any]) -> None:
    """The hook loads them when a part is missing, and leaves alone what is whole: what is loaded anew has other handles."""
    sh('nft', 'delete', 'table', 'bridge', 'hanok')
    network_starts()
    assert not warned()
    before = sh('nft', '--handle', 'list', 'ruleset')
    network_starts()
    assert sh('nft', '--handle', 'list', 'ruleset') == before


def test_sets_that_packets_fill_are_no_fault(server: dict[str, Any]) -> None:
    """Their elements come and go: neither a look nor the hook takes that for damage."""
    path = Path('/var/lib/hanok/datapath/loaded')
    kept = path.read_text('ascii').split()
    sh('nft', 'add set inet hanok seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; }')
    assert OTHER_RULES in warned()
    program = 'from ansible_collections.hanok.cloud.plugins.module_utils._local import loaded; print(loaded.current().digest)'
    kept[1] = subprocess.run(
        ['/usr/bin/python3', '-c', program],
        env={**os.environ, 'PYTHONPATH': str(TREE)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    path.write_text(' '.join(kept) + '\n', 'ascii')
    assert not warned()
    sh(
        'nft',
        'add element inet hanok seen { 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5 }',
    )
    assert not warned()
    network_starts()
    assert '192.0.2.5' in sh('nft', 'list', 'set', 'inet', 'hanok', 'seen')
    sh('nft', 'delete set inet hanok seen')
    assert OTHER_RULES in run('server', name='ground')['msg']


def test_the_host_gets_out_by_another_device(server: dict[str, Any]) -> None:
    """Servers follow its default route with the next task."""
    sh('ip', 'link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan0peer')
    try:
        for words in (
            'address add 203.0.113.1/24 dev wan0',
            'link set wan0 up',
            'route add default via 203.0.113.9 dev wan0',
        ):
            sh('ip', *words.split())
        assert (
            'the outside devices of the firewall are none, those of this host are wan0' in warned()
        )
        assert 'are wan0' in keep('server', name='ground')['msg']
        assert '"wan0"' in sh('nft', 'list', 'set', 'inet', 'hanok', 'outside')
    finally:
        sh('ip', 'link', 'del', 'wan0')
    assert 'the outside devices of the firewall are wan0' in warned()
    keep('server', name='ground')
    assert not warned()


def test_the_kept_rules_are_damaged(server: dict[str, Any], ssh: Guest) -> None:
    """The file is written anew before anything is loaded from it: what the next boot needs, and what a network loads that starts."""
    rules = Path('/var/lib/hanok/datapath/ruleset.nft')
    good = rules.read_bytes()
    rules.write_bytes(good[:-9])
    assert 'the firewall rules saved for the next boot' in warned()
    assert keep('server', name='ground')['changed']
    assert rules.read_bytes() == good
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    sh('nft', 'flush', 'ruleset')
    sh('ip', 'link', 'delete', bridge)
    rules.write_bytes(b'table inet hanok {\xff\n')
    assert 'network default is down' in keep('server', name='ground')['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    sh('nft', 'flush', 'ruleset')
    rules.write_bytes(b'table inet hanok {\xff\n')
    keep('network', name='another')
    keep('network', name='another', state='absent')
    assert not warned()


@pytest.mark.parametrize('how', ['address flush dev {}', 'link set {} down', 'route flush dev {}'])
def test_a_bridge_loses_its_address(server: dict[str, Any], ssh: Guest, how: str) -> None:
    """Such as NetworkManager does it that is turned off and on: the host has its address and its route again, and answers for names."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    sh('ip', *how.format(bridge).split())
    assert f'{bridge} of network default' in warned()
    assert f'{bridge} of network default' in keep('server', name='ground')['msg']
    assert ssh(server['floating_ip'], 'nslookup ground | grep -c 192.168.0') != '0'


@pytest.fixture
def pools(server: dict[str, Any]) -> Iterator[Callable[..., None]]:
    """Write the pools of the host, as the role does: the first one, and more; two devices lead to LANs."""
    path = Path('/etc/hanok/host.json')
    before = path.read_text('utf-8')

    def write(*more: dict[str, Any]) -> None:
        settings = json.loads(before)
        settings['floating_pools'] += more
        path.write_text(json.dumps(settings), 'utf-8')

    for device in ('lan0', 'lan1'):
        sh('ip', 'link', 'add', device, 'type', 'bridge')
        sh('ip', 'link', 'set', device, 'up')
    yield write
    path.write_text(before, 'utf-8')
    for device in ('lan0', 'lan1'):
        subprocess.run(['ip', 'link', 'delete', device], capture_output=True, check=False)
    run('server', name='ground')
    assert not warned()


def proxied() -> list[str]:
    """What the host answers ARP for."""
    return sorted(
        ' '.join(line.split()[:3]) for line in sh('ip', 'neigh', 'show', 'proxy').splitlines()
    )


def test_an_uplink_forgets(pools: Callable[..., None]) -> None:
    """What is answered for on the uplink of a pool: taken away, the uplink made anew, changed in the pool, and gone."""
    lan = {'name': 'lan', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'}
    pools(lan)
    keep('floating_ip', name='lan', address='203.0.113.3')
    assert proxied() == ['203.0.113.3 dev lan0']
    for breaks in (
        [['neigh', 'del', 'proxy', '203.0.113.3', 'dev', 'lan0']],
        [
            ['link', 'delete', 'lan0'],
            ['link', 'add', 'lan0', 'type', 'bridge'],
            ['link', 'set', 'lan0', 'up'],
        ],
    ):
        for words in breaks:
            sh('ip', *words)
        assert 'lan0 does not answer ARP for the floating IPs 203.0.113.3' in warned()
        assert 'lan0 does not answer' in keep('server', name='ground')['msg']
        assert proxied() == ['203.0.113.3 dev lan0']
    sh('ip', 'neigh', 'add', 'proxy', '203.0.113.4', 'dev', 'lan0')
    sh('ip', 'neigh', 'add', 'proxy', '192.0.2.9', 'dev', 'lan0')  # somebody else's
    assert 'lan0 answers ARP for 203.0.113.4' in warned()
    pools({**lan, 'uplink': 'lan1'})
    assert 'lan1 does not answer' in keep('server', name='ground')['msg']
    assert proxied() == ['192.0.2.9 dev lan0', '203.0.113.3 dev lan1', '203.0.113.4 dev lan0']
    sh('ip', 'link', 'delete', 'lan1')
    assert 'the uplink lan1 of the floating pool lan does not exist' in warned()
    done = keep('floating_ip', name='lan', description='still here')
    assert 'the uplink lan1' in told_by(done)
    keep('floating_ip', name='lan', state='absent')
    sh('ip', 'neigh', 'del', 'proxy', '203.0.113.4', 'dev', 'lan0')


def test_a_pool_is_taken_away(pools: Callable[..., None]) -> None:
    """From under an address that is used: it is told which, with the way out, until it is deleted."""
    pools({'name': 'lan', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'})
    keep('lb', name='dead', listeners=[{'port': 80}], floating_ip='203.0.113.3')
    pools()
    told = 'floating IP 203.0.113.3 (lb dead): no longer in a pool of this host'
    assert told in warned()
    done = run('server', name='ground')
    assert told in told_by(done)
    assert not proxied()
    assert 'overlaps the floating IP 203.0.113.3' in refused(
        'network', name='over', cidr='203.0.113.0/24'
    )
    pools({'name': 'renamed', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'})
    keep('server', name='ground')
    assert proxied() == ['203.0.113.3 dev lan0']
    pools()
    keep('lb', name='dead', state='absent')
    keep('floating_ip', address='203.0.113.3', state='absent')
    assert told not in warned()


def test_a_pool_is_put_over_a_network(
    pools: Callable[..., None], ssh: Guest, server: dict[str, Any]
) -> None:
    """The network stays what it is; none of these addresses is given out, and it is told."""
    cidr = run('network_info', name='default')['networks'][0]['cidr']
    pools({'name': 'over', 'addresses': [cidr, '203.0.113.8/32']})
    assert f'addresses {cidr} of the floating pool over overlap a network' in warned()
    assert keep('floating_ip', name='over', pool='over')['floating_ip']['address'] == '203.0.113.8'
    assert 'no address is free' in refused('floating_ip', name='more', pool='over')
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    keep('floating_ip', name='over', state='absent')


def test_a_kernel_without_dummy_boots(server: dict[str, Any]) -> None:
    """The routes of pools are back from the file alone, where the kernel does not know the first kind of device."""
    batch = Path('/var/lib/hanok/datapath/ip.batch').read_text('ascii')
    sh('ip', 'link', 'delete', 'hanok0')
    text = batch.replace('type dummy', 'type unheard-of')
    subprocess.run(
        ['ip', '-force', '-batch', '-'], input=text, text=True, capture_output=True, check=False
    )
    assert '198.18.0.0/24' in sh('ip', 'route', 'show', 'dev', 'hanok0')
    assert not warned()


@pytest.fixture
def vpn(host: None) -> Iterator[None]:
    """All that is private, and all of the internet in two halves, is behind a device."""
    sh('ip', 'link', 'add', 'vpn0', 'type', 'bridge')
    sh('ip', 'link', 'set', 'vpn0', 'up')
    for cidr in (
        '0.0.0.0/1',
        '128.0.0.0/1',
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '10.66.0.0/24',
    ):
        sh('ip', 'route', 'add', cidr, 'dev', 'vpn0')
    yield
    sh('ip', 'link', 'delete', 'vpn0')


def test_a_network_beside_a_vpn(vpn: None) -> None:
    """It is made: what is more specific wins; what it hides is told; what the host needs is passed over, or told."""
    resolv = Path('/etc/resolv.conf')
    before = resolv.read_text('utf-8')
    resolv.write_text('nameserver 192.168.1.53\n', 'utf-8')
    try:
        chosen = run('network', name='beside', check=True)
        assert chosen['network']['cidr'] == '192.168.2.0/24'
        assert 'is a part of a route of this host through vpn0 (192.168.0.0/16)' in told_by(chosen)
        covers = run('network', name='beside', cidr='192.168.1.0/24', check=True)
        assert '192.168.1.0/24 covers 192.168.1.53, a nameserver of this host' in told_by(covers)
    finally:
        resolv.write_text(before, 'utf-8')
    assert 'through vpn0 (10.66.0.0/24) already' in refused(
        'network', name='beside', cidr='10.66.0.0/24'
    )
    assert 'is not private' in refused('network', name='beside', cidr='8.8.8.0/24')
    assert 'is a reserved range' in refused('network', name='beside', cidr='240.0.0.0/24')
    keep('network', name='beside', cidr='10.66.0.0/23')
    keep('network', name='beside', state='absent')


def test_a_large_network(host: None, image: str, open_group: str) -> None:
    """Larger than a range of DHCP may be: an address far out in it is given out all the same."""
    keep('network', name='large', cidr='172.16.0.0/12')
    options = {
        'image': image,
        'flavor': 'g1.nano',
        'networks': [{'name': 'large', 'fixed_ip': '172.31.9.9'}],
    }
    made = keep('server', name='far', **options, wait_for='ip', wait_timeout=120)['server']
    assert made['fixed_ip'] == '172.31.9.9'
    keep('server', name='far', state='absent')
    keep('network', name='large', state='absent')


def test_a_bridge_is_removed(server: dict[str, Any], ssh: Guest) -> None:
    """The network is started anew, and the server that was on it is plugged in again, while it runs."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    sh('ip', 'link', 'delete', bridge)
    assert 'network default is down' in warned()
    done = keep('network', name='default')
    assert 'network default is down' in done['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_dnsmasq_is_killed(server: dict[str, Any], ssh: Guest) -> None:
    """Addresses and names are given out again."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    os.kill(int(Path(f'/run/libvirt/network/{bridge}.pid').read_text('ascii')), signal.SIGKILL)
    eventually(lambda: 'network default has no running DHCP server' in warned())
    done = keep('security_group', name='open')
    assert 'network default has no running DHCP server' in done['msg']
    assert ssh(server['floating_ip'], 'nslookup ground | grep -c 192.168.0') != '0'


def test_a_tap_is_unplugged(server: dict[str, Any], ssh: Guest) -> None:
    """It is plugged in again."""
    device = sh('virsh', 'domiflist', domain()).splitlines()[-1].split()[0]
    sh('ip', 'link', 'set', device, 'nomaster')
    assert f'{device} is attached to no bridge' in warned()
    assert (
        f'{device} is attached to no bridge'
        in keep('floating_ip', address=server['floating_ip'])['msg']
    )
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_a_machine_is_edited(server: dict[str, Any]) -> None:
    """It is UNMANAGED, with the difference in words; only repair: true defines it again, and nothing else is touched by the refusal."""
    sh('virsh', 'setvcpus', domain(), '3', '--maximum', '--config')
    sh('virsh', 'detach-disk', domain(), 'vdb', '--config')
    seen = told()
    assert seen['status'] == 'UNMANAGED'
    assert 'it has 3 vCPUs in libvirt, recorded 1' in seen['status_reason']
    assert 'no longer has the disk' in seen['status_reason']
    before = inventory()
    text = refused('server', name='ground', description='x')
    assert 'repair: true' in text
    assert seen['status_reason'] in text
    assert inventory() == before
    keep('server', name='ground', repair=True)
    assert (told()['status'], told()['status_reason']) == ('ACTIVE', None)


def test_a_machine_is_undefined(server: dict[str, Any], ssh: Guest) -> None:
    """While it runs, and when it does not; it comes back with its disk, its volume and its address."""
    ssh(server['floating_ip'], 'echo kept > /root/kept; sync')
    sh('virsh', 'undefine', domain())
    assert told()['status'] == 'UNMANAGED'
    keep('server', name='ground', repair=True)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    sh('virsh', 'destroy', domain())
    sh('virsh', 'undefine', domain())
    assert 'no longer defined in libvirt' in refused('server', name='ground', state='stopped')
    keep('server', name='ground', repair=True, wait_for='ssh', wait_timeout=120)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    assert told()['volumes'] == ['ground']


def test_qemu_is_killed(server: dict[str, Any], ssh: Guest) -> None:
    """It is SHUTOFF; present leaves it so, started starts it."""
    pid = int(Path(f'/run/libvirt/qemu/{domain()}.pid').read_text('ascii'))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: told()['status'] == 'SHUTOFF')  # libvirt notices within a second or so
    assert not keep('server', name='ground')['changed']
    keep('server', name='ground', state='started', wait_for='ssh', wait_timeout=120)
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_a_server_is_paused(server: dict[str, Any], ssh: Guest) -> None:
    """It is PAUSED; it cannot be asked to stop; started lets it go on."""
    sh('virsh', 'suspend', domain())
    assert (told()['status'], told()['billable']) == ('PAUSED', True)
    assert not keep('server', name='ground')['changed']
    assert 'cannot shut down' in refused('server', name='ground', state='stopped')
    keep('server', name='ground', state='started')
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    sh('virsh', 'suspend', domain())
    keep('server', name='ground', state='stopped', force=True)
    keep('server', name='ground', state='started', wait_for='ssh', wait_timeout=120)


def test_a_disk_is_deleted(host: None, image: str) -> None:
    """Nobody makes it again: it is told, refused, and can be deleted."""
    before = inventory()
    keep('server', name='lost', image=image, flavor='g1.nano', state='stopped')
    keep('volume', name='lost', size=1, server='lost', state='attached')
    disk = Path('/var/lib/hanok/volumes') / (
        run('volume_info', name='lost')['volumes'][0]['id'] + '.qcow2'
    )
    disk.unlink()
    assert run('volume_info', name='lost')['volumes'][0]['status'] == 'error'
    assert 'its disk is missing on the host' in refused('volume', name='lost', size=2)
    keep('volume', name='lost', state='detached')
    keep('volume', name='lost', state='absent')
    (
        Path('/var/lib/hanok/servers')
        / run('server_info', name='lost')['servers'][0]['id']
        / 'root.qcow2'
    ).unlink()
    assert run('server_info', name='lost')['servers'][0]['status'] == 'UNMANAGED'
    assert 'its root disk is missing' in refused('server', name='lost', repair=True)
    keep('server', name='lost', state='absent')
    assert inventory() == before


def test_a_first_boot_disk_is_deleted(host: None, image: str) -> None:
    """It is made again with all that was on it, or not at all: of user data only a hash is recorded."""
    before = inventory()
    user_data = '#!/bin/sh\n: said once\n'
    made = keep(
        'server', name='lost', image=image, flavor='g1.nano', state='stopped', user_data=user_data
    )['server']
    seed = Path('/var/lib/hanok/servers') / made['id'] / 'seed.iso'
    seed.unlink()
    assert (
        run('server_info', name='lost')['servers'][0]['status_reason']
        == 'its first-boot disk is missing'
    )
    assert 'set repair: true' in refused('server', name='lost')
    assert 'specify user_data again' in refused('server', name='lost', repair=True)
    keep('server', name='lost', repair=True, user_data=user_data)
    assert b'said once' in seed.read_bytes()
    with sqlite3.connect('/var/lib/hanok/hanok.db') as older:  # as older versions recorded it
        older.execute(
            "UPDATE server SET user_data = ? WHERE name = 'lost'",
            ('sha256:' + hashlib.sha256(user_data.encode()).hexdigest(),),
        )
    older.close()
    assert 're-create it' in refused('server', name='lost', user_data=user_data + '\n')
    taken = keep('server', name='lost', user_data=user_data)
    assert taken['changed']
    assert 'keyed hash' in taken['msg']
    assert 'sha256' not in str(taken) + sh(
        'virsh',
        'dumpxml',
        next(
            name
            for name in sh('virsh', 'list', '--all', '--name').split()
            if name.endswith('-lost')
        ),
    )
    keep('server', name='lost', state='absent')
    assert inventory() == before


def alive(name: str) -> list[int]:
    """The processes of a program."""
    found = []
    for path in Path('/proc').glob('[0-9]*/comm'):
        with contextlib.suppress(OSError):  # it has ended
            found += [int(path.parent.name)] if path.read_text('utf-8').strip() == name else []
    return found


def kill(name: str) -> None:
    """Kill all processes of a program; one of them may end with another before it is its turn."""
    for pid in alive(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def answers(address: str) -> bool:
    """Whether a balancer serves."""
    return (
        subprocess.run(
            ['curl', '-s', '--max-time', '10', f'http://{address}/'],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def test_a_balancer_is_killed(server: dict[str, Any]) -> None:
    """HAProxy comes back by itself; a container that was destroyed, or undefined, comes back with the next task."""
    made = keep(
        'lb', name='level', listeners=[{'port': 80}], members=['ground'], floating_ip='auto'
    )['lb']
    kill('haproxy')
    eventually(lambda: answers(made['floating_ip']))
    assert not keep('lb', name='level')['changed']
    name = next(
        line
        for line in sh('virsh', '-c', 'lxc:///system', 'list', '--name').split()
        if line.endswith('-level')
    )
    for how in ('destroy', 'undefine'):
        sh('virsh', '-c', 'lxc:///system', 'destroy', name)
        if how == 'undefine':
            sh('virsh', '-c', 'lxc:///system', 'undefine', name)
        assert run('lb_info', name='level')['lbs'][0]['status'] == 'ERROR'
        assert keep('lb', name='level')['changed']
        eventually(lambda: answers(made['floating_ip']))
    keep('lb', name='level', state='absent')


def test_libvirtd_is_killed(image: str, server: dict[str, Any], ssh: Guest) -> None:
    """In the middle of a task: the task tells it; when libvirtd is back the same task ends what it began, and guests have run on."""
    before = inventory()
    options = {'name': 'amid', 'count': 4, 'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    record = Path('/var/lib/hanok/hanok.json')
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start, 'server', **options)
        eventually(lambda: '"amid-4"' in record.read_text('utf-8'))
        kill('libvirtd')
        ended = running.result()
    result = json.loads(ended.stdout)
    assert result['failed']
    assert 'libvirt' in result['msg']
    assert 'defect' not in result['msg']
    assert {'changed', 'diff', 'steps'} <= set(result)
    assert 'libvirt' in run('server_info')['msg']
    assert Play('hanok.cloud.host').changed > 0
    assert not run('server', **options).get('failed')
    keep('server', **options)
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    keep('server', name='amid', state='absent')
    assert inventory() == before


def test_the_host_is_rebooted(server: dict[str, Any], ssh: Guest) -> None:
    """Everything that runs is gone, and all that the kernel knew; what is recorded as started comes back, reachable as before."""
    for name in ('libvirtd', 'qemu-system-x86', 'dnsmasq', 'virtlogd', 'libvirt_lxc'):
        kill(name)
    eventually(lambda: not alive('libvirtd') and not alive('qemu-system-x86'))
    for device in Path('/sys/class/net').iterdir():
        if device.name.startswith('hk') or device.name == 'hanok0':
            subprocess.run(['ip', 'link', 'delete', device.name], capture_output=True, check=False)
    sh('nft', 'flush', 'ruleset')
    for folder in ('/run/libvirt', '/run/hanok'):
        shutil.rmtree(folder, ignore_errors=True)
    assert Play('hanok.cloud.host').changed > 0
    keep('server', name='ground', state='started', wait_for='ssh', wait_timeout=120)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    assert told()['status'] == 'ACTIVE'


def test_the_disk_is_full(host: None, tiny: str) -> None:
    """While something is made: it is told; with more room the same task ends it."""
    before, folder = inventory(), '/var/lib/hanok/images'
    os.makedirs(folder, exist_ok=True)
    sh('mount', '-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', folder)
    try:
        failed = run('image', name='large', path=tiny)
        assert failed['failed']
        assert 'and 0 are available; no image was created' in failed['msg']
        assert run('image_info', name='large')['images'][0]['status'] == 'creating'
        sh('mount', '-o', 'remount,size=1G', folder)  # of which half a GiB stays free
        keep('image', name='large', path=tiny)
        keep('image', name='large', state='absent')
    finally:
        sh('umount', folder)
    assert inventory() == before


def test_the_disk_of_the_record_is_full(
    host: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is told, and not taken for damage; with more room the same task is done."""
    sh('mount', '-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', str(tmp_path))
    try:
        monkeypatch.setenv('HANOK_STATE', str(tmp_path / 'state'))
        keep('flavor', name='first', vcpus=1, memory=64, disk=1)
        filler = tmp_path / 'filler'
        with filler.open('wb', buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b'0' * 4096):
                pass
        text = '#!/bin/sh\n' + 'true\n' * 2000
        for task in ({'name': 'second', 'content': text}, {'name': 'third', 'content': text}):
            done = run('init_script', **task)
            assert done['failed']
            assert 'is full' in done['msg'] or 'No space left' in done['msg'], done['msg']
            assert 'defect' not in done['msg']
            assert 'recover' not in done['msg']
        filler.unlink()
        keep('init_script', name='second', content=text)
        assert run('init_script_info')['init_scripts'][0]['name'] == 'second'
    finally:
        sh('umount', str(tmp_path))


def test_the_disk_is_full_under_a_guest(server: dict[str, Any], ssh: Guest) -> None:
    """The guest stands still, with the reason; with more room it goes on, and its write with it."""
    folder = '/var/lib/hanok/volumes'
    os.makedirs(folder, exist_ok=True)
    sh('mount', '-t', 'tmpfs', '-o', 'size=4M,mode=711', 'tmpfs', folder)
    try:
        device = keep('volume', name='narrow', size=1, server='ground', state='attached')['volume'][
            'device'
        ]
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(
                ssh,
                server['floating_ip'],
                f'dd if=/dev/urandom of={device} bs=1M count=12 2>/dev/null; sync; echo written',
            )
            eventually(lambda: told()['status'] == 'PAUSED')
            assert 'could not be written' in told()['status_reason']
            sh('mount', '-o', 'remount,size=200M', folder)
            keep('server', name='ground', state='started')
            assert writing.result() == 'written'
        keep('volume', name='narrow', state='detached')
        keep('volume', name='narrow', state='absent')
    finally:
        sh('umount', folder)
