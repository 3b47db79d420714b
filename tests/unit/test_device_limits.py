# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of a flavor in the definition of a machine, and how that may differ from them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, cast

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.device_limits import (
    limit_faults,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.domain import (
    Interface,
    Machine,
    xml,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.machine_limits import (
    limited,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.pools import Disk
from ansible_collections.hanok.cloud.plugins.module_utils._model.flavor_limits import LIMITS

MACHINE = Machine(
    name='hanok-1-web',
    uuid='6a0a1b3c-0000-4000-8000-000000000001',
    memory=512,
    vcpus=1,
    max_memory=512,
    max_vcpus=1,
    folder='/srv/servers/1',
    interfaces=(Interface('hkp1', '52:54:00:00:00:01', 'hk1'),),
    disks=(Disk('/srv/servers/1/root.qcow2', 'root'), Disk('/srv/volumes/v.qcow2', 'v')),
)
NONE: Mapping[str, Mapping[str, int]] = {}
ALL = {
    'disk_read_mib': 20,
    'disk_write_mib': 5,
    'disk_iops': 500,
    'network_in_mbit': 8,
    'network_out_mbit': 100,
}


def faults(
    text: str,
    limits: str | None = '{}',
    of_volumes: Mapping[str, Mapping[str, int] | None] | None = None,
    **values: Any,
) -> list[str]:
    """How a definition differs from limits."""
    row = {'flavor': 'own', 'flavor_task_state': None, 'limits': limits, **values}
    return limit_faults(cast('Any', row), ET.fromstring(text), of_volumes or NONE)


def test_each_disk_and_interface_is_limited() -> None:
    """The units are those of libvirt; the CD is no disk."""
    assert set(ALL) == set(LIMITS)
    root = ET.fromstring(limited(xml(MACHINE), ALL, NONE))
    disks = root.findall("devices/disk[@device='disk']")
    assert len(disks) == 2
    for disk in disks:
        values = {element.tag: element.text for element in disk.findall('iotune/*')}
        assert values == {
            'read_bytes_sec': '20971520',
            'write_bytes_sec': '5242880',
            'total_iops_sec': '500',
        }
    assert root.find("devices/disk[@device='cdrom']/iotune") is None
    values = {one.tag: one.get('average') for one in root.findall('devices/interface/bandwidth/*')}
    assert values == {'inbound': '1000', 'outbound': '12500'}


def test_machine_without_limits() -> None:
    """It is as it was."""
    assert limited(xml(MACHINE), {}, NONE) == xml(MACHINE)


def test_faults() -> None:
    """Each device that differs, in the words of libvirt."""
    machine = limited(xml(MACHINE), {'disk_iops': 500, 'network_in_mbit': 8}, NONE)
    assert faults(machine, '{"disk_iops": 500, "network_in_mbit": 8}') == []
    assert faults(machine, '{"disk_iops": 500}') == [
        'its interface 52:54:00:00:00:01 has inbound 1000 in libvirt, recorded unlimited'
    ]
    assert faults(machine, '{"disk_read_mib": 1, "disk_iops": 500, "network_in_mbit": 8}') == [
        'its disk vda has read_bytes_sec unlimited in libvirt, recorded 1048576',
        'its disk vdb has read_bytes_sec unlimited in libvirt, recorded 1048576',
    ]


def test_what_limits_there_are_may_be_unknown() -> None:
    """While a flavor is updated, and if it was lost with the record. Others have none."""
    machine = limited(xml(MACHINE), {'disk_iops': 500}, NONE)
    assert faults(machine, flavor_task_state='updating') == []
    assert faults(machine, None) == []
    assert len(faults(machine, None, flavor=None)) == 2
    assert len(faults(machine, None, flavor='g1.nano')) == 2


def test_limits_of_a_volume() -> None:
    """The smaller one of each limit, on its disk only."""
    own = {'v': {'disk_iops': 300, 'disk_read_mib': 1}}
    flavor = {'disk_iops': 500, 'disk_write_mib': 2}
    machine = limited(xml(MACHINE), flavor, own)
    root, volume = ET.fromstring(machine).findall("devices/disk[@device='disk']")
    assert {one.tag: one.text for one in root.findall('iotune/*')} == {
        'write_bytes_sec': '2097152',
        'total_iops_sec': '500',
    }
    assert {one.tag: one.text for one in volume.findall('iotune/*')} == {
        'read_bytes_sec': '1048576',
        'write_bytes_sec': '2097152',
        'total_iops_sec': '300',
    }
    recorded = '{"disk_iops": 500, "disk_write_mib": 2}'
    assert faults(machine, recorded, own) == []
    assert faults(machine, recorded, {'v': {'disk_iops': 900}}) == [
        'its disk vdb has read_bytes_sec 1048576 in libvirt, recorded unlimited',
        'its disk vdb has total_iops_sec 300 in libvirt, recorded 500',
    ]
    assert faults(machine, recorded, {'v': None}) == []
