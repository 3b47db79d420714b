# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is prepared for servers, on a real host: init scripts and ports."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from .conftest import inventory, keep, newest_image, refused, run

Guest = Callable[[str, str], str]
FAILS = '#!/bin/sh\necho before it fails\nno-such-command\nexit 3\n'


def test_init_script(root_image: str, key: str, open_group: str, ssh: Guest) -> None:
    """Kept by name, run once at first boot, updated for the next server.

    Its output and its failure can be read.
    """
    before = inventory()
    server = {
        'image': root_image,
        'flavor': 'g1.nano',
        'key_name': 'test',
        'security_groups': ['open'],
        'wait_timeout': 300,
    }
    script = keep(
        'init_script',
        name='setup',
        content='#!/bin/sh\necho first | tee /root/which\n',
        labels={'for': 'tests'},
    )['init_script']
    assert (script['language'], script['labels']) == ('shell', {'for': 'tests'})
    created = keep('server', name='scripted', init_script='setup', wait_for='init', **server)[
        'server'
    ]
    assert ssh(created['fixed_ip'], 'cat /root/which') == 'first'
    assert created['outdated'] == []
    keep('init_script', name='setup', content='#!/bin/sh\necho second > /root/which\n')
    result = run('server', name='scripted')
    assert result['server']['outdated'] == ['init_script']
    assert 'server scripted: created with an older version of init script setup' in str(
        result['warnings']
    )
    assert [result['outdated'] for result in run('server_info', name='scripted')['servers']] == [
        ['init_script']
    ]
    keep('server', name='scripted', state='stopped')
    keep(
        'server',
        name='scripted',
        state='started',
        init_script='setup',
        wait_for='init',
        wait_timeout=300,
    )
    assert ssh(created['fixed_ip'], 'cat /root/which') == 'first'
    assert [
        result['init'] for result in run('server_info', name='scripted', init=True)['servers']
    ] == [{'state': 'done', 'errors': [], 'output': 'first\n'}]
    assert run('init_script', name='other-name', content=FAILS)['changed']
    assert 'runs only at the first boot' in refused(
        'server', name='scripted', init_script='other-name'
    )
    failed = run('server', name='failing', init_script='other-name', wait_for='init', **server)
    assert failed['failed']
    assert 'server failing: its first boot failed' in failed['msg']
    assert 'before it fails' in failed['msg']
    assert 'no-such-command' in failed['msg']
    (result,) = run('server_info', name='failing', init=True)['servers']
    assert result['init']['state'] == 'failed'
    for name in ('scripted', 'failing'):
        keep('server', name=name, state='absent')
    for name in ('setup', 'other-name'):
        keep('init_script', name=name, state='absent')
    assert inventory() == before


def test_init_script_of_an_interrupted_server(image: str) -> None:
    """Interrupted before its seed is written, a server gets its script from the next run.

    The next run does not have to name the script, which stays in use until then.
    """
    before = inventory()
    keep('init_script', name='setup', content='#!/bin/sh\ntrue\n')
    options = {'name': 'cut', 'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    server = keep('server', **options, init_script='setup')['server']
    seed = Path('/var/lib/hanok/servers', server['id'], 'seed.iso')
    seed.unlink()
    with contextlib.closing(
        sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)
    ) as sql:  # as a killed run leaves it; tests/reliability kills a process
        sql.execute("UPDATE server SET task_state = 'creating' WHERE name = 'cut'")
    assert 'used by cut' in refused('init_script', name='setup', state='absent')
    assert keep('server', **options)['changed']
    assert seed.exists()
    keep('init_script', name='setup', state='absent')
    keep('server', name='cut', state='absent')
    assert inventory() == before


