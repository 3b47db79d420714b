# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interfaces of servers on bridges of the host: in the record, and in the machine made of it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import (
    faults,
    interfaces,
    server_rows,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.address_owners import (
    address_owners,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.domain import interface_xml
from ansible_collections.hanok.cloud.plugins.module_utils._local.network import vlans
from ansible_collections.hanok.cloud.plugins.module_utils._local.record import metadata
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY, Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server

MAC = '52:54:00:aa:00:01'
FRONT = Nic('n', '10.0.0.5', '52:54:00:00:00:05')
NAMED, ANY = Nic('', '', MAC, None, (), 'br0'), Nic('', '', AFTER_APPLY, None, (), 'br1')
TAGGED = replace(ANY, mac='52:54:00:aa:00:20', vlan=20)
SERVER = Server('web', image='i', networks=(FRONT, NAMED, ANY))


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A record of a server with two interfaces on bridges."""
    opened = Record(str(tmp_path), 'me')
    opened.writer.open()
    plain = {'description': '', 'labels': '{}'}
    network = {'uuid': 'n', 'name': 'n', 'cidr': '10.0.0.0/24', 'gateway': '10.0.0.1'}
    with opened.writer.transaction():
        opened.writer.insert_row('image', {'uuid': 'i', 'name': 'i', 'source': 'path:/i', **plain})
        opened.writer.insert_row('network', {**network, **plain})
        server_rows.reserve(opened, (), SERVER)
    return opened


def interfaces_of(record: Record) -> list[tuple[str, str, str]]:
    """The tap device, the bridge and the MAC of each interface of the machine."""
    row = server_rows.complete_rows(record, None, ['web'])['web']
    return [(nic.device, nic.bridge, nic.mac) for nic in interfaces.interfaces_of(row)]


def reconnect(record: Record, *networks: Nic) -> None:
    """Give the server these connections."""
    change = Change('server', 'web', 'update', SERVER, replace(SERVER, networks=networks))
    with record.writer.transaction():
        row = record.find('server', 'web')
        assert row is not None
        server_rows.update(record, (), change, row)


def test_new_server(record: Record) -> None:
    """The taps are no ports of the firewall; a MAC is generated unless one is set."""
    front, named, other = interfaces_of(record)
    assert front == ('hkp1', 'hk1', FRONT.mac)
    assert named == ('hkt1', 'br0', MAC)
    assert other[:2] == ('hkt2', 'br1')
    assert re.fullmatch('52:54(:[0-9a-f]{2}){4}', other[2])
    wanted = [('bridge br0', MAC), ('bridge br1', MAC)]
    assert address_owners(record, wanted) == {wanted[0]: 'web'}


def test_other_connections(record: Record) -> None:
    """What stays keeps its tap; the same MAC on another bridge is another interface."""
    kept = interfaces_of(record)[2]
    moved = replace(NAMED, bridge='br1')
    reconnect(record, FRONT, replace(ANY, mac=kept[2]), moved)
    assert interfaces_of(record)[1:] == [kept, ('hkt3', 'br1', MAC)]
    reconnect(record, FRONT)
    assert [device for device, _bridge, _mac in interfaces_of(record)] == ['hkp1']


def test_vlans(record: Record) -> None:
    """The same MAC in another VLAN is another interface, whose device names it for the hook."""
    reconnect(record, FRONT, NAMED, TAGGED)
    tap = interfaces_of(record)[2][0]
    reconnect(record, FRONT, NAMED, TAGGED)
    assert interfaces_of(record)[2][0] == tap
    row = server_rows.complete_rows(record, None, ['web'])['web']
    (nic,) = [one for one in interfaces.interfaces_of(row) if one.vlan]
    assert f"<alias name='ua-{tap}-v20'/></interface>" in interface_xml(nic)
    assert "<link state='down'/>" in interface_xml(nic, 'down')
    wanted = [(TAGGED.place, TAGGED.mac), ('bridge br1', TAGGED.mac)]
    assert address_owners(record, wanted) == {wanted[0]: 'web'}
    reconnect(record, FRONT, replace(TAGGED, vlan=21), replace(TAGGED, vlan=None))
    assert tap not in [device for device, _bridge, _mac in interfaces_of(record)]
    definition = ET.fromstring(f'<domain><devices>{interface_xml(nic)}</devices></domain>')
    (port,) = [one for one in row['bridge_ports'] if one['vlan']]
    for vlan, count in ((20, 0), (21, 1), (0, 1)):
        there = {'ports': [], 'bridge_ports': [{**dict(port), 'vlan': vlan}]}
        assert len(faults.interface_faults(there, definition)) == count


@pytest.mark.parametrize(
    ('told', 'is_up', 'is_right'),
    [
        ([{'vlan': 20, 'flags': ['PVID', 'Egress Untagged']}], True, True),
        ([{'vlan': 20, 'flags': ['PVID', 'Egress Untagged']}], False, False),
        ([{'vlan': 20}], True, False),
        ([{'vlan': 1, 'flags': ['PVID', 'Egress Untagged']}, {'vlan': 20}], True, False),
        ([{'vlan': 1, 'vlanEnd': 20}], True, False),
        (None, True, False),
    ],
)
def test_astray(told: object, is_up: bool, is_right: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tap is in its VLAN only, as the one of what has no tag, and up."""
    monkeypatch.setattr(vlans, 'device_exists', {'hkt1', 'hkt2'}.__contains__)
    monkeypatch.setattr(vlans, 'separates_vlans', {'br0'}.__contains__)
    monkeypatch.setattr(vlans, 'is_up', lambda _tap: is_up)
    listed = [{'ifname': 'hkt1', 'vlans': told}] if told else []
    work = SimpleNamespace(run=lambda *_words: json.dumps(listed))
    wanted = {'hkt1': ('br0', 20), 'hkt2': ('plain', 20), 'hkt9': ('br0', 20)}
    assert vlans.astray(work, wanted) == ({} if is_right else {'hkt1': ('br0', 20)})


def test_same_mac_on_a_bridge(record: Record) -> None:
    """Another server cannot have it; this one leaves nothing when it is deleted."""
    other = replace(SERVER, name='other', networks=(Nic('n'), NAMED))

    def reserve() -> None:
        with record.writer.transaction():
            server_rows.reserve(record, (), other)

    with pytest.raises(CloudError, match=r'UNIQUE.* bridge_port.*run the task again'):
        reserve()
    with record.writer.transaction():
        server_rows.delete(record, [record.find('server', 'web') or 0])
    reserve()
    assert record.value('SELECT count(*) FROM bridge_port') == 1


def test_metadata(record: Record) -> None:
    """The machine says what the record is rebuilt from."""
    identity = record.value('SELECT uuid FROM server')
    told = json.loads(metadata.server_metadata(record, [identity])[identity])
    assert [(port['bridge'], port['server_id']) for port in told['bridge_ports']] == [
        ('br0', 1),
        ('br1', 1),
    ]


@pytest.mark.parametrize(
    ('old', 'new', 'problem'),
    [
        ('', '', []),
        (MAC, '52:54:00:aa:00:02', [MAC]),
        ("bridge='br0'", "bridge='br1'", [MAC]),
        ("dev='hkt1'", "dev='vnet7'", [MAC]),
    ],
)
def test_changed_by_hand(record: Record, old: str, new: str, problem: list[str]) -> None:
    """Another MAC, bridge or tap is told."""
    row = server_rows.complete_rows(record, None, ['web'])['web']
    devices = ''.join(map(interface_xml, interfaces.interfaces_of(row)))
    definition = ET.fromstring(f'<domain><devices>{devices.replace(old, new)}</devices></domain>')
    assert faults.interface_faults(row, definition) == [
        f'its machine no longer has the network interface {mac} on bridge br0' for mac in problem
    ]
