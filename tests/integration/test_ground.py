# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes that others make on a host: reported as they are, then repaired by the next run.

What cannot be repaired is refused with what to do.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests import idle_machine
from ansible_collections.hanok.cloud.tests.reliability import figures

from . import prepared
from .conftest import SEEN, TREE, Play, eventually, inventory, keep, refused, run, start

Guest = Callable[[str, str], str]


def output_of(*words: str) -> str:
    """Run a command as an administrator who does not know the cloud; return its output."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def count_test() -> Iterator[None]:
    """Count one fault per test."""
    yield
    figures.add('Changes by others', faults=1)


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server with a floating IP and a volume."""
    options = {
        'image': image,
        'flavor': 'g1.nano',
        'key_name': 'test',
        'security_groups': ['open'],
        'floating_ip': 'auto',
    }
    created = keep('server', name='ground', **options, wait_for='ssh', wait_timeout=300)['server']
    keep('volume', name='ground', size=1, server='ground', state='attached')
    yield created
    keep('server', name='ground', state='absent')
    keep('volume', name='ground', state='absent')


def domain(server: str = 'ground') -> str:
    """The name of the libvirt domain of a server."""
    return next(
        name
        for name in output_of('virsh', 'list', '--all', '--name').split()
        if name.endswith(f'-{server}')
    )


def current_warnings() -> str:
    """The warnings about the host of a task that changes nothing."""
    return warnings_of(run('network_info'))


def warnings_of(result: dict[str, Any]) -> str:
    """The warnings of a task."""
    return ' '.join(warning['event']['msg'] for warning in result.get('warnings', ()))


def info() -> dict[str, Any]:
    """What server_info returns for the server."""
    found: dict[str, Any] = run('server_info', name='ground')['servers'][0]
    return found