def test_image_of_an_interrupted_run(tiny: str) -> None:
    """Continued in another format, or deleted, it leaves nothing of what was there."""
    before = inventory()
    made = keep('image', name='cut', path=tiny)['image']
    disk = Path('/var/lib/hanok/images', f'{made["id"]}.qcow2')
    left = (Path(f'{disk}.import'), Path(f'{disk}.part'))
    root_tar = newest_image('tiny', 'tar')
    for options in ({'path': root_tar, 'disk_format': 'root-tar'}, {'state': 'absent'}):
        with contextlib.closing(
            sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)
        ) as sql:  # as a killed run leaves it
            sql.execute("UPDATE image SET task_state = 'creating' WHERE name = 'cut'")
        left[0].mkdir()
        (left[0] / 'source').write_bytes(b'part')
        left[1].write_bytes(b'part')
        keep('image', name='cut', **options)
        assert not [path for path in (disk, *left) if path.exists()]
    assert inventory() == before


def test_snapshot_of_an_interrupted_image(image: str, tiny: str) -> None:
    """Continued from another source, or deleted, it leaves none in the disk of its server."""
    before = inventory()
    server = keep('server', name='cut', image=image, flavor='g1.nano', state='stopped')['server']
    made = keep('image', name='cut', server='cut')['image']
    disk = f'/var/lib/hanok/servers/{server["id"]}/root.qcow2'
    shown = ['qemu-img', 'snapshot', '-l', disk]
    for options in ({'path': tiny}, {'state': 'absent'}):
        with contextlib.closing(
            sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)
        ) as sql:  # as a killed run leaves it
            sql.execute(
                "UPDATE image SET task_state = 'creating', source = 'server:cut' WHERE name = 'cut'"
            )
        words = ['qemu-img', 'snapshot', '-c', f'hanok-{made["id"]}', disk]
        subprocess.run(words, check=True)
        assert (
            made['id'] in subprocess.run(shown, capture_output=True, text=True, check=True).stdout
        )
        keep('image', name='cut', **options)
        assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout == ''
    keep('server', name='cut', state='absent')
    assert inventory() == before


def test_more_memory_than_the_host_has(image: str) -> None:
    """It is refused before anything is created, whether it is to run or not."""
    keep('flavor', name='too-large', vcpus=1, memory=4194304, disk=9)
    for state in ('started', 'stopped'):
        text = refused('server', name='cut', image=image, flavor='too-large', state=state)
        assert 'flavor too-large needs 4194304 MiB of memory; ' in text
        assert ' fits; delete or shelve servers, or raise host_ram_allocation_ratio' in text
    keep('flavor', name='too-large', state='absent')


def test_server_that_could_not_be_created(no_guest: str) -> None:
    """Its flavor is too large for the host: the next task changes it without allow_restart.

    It gets another disk and address, and stays a member of its balancer.
    """
    before = inventory()
    keep('flavor', name='too-large', vcpus=256, memory=128, disk=9)
    failed = run('server', name='cut', image=no_guest, flavor='too-large')
    assert failed['failed']
    assert 'Maximum CPUs' in failed['msg']
    (incomplete,) = run('server_info', name='cut')['servers']
    assert (incomplete['status'], incomplete['flavor'], incomplete['volume_size']) == (
        'ERROR',
        'too-large',
        9,
    )
    keep('network', name='back', cidr='10.77.0.0/24')
    keep('lb', name='entry', network='default', listeners=[{'port': 80}], members=['cut'])
    back = {'name': 'back', 'fixed_ip': '10.77.0.7'}
    options = {'name': 'cut', 'image': no_guest, 'flavor': 'g1.nano'}
    assert 'is a member of lb entry, in network default' in refused(
        'server', **options, networks=[back]
    )
    other = {'name': 'default', 'fixed_ip': '192.168.0.77'}
    created = keep('server', **options, networks=[back, other])['server']
    assert run('lb_info', name='entry')['lbs'][0]['members'] == ['cut']
    (configuration,) = Path('/var/lib/hanok/balancers').glob('*/haproxy.cfg')
    assert 'server cut 192.168.0.77:80' in configuration.read_text('utf-8')
    keep('lb', name='entry', state='absent')
    assert (created['status'], created['flavor'], created['fixed_ip']) == (
        'ACTIVE',
        'g1.nano',
        '10.77.0.7',
    )
    disk = subprocess.run(
        [
            'qemu-img',
            'info',
            '-U',
            '--output=json',
            f'/var/lib/hanok/servers/{created["id"]}/root.qcow2',
        ],
        check=True,
        capture_output=True,
    )
    assert json.loads(disk.stdout)['virtual-size'] == created['volume_size'] * 2**30 < 9 * 2**30
    assert not Path('/var/lib/hanok/servers', incomplete['id']).exists()
    keep('server', name='cut', state='absent')
    keep('network', name='back', state='absent')
    keep('flavor', name='too-large', state='absent')
    assert inventory() == before


