# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of a flavor on servers that run, as libvirt and QEMU have them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.host import traffic_control
from ansible_collections.hanok.cloud.tests.reliability.invariants import output_of

from .conftest import keep, refused, run, volume_types

SIZE = {'vcpus': 1, 'memory': 128, 'disk': 1}


@pytest.fixture(scope='module')
def servers(no_guest: str) -> Iterator[None]:
    """A server that runs, with a volume, and one that is off, both of a flavor without limits."""
    keep('flavor', name='slow', **SIZE)
    keep('server', name='slow', image=no_guest, flavor='slow')
    keep('server', name='off', image=no_guest, flavor='slow', state='stopped')
    keep('volume', name='prop', size=1, server='slow', state='attached')
    yield
    for name in ('slow', 'off'):
        keep('server', name=name, state='absent')
    for name in ('prop', 'more'):
        keep('volume', name=name, state='absent')
    keep('flavor', name='slow', state='absent')


def domain(name: str) -> str:
    """The machine of a server."""
    machines = output_of('virsh', 'list', '--all', '--name').split()
    (found,) = (machine for machine in machines if machine.endswith(f'-{name}'))
    return found


def tunes(name: str, *options: str) -> list[dict[str, str | None]]:
    """The limits of the disks of a machine that runs, or (--inactive) of what libvirt keeps."""
    machine = ET.fromstring(output_of('virsh', 'dumpxml', *options, domain(name)))
    disks = machine.findall("devices/disk[@device='disk']")
    return [{one.tag: one.text for one in disk.findall('iotune/*')} for disk in disks]


def throttles(name: str) -> list[tuple[int, int, int]]:
    """What QEMU itself limits the writable disks of a machine to."""
    answer = output_of('virsh', 'qemu-monitor-command', domain(name), '{"execute": "query-block"}')
    found: list[dict[str, Any]] = [one['inserted'] for one in json.loads(answer)['return']]
    return [(one['bps_rd'], one['bps_wr'], one['iops']) for one in found if not one['ro']]


def status(name: str) -> tuple[str, str]:
    """The status of a server, and its reason."""
    found = run('server_info', name=name)['servers'][0]
    return found['status'], found['status_reason'] or ''


def test_limits_change_while_servers_run(servers: None) -> None:
    """Of all disks, in libvirt and QEMU, also of servers that are off; and they go again."""
    keep('flavor', name='slow', limits={'disk_read_mib': 20, 'disk_write_mib': 5, 'disk_iops': 500})
    expected = {'read_bytes_sec': '20971520', 'write_bytes_sec': '5242880', 'total_iops_sec': '500'}
    assert tunes('slow') == tunes('slow', '--inactive') == [expected, expected]
    assert throttles('slow') == [(20971520, 5242880, 500)] * 2
    assert tunes('off', '--inactive') == [expected]
    assert (status('slow')[0], status('off')[0]) == ('ACTIVE', 'SHUTOFF')
    keep('flavor', name='slow', limits={'disk_iops': 700})
    assert throttles('slow') == [(0, 0, 700)] * 2
    keep('flavor', name='slow', limits={})
    assert throttles('slow') == [(0, 0, 0)] * 2
    assert tunes('slow') == tunes('slow', '--inactive') == [{}, {}]
    assert tunes('off', '--inactive') == [{}]


def test_what_comes_later_is_limited(servers: None) -> None:
    """A volume that is attached, a server that is started, and one that gets the flavor."""
    keep('flavor', name='slow', limits={'disk_iops': 300})
    keep('volume', name='more', size=1, server='slow', state='attached')
    assert throttles('slow') == [(0, 0, 300)] * 3
    keep('flavor', name='slower', **SIZE, limits={'disk_iops': 100})
    keep('server', name='off', flavor='slower')
    assert tunes('off', '--inactive') == [{'total_iops_sec': '100'}]
    keep('server', name='off', flavor='slow')
    keep('flavor', name='slower', state='absent')
    keep('server', name='off', state='started')
    assert throttles('off') == [(0, 0, 300)]