def test_rules_are_flushed(server: dict[str, Any], ssh: Guest) -> None:
    """After nft flush ruleset everything is open; any next task loads the rules and reports it."""
    assert not current_warnings()
    output_of('nft', 'flush', 'ruleset')
    assert 'the loaded firewall rules do not match the record' in current_warnings()
    result = keep('server', name='ground')
    assert result['changed']
    assert 'the loaded firewall rules do not match the record' in result['msg']
    assert not current_warnings()
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def output_of_collection(program: str) -> str:
    """Run a Python program that can import the collection; return its output."""
    return subprocess.run(
        ['/usr/bin/python3', '-c', program],
        env={**os.environ, 'PYTHONPATH': str(TREE)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


HOOK = '/etc/libvirt/hooks/network.d/hanok'
OTHER_RULES = 'the loaded firewall rules do not match the record'


@pytest.mark.parametrize(
    'change',
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
def test_rules_are_changed(server: dict[str, Any], change: str) -> None:
    """A change of one part is reported, and repaired by the next task."""
    output_of('nft', change)
    assert OTHER_RULES in current_warnings()
    result = run('server', name='ground')
    assert OTHER_RULES in result['msg'], result
    assert not current_warnings()


def test_rules_of_another_version(server: dict[str, Any]) -> None:
    """What an older version loaded completely is loaded again, once, though the record is the same.

    Its chain has no form in its name; here it also lets everything in.
    """
    folder = Path('/var/lib/hanok/datapath')
    rules, saved = folder / 'ruleset.nft', folder / 'loaded'
    today = rules.read_text('utf-8')
    ((record, number),) = re.findall(r'chain rev_([0-9a-f]+)_[0-9]+_([0-9]+) ', today)
    older = re.sub(rf'rev_{record}_\d+_{number}', f'rev_{record}_{number}', today)
    rules.write_text(older.replace('chain to_bridge {', 'chain to_bridge {\n    accept'), 'utf-8')
    output_of('nft', '-f', str(rules))
    program = (
        'from ansible_collections.hanok.cloud.plugins.module_utils._local.network import loaded; '
        f'rules = open({str(rules)!r}).read(); '
        f'outside = loaded.parse(open({str(saved)!r}).read()).outside; '
        'print(loaded.SavedState(loaded.current(), loaded.digest(rules), outside).text())'
    )
    saved.write_text(output_of_collection(program) + '\n', 'ascii')
    assert OTHER_RULES in current_warnings()
    result = keep('server', name='ground')
    assert OTHER_RULES in result['msg']
    assert rules.read_text('utf-8') == today
    assert not current_warnings()


def call_network_hook() -> None:
    """Call the hook as libvirt does before it starts a network."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    xml = f"<hookData><network><bridge name='{bridge}'/></network></hookData>"
    subprocess.run([HOOK, bridge, 'start', 'begin', '-'], input=xml, text=True, check=True)


def test_network_hook_restores_missing_rules(server: dict[str, Any]) -> None:
    """The hook loads rules of which a part is missing, and does not reload complete ones.

    Reloaded rules have other handles.
    """
    output_of('nft', 'delete', 'table', 'bridge', 'hanok')
    call_network_hook()
    assert not current_warnings()
    before = output_of('nft', '--handle', 'list', 'ruleset')
    call_network_hook()
    assert output_of('nft', '--handle', 'list', 'ruleset') == before


def test_dynamic_sets_are_no_change(server: dict[str, Any]) -> None:
    """Elements of dynamic sets come and go: neither a task nor the hook takes them for damage."""
    path = Path('/var/lib/hanok/datapath/loaded')
    saved = path.read_text('ascii').split()
    output_of(
        'nft', 'add set inet hanok seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; }'
    )
    assert OTHER_RULES in current_warnings()
    program = (
        'from ansible_collections.hanok.cloud.plugins.module_utils._local.network import loaded; '
        'print(loaded.current().digest)'
    )
    saved[1] = output_of_collection(program)
    path.write_text(' '.join(saved) + '\n', 'ascii')
    assert not current_warnings()
    output_of(
        'nft',
        'add element inet hanok seen { 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5 }',
    )
    assert not current_warnings()
    call_network_hook()
    assert '192.0.2.5' in output_of('nft', 'list', 'set', 'inet', 'hanok', 'seen')
    output_of('nft', 'delete set inet hanok seen')
    assert OTHER_RULES in run('server', name='ground')['msg']


def test_default_route_changes_device(server: dict[str, Any]) -> None:
    """With the next task, the servers follow the default route of the host."""
    output_of('ip', 'link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan0peer')
    try:
        for words in (
            'address add 203.0.113.1/24 dev wan0',
            'link set wan0 up',
            'route add default via 203.0.113.9 dev wan0',
        ):
            output_of('ip', *words.split())
        assert (
            'the outside devices of the firewall are none, those of this host are wan0'
            in current_warnings()
        )
        assert 'are wan0' in keep('server', name='ground')['msg']
        assert '"wan0"' in output_of('nft', 'list', 'set', 'inet', 'hanok', 'outside')
    finally:
        output_of('ip', 'link', 'del', 'wan0')
    assert 'the outside devices of the firewall are wan0' in current_warnings()
    keep('server', name='ground')
    assert not current_warnings()


def test_saved_rules_are_damaged(server: dict[str, Any], ssh: Guest) -> None:
    """The file is rewritten before it is loaded, by the next boot or a network that starts."""
    rules = Path('/var/lib/hanok/datapath/ruleset.nft')
    good = rules.read_bytes()
    rules.write_bytes(good[:-9])
    assert 'the firewall rules saved for the next boot' in current_warnings()
    assert keep('server', name='ground')['changed']
    assert rules.read_bytes() == good
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    output_of('nft', 'flush', 'ruleset')
    output_of('ip', 'link', 'delete', bridge)
    rules.write_bytes(b'table inet hanok {\xff\n')
    assert 'network default is down' in keep('server', name='ground')['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    output_of('nft', 'flush', 'ruleset')
    rules.write_bytes(b'table inet hanok {\xff\n')
    keep('network', name='another')
    keep('network', name='another', state='absent')
    assert not current_warnings()


@pytest.mark.parametrize(
    'change', ['address flush dev {}', 'link set {} down', 'route flush dev {}']
)
def test_bridge_loses_its_address(server: dict[str, Any], ssh: Guest, change: str) -> None:
    """As by NetworkManager turned off and on: the next task restores address and route.

    The host answers DNS again.
    """
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    output_of('ip', *change.format(bridge).split())
    assert f'{bridge} of network default' in current_warnings()
    assert f'{bridge} of network default' in keep('server', name='ground')['msg']
    assert ssh(server['floating_ip'], 'nslookup ground | grep -c 192.168.0') != '0'


@pytest.fixture
def pools(server: dict[str, Any]) -> Iterator[Callable[..., None]]:
    """Write the pools of the host as the role does: the first one, and more.

    Two devices are uplinks to LANs.
    """
    path = Path('/etc/hanok/host.json')
    before = path.read_text('utf-8')

    def write(*more: dict[str, Any]) -> None:
        settings = json.loads(before)
        settings['floating_pools'] += more
        path.write_text(json.dumps(settings), 'utf-8')

    for device in ('lan0', 'lan1'):
        output_of('ip', 'link', 'add', device, 'type', 'bridge')
        output_of('ip', 'link', 'set', device, 'up')
    yield write
    path.write_text(before, 'utf-8')
    for device in ('lan0', 'lan1'):
        subprocess.run(['ip', 'link', 'delete', device], capture_output=True, check=False)
    run('server', name='ground')
    assert not current_warnings()


def proxied_addresses() -> list[str]:
    """The addresses for which the host answers ARP."""
    return sorted(
        ' '.join(line.split()[:3])
        for line in output_of('ip', 'neigh', 'show', 'proxy').splitlines()
    )


def test_uplink_loses_proxy_arp(pools: Callable[..., None]) -> None:
    """Proxy ARP on the uplink of a pool: deleted, uplink recreated, changed, and missing."""
    lan = {'name': 'lan', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'}
    pools(lan)
    keep('floating_ip', name='lan', address='203.0.113.3')
    assert proxied_addresses() == ['203.0.113.3 dev lan0']
    for breaks in (
        [['neigh', 'del', 'proxy', '203.0.113.3', 'dev', 'lan0']],
        [
            ['link', 'delete', 'lan0'],
            ['link', 'add', 'lan0', 'type', 'bridge'],
            ['link', 'set', 'lan0', 'up'],
        ],
    ):
        for words in breaks:
            output_of('ip', *words)
        assert 'lan0 does not answer ARP for the floating IPs 203.0.113.3' in current_warnings()
        assert 'lan0 does not answer' in keep('server', name='ground')['msg']
        assert proxied_addresses() == ['203.0.113.3 dev lan0']
    output_of('ip', 'neigh', 'add', 'proxy', '203.0.113.4', 'dev', 'lan0')
    output_of('ip', 'neigh', 'add', 'proxy', '192.0.2.9', 'dev', 'lan0')  # of another program
    assert 'lan0 answers ARP for 203.0.113.4' in current_warnings()
    pools({**lan, 'uplink': 'lan1'})
    assert 'lan1 does not answer' in keep('server', name='ground')['msg']
    assert proxied_addresses() == [
        '192.0.2.9 dev lan0',
        '203.0.113.3 dev lan1',
        '203.0.113.4 dev lan0',
    ]
    output_of('ip', 'link', 'delete', 'lan1')
    assert 'the uplink lan1 of the floating pool lan does not exist' in current_warnings()
    result = keep('floating_ip', name='lan', description='still here')
    assert 'the uplink lan1' in warnings_of(result)
    keep('floating_ip', name='lan', state='absent')
    output_of('ip', 'neigh', 'del', 'proxy', '203.0.113.4', 'dev', 'lan0')


def test_pool_in_use_is_removed(pools: Callable[..., None]) -> None:
    """The pool of an address in use: it is reported with the way out until it is deleted."""
    pools({'name': 'lan', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'})
    keep('lb', name='dead', listeners=[{'port': 80}], floating_ip='203.0.113.3')
    pools()
    message = 'floating IP 203.0.113.3 (lb dead): no longer in a pool of this host'
    assert message in current_warnings()
    result = run('server', name='ground')
    assert message in warnings_of(result)
    assert not proxied_addresses()
    assert 'overlaps the floating IP 203.0.113.3' in refused(
        'network', name='over', cidr='203.0.113.0/24'
    )
    pools({'name': 'renamed', 'addresses': ['203.0.113.0/28'], 'uplink': 'lan0'})
    keep('server', name='ground')
    assert proxied_addresses() == ['203.0.113.3 dev lan0']
    pools()
    keep('lb', name='dead', state='absent')
    keep('floating_ip', address='203.0.113.3', state='absent')
    assert message not in current_warnings()


def test_pool_overlaps_a_network(
    pools: Callable[..., None], ssh: Guest, server: dict[str, Any]
) -> None:
    """The network is unchanged; its addresses are not allocated, and the overlap is reported."""
    cidr = run('network_info', name='default')['networks'][0]['cidr']
    pools({'name': 'over', 'addresses': [cidr, '203.0.113.8/32']})
    assert f'addresses {cidr} of the floating pool over overlap a network' in current_warnings()
    assert keep('floating_ip', name='over', pool='over')['floating_ip']['address'] == '203.0.113.8'
    assert 'no address is free' in refused('floating_ip', name='more', pool='over')
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    keep('floating_ip', name='over', state='absent')


def test_boot_of_a_kernel_without_dummy_devices(server: dict[str, Any]) -> None:
    """The batch file restores the routes of pools, also where the kernel has no dummy devices."""
    batch = Path('/var/lib/hanok/datapath/ip.batch').read_text('ascii')
    output_of('ip', 'link', 'delete', 'hanok0')
    commands = batch.replace('type dummy', 'type unheard-of')
    subprocess.run(
        ['ip', '-force', '-batch', '-'],
        input=commands,
        text=True,
        capture_output=True,
        check=False,
    )
    assert '198.18.0.0/24' in output_of('ip', 'route', 'show', 'dev', 'hanok0')
    assert not current_warnings()


@pytest.fixture
def vpn(host: None) -> Iterator[None]:
    """The private ranges, and the internet in two halves, are routed to a device."""
    output_of('ip', 'link', 'add', 'vpn0', 'type', 'bridge')
    output_of('ip', 'link', 'set', 'vpn0', 'up')
    for cidr in (
        '0.0.0.0/1',
        '128.0.0.0/1',
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '10.66.0.0/24',
    ):
        output_of('ip', 'route', 'add', cidr, 'dev', 'vpn0')
    yield
    output_of('ip', 'link', 'delete', 'vpn0')


def test_network_beside_a_vpn(vpn: None) -> None:
    """It is created, as its route is more specific; what it hides is reported.

    An address that the host needs is skipped, or reported.
    """
    resolv = Path('/etc/resolv.conf')
    before = resolv.read_text('utf-8')
    resolv.write_text('nameserver 192.168.1.53\n', 'utf-8')
    try:
        chosen = run('network', name='beside', check=True)
        assert chosen['network']['cidr'] == '192.168.2.0/24'
        assert 'is a part of a route through vpn0 (192.168.0.0/16)' in warnings_of(chosen)
        covers = run('network', name='beside', cidr='192.168.1.0/24', check=True)
        assert '192.168.1.0/24 covers 192.168.1.53, a nameserver of this host' in warnings_of(
            covers
        )
    finally:
        resolv.write_text(before, 'utf-8')
    assert 'is already a route through vpn0 (10.66.0.0/24)' in refused(
        'network', name='beside', cidr='10.66.0.0/24'
    )
    assert 'is not private' in refused('network', name='beside', cidr='8.8.8.0/24')
    assert 'is a reserved range' in refused('network', name='beside', cidr='240.0.0.0/24')
    keep('network', name='beside', cidr='10.66.0.0/23')
    keep('network', name='beside', state='absent')


def test_large_network(host: None, root_image: str) -> None:
    """Larger than a DHCP range may be: an address outside of the range is assigned all the same."""
    keep('network', name='large', cidr='172.16.0.0/12')
    options = {
        'image': root_image,
        'flavor': 'g1.nano',
        'networks': [{'name': 'large', 'fixed_ip': '172.31.9.9'}],
    }
    created = keep('server', name='far', **options, wait_for='ip', wait_timeout=300)['server']
    assert created['fixed_ip'] == '172.31.9.9'
    keep('server', name='far', state='absent')
    keep('network', name='large', state='absent')


def test_bridge_is_deleted(server: dict[str, Any], ssh: Guest) -> None:
    """The network is restarted, and the running server on it is attached again."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    output_of('ip', 'link', 'delete', bridge)
    assert 'network default is down' in current_warnings()
    result = keep('network', name='default')
    assert 'network default is down' in result['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_dnsmasq_is_killed(server: dict[str, Any], ssh: Guest) -> None:
    """The next task restarts it: addresses and names are served again."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    os.kill(int(Path(f'/run/libvirt/network/{bridge}.pid').read_text('ascii')), signal.SIGKILL)
    eventually(lambda: 'network default has no running DHCP server' in current_warnings())
    result = keep('security_group', name='open')
    assert 'network default has no running DHCP server' in result['msg']
    assert ssh(server['floating_ip'], 'nslookup ground | grep -c 192.168.0') != '0'


def test_tap_is_detached(server: dict[str, Any], ssh: Guest) -> None:
    """The next task attaches it again."""
    device = output_of('virsh', 'domiflist', domain()).splitlines()[-1].split()[0]
    output_of('ip', 'link', 'set', device, 'nomaster')
    assert f'{device} is attached to no bridge' in current_warnings()
    assert (
        f'{device} is attached to no bridge'
        in keep('floating_ip', address=server['floating_ip'])['msg']
    )
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_domain_is_edited(server: dict[str, Any]) -> None:
    """The server is UNMANAGED, with the differences; only repair: true redefines its domain.

    The refusal touches nothing else.
    """
    output_of('virsh', 'setvcpus', domain(), '3', '--maximum', '--config')
    output_of('virsh', 'detach-disk', domain(), 'vdb', '--config')
    observed = info()
    assert observed['status'] == 'UNMANAGED'
    assert 'it can have 3 vCPUs in libvirt, recorded 1' in observed['status_reason']
    assert 'no longer has the disk' in observed['status_reason']
    before = inventory()
    message = refused('server', name='ground', description='x')
    assert 'repair: true' in message
    assert observed['status_reason'] in message
    assert inventory() == before
    keep('server', name='ground', repair=True)
    assert (info()['status'], info()['status_reason']) == ('ACTIVE', None)


def test_file_of_the_domain_is_damaged(server: dict[str, Any]) -> None:
    """Tasks read it; without it they ask libvirt."""
    path = Path(f'/etc/libvirt/qemu/{domain()}.xml')
    text = path.read_text('utf-8')
    path.write_text(text[: len(text) // 2], 'utf-8')
    assert info()['status'] == 'ACTIVE'
    path.unlink()
    assert info()['status'] == 'ACTIVE'
    path.write_text(text, 'utf-8')


def test_domain_is_undefined(server: dict[str, Any], ssh: Guest) -> None:
    """While it runs, and while it does not: repair restores it with disk, volume and address."""
    ssh(server['floating_ip'], 'echo kept > /root/kept; sync')
    output_of('virsh', 'undefine', domain())
    assert info()['status'] == 'UNMANAGED'
    keep('server', name='ground', repair=True)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    output_of('virsh', 'destroy', domain())
    output_of('virsh', 'undefine', domain())
    assert 'no longer defined in libvirt' in refused('server', name='ground', state='stopped')
    keep('server', name='ground', repair=True, wait_for='ssh', wait_timeout=300)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    assert info()['volumes'] == ['ground']


def test_qemu_is_killed(server: dict[str, Any], ssh: Guest) -> None:
    """The server is SHUTOFF; present leaves it so, started starts it."""
    pid = int(Path(f'/run/libvirt/qemu/{domain()}.pid').read_text('ascii'))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: info()['status'] == 'SHUTOFF')  # libvirt notices within a second or so
    assert not keep('server', name='ground')['changed']
    keep('server', name='ground', state='started', wait_for='ssh', wait_timeout=300)
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_server_is_paused(server: dict[str, Any], ssh: Guest) -> None:
    """The server is PAUSED, and cannot shut down; started resumes it."""
    output_of('virsh', 'suspend', domain())
    assert (info()['status'], info()['billable']) == ('PAUSED', True)
    assert not keep('server', name='ground')['changed']
    assert 'cannot shut down' in refused('server', name='ground', state='stopped')
    keep('server', name='ground', state='started')
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_paused_server_is_powered_off(no_guest: str) -> None:
    """Then it starts again."""
    keep('server', name='paused', image=no_guest, flavor='g1.nano')
    output_of('virsh', 'suspend', domain('paused'))
    keep('server', name='paused', state='stopped', force=True)
    started = keep('server', name='paused', state='started')['server']
    assert started['status'] == 'ACTIVE'
    keep('server', name='paused', state='absent')


def test_disk_is_deleted(host: None, image: str) -> None:
    """It is not recreated: the loss is reported, changes are refused, and it can be deleted."""
    before = inventory()
    keep('server', name='lost', image=image, flavor='g1.nano', state='stopped')
    keep('volume', name='lost', size=1, server='lost', state='attached')
    disk = Path('/var/lib/hanok/volumes') / (
        run('volume_info', name='lost')['volumes'][0]['id'] + '.qcow2'
    )
    disk.unlink()
    assert run('volume_info', name='lost')['volumes'][0]['status'] == 'error'
    assert 'its disk is missing' in refused('volume', name='lost', size=2)
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


def test_first_boot_disk_is_deleted(host: None, image: str) -> None:
    """It is recreated with its complete content only: of user data only a hash is stored."""
    before = inventory()
    user_data = '#!/bin/sh\n: said once\n'
    created = keep(
        'server', name='lost', image=image, flavor='g1.nano', state='stopped', user_data=user_data
    )['server']
    seed = Path('/var/lib/hanok/servers') / created['id'] / 'seed.iso'
    seed.unlink()
    assert (
        run('server_info', name='lost')['servers'][0]['status_reason']
        == 'its first-boot disk is missing'
    )
    assert 'set repair: true' in refused('server', name='lost')
    assert 'specify user_data again' in refused('server', name='lost', repair=True)
    keep('server', name='lost', repair=True, user_data=user_data)
    assert b'said once' in seed.read_bytes()
    with sqlite3.connect('/var/lib/hanok/hanok.db') as database:  # as older versions recorded it
        database.execute(
            "UPDATE server SET user_data = ? WHERE name = 'lost'",
            ('sha256:' + hashlib.sha256(user_data.encode()).hexdigest(),),
        )
    database.close()
    assert 're-create the server' in refused('server', name='lost', user_data=user_data + '\n')
    adopted = keep('server', name='lost', user_data=user_data)
    assert adopted['changed']
    assert 'keyed hash' in adopted['msg']
    assert 'sha256' not in str(adopted) + output_of(
        'virsh',
        'dumpxml',
        next(
            name
            for name in output_of('virsh', 'list', '--all', '--name').split()
            if name.endswith('-lost')
        ),
    )
    keep('server', name='lost', state='absent')
    assert inventory() == before


def pids_of(name: str) -> list[int]:
    """The processes of a program."""
    found = []
    for path in Path('/proc').glob('[0-9]*/comm'):
        with contextlib.suppress(OSError):  # the process has ended
            found += [int(path.parent.name)] if path.read_text('utf-8').strip() == name else []
    return found


def kill(name: str) -> None:
    """Kill all processes of a program; one of them may end with another one."""
    for pid in pids_of(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_serving(address: str) -> bool:
    """Check whether a load balancer answers."""
    return (
        subprocess.run(
            ['curl', '-s', '--max-time', '10', f'http://{address}/'],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def test_balancer_is_killed(server: dict[str, Any]) -> None:
    """HAProxy is restarted at once; a destroyed or undefined container, by the next task."""
    created = keep(
        'lb', name='level', listeners=[{'port': 80}], members=['ground'], floating_ip='auto'
    )['lb']
    kill('haproxy')
    eventually(lambda: is_serving(created['floating_ip']))
    assert not keep('lb', name='level')['changed']
    name = next(
        line
        for line in output_of('virsh', '-c', 'lxc:///system', 'list', '--name').split()
        if line.endswith('-level')
    )
    for change in ('destroy', 'undefine'):
        output_of('virsh', '-c', 'lxc:///system', 'destroy', name)
        if change == 'undefine':
            output_of('virsh', '-c', 'lxc:///system', 'undefine', name)
        assert run('lb_info', name='level')['lbs'][0]['status'] == 'ERROR'
        assert keep('lb', name='level')['changed']
        eventually(lambda: is_serving(created['floating_ip']))
    keep('lb', name='level', state='absent')


def test_libvirtd_is_killed(image: str, server: dict[str, Any], ssh: Guest) -> None:
    """In the middle of a task, which reports it; then the same task completes what it began.

    Guests keep running.
    """
    before = inventory()
    options = {
        'name': 'parallel',
        'count': 4,
        'image': image,
        'flavor': 'g1.nano',
        'state': 'stopped',
    }
    record = Path('/var/lib/hanok/hanok.json')
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start, 'server', **options)
        eventually(lambda: '"parallel-4"' in record.read_text('utf-8'))
        kill('libvirtd')
        process = running.result()
    result = json.loads(process.stdout)
    assert result['failed']
    assert 'libvirt' in result['msg']
    assert 'defect' not in result['msg']
    assert {'changed', 'diff', 'steps'} <= set(result)
    assert 'libvirt' in run('server_info')['msg']
    assert Play('hanok.cloud.host').changed > 0
    assert not run('server', **options).get('failed')
    keep('server', **options)
    assert ssh(server['floating_ip'], 'hostname') == 'ground'
    keep('server', name='parallel', state='absent')
    assert inventory() == before


def started_at(name: str) -> int:
    """When QEMU of a server was started, in ticks since the boot."""
    pid = next(Path('/run/libvirt/qemu').glob(f'hanok-*-{name}.pid')).read_text('ascii')
    return int(Path(f'/proc/{pid.strip()}/stat').read_text('utf-8').rpartition(')')[2].split()[19])


def lose_cgroup_of_machines() -> None:
    """With cgroup version 1 it is as the first machine finds it that is faster than libvirt."""
    machines = Path('/sys/fs/cgroup/cpuset/machine')
    if not machines.exists():
        return
    for folder, _folders, _files in os.walk(machines, topdown=False):
        Path(folder).rmdir()
    machines.mkdir()
    assert not (machines / 'cpuset.cpus').read_text('ascii').strip()


def test_host_is_rebooted(no_guest: str, server: dict[str, Any], ssh: Guest) -> None:
    """All processes and the state of the kernel are lost; what is recorded as started comes back.

    It is reachable as before, and its console log goes on. Servers are started in their order.
    """
    options = {'image': no_guest, 'flavor': 'g1.nano', 'state': 'started'}
    keep('server', name='later', start_order=20, start_delay=1, **options)
    keep('server', name='earlier', start_order=3, **options)
    ssh(server['floating_ip'], 'echo before the boot >/dev/ttyS0')
    eventually(lambda: 'before the boot' in run('server_log', name='ground')['log'])
    for name in ('libvirtd', 'qemu-system-x86', 'dnsmasq', 'virtlogd', 'libvirt_lxc'):
        kill(name)
    eventually(lambda: not pids_of('libvirtd') and not pids_of('qemu-system-x86'))
    for device in Path('/sys/class/net').iterdir():
        if device.name.startswith('hk') or device.name == 'hanok0':
            subprocess.run(['ip', 'link', 'delete', device.name], capture_output=True, check=False)
    output_of('nft', 'flush', 'ruleset')
    for folder in ('/run/libvirt', '/run/hanok'):
        shutil.rmtree(folder, ignore_errors=True)
    lose_cgroup_of_machines()
    assert Play('hanok.cloud.host').changed > 0
    assert started_at('earlier') < started_at('later') < started_at('ground')
    for name in ('earlier', 'later'):
        assert not keep('server', name=name, state='started')['changed']
        keep('server', name=name, state='absent')
    keep('server', name='ground', state='started', wait_for='ssh', wait_timeout=300)
    assert ssh(server['floating_ip'], 'cat /root/kept') == 'kept'
    assert info()['status'] == 'ACTIVE'
    ssh(server['floating_ip'], 'echo after the boot >/dev/ttyS0')
    eventually(lambda: 'after the boot' in run('server_log', name='ground')['log'])
    assert 'before the boot' in run('server_log', name='ground')['log']


def ended_at(name: str) -> str:
    """When the machine of a server was last off, as libvirt logs it."""
    (log,) = Path('/var/log/libvirt/qemu').glob(f'hanok-*-{name}.log')
    ends = [line for line in log.read_text('utf-8').splitlines() if 'shutting down' in line]
    return ends[-1].partition(': ')[0] if ends else ''


def test_servers_follow_their_host_in_order(no_guest: str) -> None:
    """They are shut down in the reverse of the order in which they are started.

    libvirtd is killed meanwhile, and a server that waits is deleted.
    """
    names = ('front', 'middle', 'base')  # neither the order of names nor that of their creation
    options = {'image': no_guest, 'flavor': 'g1.nano'}
    for order, name in ((0, 'front'), (4, 'base'), (5, 'middle')):
        delay = 20 if order == 4 else 0
        keep('server', name=name, start_order=order, start_delay=delay, **options)
    for name in names:
        eventually(lambda name=name: idle_machine.is_up(domain(name)))

    def status(name: str) -> object:
        return run('server_info', name=name)['servers'][0]['status']

    output_of('hanok-start', 'stop')
    eventually(lambda: status('base') == 'SHUTOFF')
    ends = [ended_at(name) for name in names]
    assert all(ends)
    assert ends == sorted(ends)
    with subprocess.Popen(['hanok-start', 'start']) as starting, contextlib.ExitStack() as end:
        end.callback(starting.kill)  # without libvirt it would wait for half an hour
        eventually(lambda: status('base') == 'ACTIVE')
        keep('server', name='middle', state='absent')
        kill('libvirtd')
        prepared.start_daemons('libvirtd')
        assert starting.wait(120) == 0
    assert started_at('base') < started_at('front')
    for name in names:
        keep('server', name=name, state='absent')


def test_disk_is_full(host: None, tiny: str) -> None:
    """While an image is created: it is reported; with more space the same task succeeds."""
    before, folder = inventory(), '/var/lib/hanok/images'
    os.makedirs(folder, exist_ok=True)
    output_of('mount', '-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', folder)
    try:
        failed = run('image', name='large', path=tiny)
        assert failed['failed']
        assert 'and 0 are available; no image was created' in failed['msg']
        shown = run('image_info', name='large')['images'][0]
        assert (shown['status'], shown['unfinished']) == ('error', 'creating')
        output_of('mount', '-o', 'remount,size=1G', folder)  # of which half a GiB stays free
        keep('image', name='large', path=tiny)
        keep('image', name='large', state='absent')
    finally:
        output_of('umount', folder)
    assert inventory() == before


def test_disk_of_the_record_is_full(
    host: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported, and not taken for damage; with more space the same task succeeds."""
    output_of('mount', '-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', str(tmp_path))
    try:
        monkeypatch.setenv('HANOK_STATE', str(tmp_path / 'state'))
        keep('flavor', name='first', vcpus=1, memory=64, disk=1)
        filler = tmp_path / 'filler'
        with filler.open('wb', buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b'0' * 4096):
                pass
        script = '#!/bin/sh\n' + 'true\n' * 2000
        for task in ({'name': 'second', 'content': script}, {'name': 'third', 'content': script}):
            result = run('init_script', **task)
            assert result['failed']
            assert 'is full' in result['msg'] or 'No space left' in result['msg'], result['msg']
            (error,) = result['errors']
            assert (error['code'], error['name']) == ('failed', task['name'])
            assert 'recover' not in result['msg']
        filler.unlink()
        keep('init_script', name='second', content=script)
        assert run('init_script_info')['init_scripts'][0]['name'] == 'second'
    finally:
        output_of('umount', str(tmp_path))


def test_disk_is_full_while_a_guest_writes(server: dict[str, Any], ssh: Guest) -> None:
    """The guest is paused, with the reason; with more space it resumes, and its write succeeds."""
    keep('server', name='ground', wait_for='ssh', wait_timeout=300)
    folder = '/var/lib/hanok/volumes'
    os.makedirs(folder, exist_ok=True)
    output_of('mount', '-t', 'tmpfs', '-o', 'size=4M,mode=711', 'tmpfs', folder)
    try:
        device = keep('volume', name='narrow', size=1, server='ground', state='attached')['volume'][
            'device'
        ]
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(
                ssh,
                server['floating_ip'],
                f'{SEEN.format(device)}; '
                f'dd if=/dev/urandom of={device} bs=1M count=12 2>/dev/null; sync; echo written',
            )
            eventually(lambda: info()['status'] == 'PAUSED')
            assert 'could not be written' in info()['status_reason']
            output_of('mount', '-o', 'remount,size=200M', folder)
            keep('server', name='ground', state='started')
            assert writing.result() == 'written'
        keep('volume', name='narrow', state='detached')
        keep('volume', name='narrow', state='absent')
    finally:
        output_of('umount', folder)