def test_port(image: str, root_image: str, key: str, open_group: str, ssh: Guest) -> None:
    """Its address, MAC, groups and floating IP reach the server that has it, one after another.

    Another one with another MAC has the address afterwards, within the time of a lease. One is a
    container, which has no lease.
    """
    server = {
        'image': image,
        'flavor': 'g1.nano',
        'key_name': 'test',
        'security_groups': ['open'],
        'wait_for': 'ssh',
        'wait_timeout': 300,
    }
    door = keep('port', name='door', security_groups=['open'], mac='52:54:00:AB:CD:EF')['port']
    attached = keep('floating_ip', name='door', port='door', state='attached')
    floating = attached['floating_ip']['address']
    with_port = {**server, 'security_groups': None, 'networks': [{'port': 'door'}]}
    keep('server', name='one', **{**with_port, 'image': root_image})
    assert ssh(floating, 'cat /sys/class/net/eth0/address; hostname') == '52:54:00:ab:cd:ef\none'
    keep('server', name='one', state='absent')
    keep('server', name='two', **with_port)
    assert ssh(floating, 'hostname') == 'two'
    keep('server', name='two', state='absent')
    keep('floating_ip', name='door', state='absent')
    keep('port', name='door', state='absent')
    address = door['fixed_ip']
    networks = [{'name': 'default', 'fixed_ip': address}]
    latter = keep('server', name='latter', networks=networks, **server)['server']
    assert ssh(address, 'hostname') == 'latter'
    keep('server', name='latter', state='absent')
    mac = latter['networks'][0]['mac']
    keep('port', name='next', fixed_ip=address, mac=mac)
    with contextlib.closing(
        sqlite3.connect('/var/lib/hanok/hanok.db', isolation_level=None)
    ) as sql:  # as a run leaves it that is killed before it releases the lease
        sql.execute("UPDATE port SET mac = '52:54:00:ab:cd:01' WHERE name = 'next'")
    fault = f'has leased {address} to {mac}, which no longer has it'
    assert fault in str(run('port_info')['warnings'])
    assert fault in keep('port', name='next')['msg']
    keep('port', name='next', state='absent')


def test_network_without_free_addresses(image: str) -> None:
    """Nothing is created in it, also in check mode, and a port that is there stays as it is."""
    before = inventory()
    keep('network', name='full', cidr='10.77.0.0/29')
    ports = [f'full-{number}' for number in range(5)]
    for name in ports:
        run('port', name=name, network='full')
    keep('port', name=ports[0], network='full', labels={'a': 'b'})
    message = (
        'address; network full (10.77.0.0/29) has 5, 5 in use; '
        'delete servers, or use another network'
    )
    assert message in refused('port', name='one-more', network='full')
    server = {'image': image, 'flavor': 'g1.nano', 'networks': [{'name': 'full'}]}
    assert message in refused('server', name='one-more', **server)
    run('port', name=ports[0], state='absent')
    keep('port', name='one-more', network='full')
    for name in [*ports[1:], 'one-more']:
        run('port', name=name, state='absent')
    keep('network', name='full', state='absent')
    assert inventory() == before


def test_state_is_readable_by_root_only(image: str) -> None:
    """Data of guests, and state of runs, are readable by root (and a running QEMU) only."""
    keep('volume', name='private', size=1)
    keep('server', name='private', image=image, flavor='g1.nano', state='stopped')
    state = Path('/var/lib/hanok')
    modes = {path: path.stat().st_mode & 0o777 for path in state.rglob('*') if path.is_file()}
    assert {path.suffix for path in modes} >= {'.qcow2', '.iso', '.db', '.json'}
    assert modes.pop(state / 'hanok.json') == 0o640  # its group: see test_looking.py
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    keep('server', name='private', state='absent')
    keep('volume', name='private', state='absent')