def test_limits_that_someone_altered(servers: None) -> None:
    """The server is UNMANAGED, with what differs; repair makes it as recorded."""
    keep('flavor', name='slow', limits={})
    output_of('virsh', 'blkdeviotune', domain('slow'), 'vdb', '--total-iops-sec', '9', '--config')
    differing = 'its disk vdb has total_iops_sec 9 in libvirt, recorded unlimited'
    assert status('slow') == ('UNMANAGED', differing)
    keep('server', name='slow', repair=True)
    assert status('slow') == ('ACTIVE', '')
    assert tunes('slow', '--inactive') == [{}, {}, {}]


def test_limits_of_a_volume_type(servers: None) -> None:
    """The smaller one applies: when it is attached, when the settings or its type change."""
    folder = Path('/run/limited')
    folder.mkdir()
    keep('flavor', name='slow', limits={'disk_iops': 300})
    at = {'path': str(folder)}
    typed = {'name': 'typed', 'size': 1, 'volume_type': 'fast'}
    with volume_types(fast={**at, 'limits': {'disk_iops': 200, 'disk_read_mib': 1}}):
        made = keep('volume', **typed, server='slow', state='attached')['volume']
        assert made['limits'] == {'disk_iops': 200, 'disk_read_mib': 1}
        assert throttles('slow')[-1] == (2**20, 0, 200)
        assert throttles('slow')[:-1] == [(0, 0, 300)] * 3
        assert tunes('slow', '--inactive') == tunes('slow')
        assert status('slow') == ('ACTIVE', '')
        assert not run('server', name='slow')['changed']
    with volume_types(fast={**at, 'limits': {'disk_iops': 400, 'disk_write_mib': 2}}):
        assert status('slow') == ('ACTIVE', '')
        planned = run('server', check=True, name='slow')
        assert throttles('slow')[-1] == (2**20, 0, 200)
        done = keep('server', name='slow')
        assert done['diff'] == planned['diff']
        assert 'the limits of volumes are not those of their types' in planned['msg']
        assert throttles('slow')[-1] == (0, 2**21, 300)
        assert tunes('slow', '--inactive') == tunes('slow')
        keep('volume', name='typed', volume_type='default')
        assert throttles('slow')[-1] == (0, 0, 300)
        keep('volume', name='typed', volume_type='fast')
        assert throttles('slow')[-1] == (0, 2**21, 300)
        assert tunes('slow', '--inactive') == tunes('slow')
        change = ('virsh', 'blkdeviotune', domain('slow'), 'vdd', '--total-iops-sec', '9')
        output_of(*change, '--config')
        differing = 'its disk vdd has total_iops_sec 9 in libvirt, recorded 300'
        assert status('slow')[0] == 'UNMANAGED'
        assert differing in status('slow')[1]
        keep('server', name='slow', repair=True)
        assert status('slow') == ('ACTIVE', '')
    with volume_types(fast=at):
        keep('server', name='slow')
        assert throttles('slow')[-1] == (0, 0, 300)
        keep('volume', name='typed', state='detached')
        keep('volume', name='typed', state='absent')
        assert not run('server', name='slow')['changed']
    folder.rmdir()


def test_bandwidth(servers: None) -> None:
    """It is limited if the kernel can do that; else it is refused before anything is changed."""
    limits = {'network_in_mbit': 8, 'network_out_mbit': 16}
    if traffic_control.problem():
        text = refused('flavor', name='slow', limits=limits)
        assert 'limits: the kernel of this host cannot limit bandwidth (' in text
        assert 'sch_htb' in text
        return
    keep('flavor', name='slow', limits=limits)
    for options in ((), ('--inactive',)):
        machine = ET.fromstring(output_of('virsh', 'dumpxml', *options, domain('slow')))
        found = machine.findall('devices/interface/bandwidth/*')
        assert {one.tag: one.get('average') for one in found} == {
            'inbound': '1000',
            'outbound': '2000',
        }
    keep('flavor', name='slow', limits={})
    machine = ET.fromstring(output_of('virsh', 'dumpxml', domain('slow')))
    assert machine.find('devices/interface/bandwidth') is None
