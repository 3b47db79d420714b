# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ground moves: what others break on a host is told as it is, then mended in the plan of the next run, or refused with what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import inventory, keep, refused, run

Guest = Callable[[str, str], str]


def sh(*words: str) -> str:
    """A command of somebody who does not know of us."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """One server that runs, with a floating IP and a volume."""
    options = {'image': image, 'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open'], 'floating_ip': 'auto'}
    made = keep('server', name='ground', **options, wait_for='ssh', wait_timeout=120)['server']
    keep('volume', name='ground', size=1, server='ground', state='attached')
    yield made
    keep('server', name='ground', state='absent')
    keep('volume', name='ground', state='absent')


def domain() -> str:
    """The name of its machine."""
    return next(name for name in sh('virsh', 'list', '--all', '--name').split() if name.endswith('-ground'))


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what others do in their own time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, 'it did not come'
        time.sleep(0.1)


def told() -> dict[str, Any]:
    """What is told of it."""
    found: dict[str, Any] = run('server_info', name='ground')['servers'][0]
    return found


def test_rules_are_flushed(server: dict[str, Any], ssh: Guest) -> None:
    """Somebody's flush ruleset opens everything; the next task, whatever it is about, closes it again, and says so."""
    sh('nft', 'flush', 'ruleset')
    done = keep('server', name='ground')
    assert done['changed']
    assert 'the firewall rules are not those of the record' in done['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_a_bridge_is_removed(server: dict[str, Any], ssh: Guest) -> None:
    """The network is started anew, and the server that was on it is plugged in again, while it runs."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    sh('ip', 'link', 'delete', bridge)
    done = keep('network', name='default')
    assert 'network default is down' in done['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_dnsmasq_is_killed(server: dict[str, Any], ssh: Guest) -> None:
    """Addresses and names are given out again."""
    bridge = run('network_info', name='default')['networks'][0]['bridge']
    os.kill(int(Path(f'/run/libvirt/network/{bridge}.pid').read_text('ascii')), signal.SIGKILL)
    done = keep('security_group', name='open')
    assert 'network default gives out no addresses' in done['msg']
    assert ssh(server['floating_ip'], 'nslookup ground | grep -c 192.168.0') != '0'


def test_a_tap_is_unplugged(server: dict[str, Any], ssh: Guest) -> None:
    """It is plugged in again."""
    device = sh('virsh', 'domiflist', domain()).splitlines()[-1].split()[0]
    sh('ip', 'link', 'set', device, 'nomaster')
    assert f'{device} is plugged into no bridge' in keep('floating_ip', address=server['floating_ip'])['msg']
    assert ssh(server['floating_ip'], 'hostname') == 'ground'


def test_a_machine_is_edited(server: dict[str, Any]) -> None:
    """It is UNMANAGED, with the difference in words; only repair: true defines it again, and nothing else is touched by the refusal."""
    sh('virsh', 'setvcpus', domain(), '3', '--maximum', '--config')
    sh('virsh', 'detach-disk', domain(), 'vdb', '--config')
    seen = told()
    assert seen['status'] == 'UNMANAGED'
    assert 'it has 3 vCPUs in libvirt, recorded are 1' in seen['status_reason']
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
    assert 'hears nothing' in refused('server', name='ground', state='stopped')
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
    disk = Path('/var/lib/hanok/volumes') / (run('volume_info', name='lost')['volumes'][0]['id'] + '.qcow2')
    disk.unlink()
    assert run('volume_info', name='lost')['volumes'][0]['status'] == 'error'
    assert 'its disk is gone from the host' in refused('volume', name='lost', size=2)
    keep('volume', name='lost', state='detached')
    keep('volume', name='lost', state='absent')
    (Path('/var/lib/hanok/servers') / run('server_info', name='lost')['servers'][0]['id'] / 'root.qcow2').unlink()
    assert run('server_info', name='lost')['servers'][0]['status'] == 'UNMANAGED'
    assert 'its root disk is gone' in refused('server', name='lost', repair=True)
    keep('server', name='lost', state='absent')
    assert inventory() == before
