# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a record is rebuilt from what is left.

tests/integration/test_recover.py tests it on a real host.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.record_state import (
    RecordState,
    RecoverRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.recovery import (
    Remains,
    rebuild_rows,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.root_volume import root_columns
from ansible_collections.hanok.cloud.plugins.module_utils._plan.recover import ObservedRecord, plan

DEFAULT = {'id': 1, 'name': 'default', 'description': '', 'labels': '{}'}
SERVER = {
    'id': 7,
    'uuid': 's',
    'name': 'web',
    'key_name': 'mine',
    'image_id': 99,
    'task_state': None,
}
IMAGE = {'uuid': 'i', 'name': 'tiny', 'source': 'path:/tiny', 'description': '', 'labels': '{}'}
NETWORK = {'id': 3, 'uuid': 'n', 'name': 'back', 'cidr': '10.0.0.0/24', 'gateway': '10.0.0.1'}
PORT = {
    'port': {'id': 5, 'address': '10.0.0.2', 'server_id': 7, 'network_id': 3},
    'network': NETWORK,
    'groups': ['default', 'web'],
    'floating': {'address': '198.18.0.1', 'name': None},
}
METADATA: dict[str, Any] = {
    'server': SERVER,
    'image': IMAGE,
    'keypair': {'name': 'mine', 'public_key': 'k'},
    'ports': [PORT],
    'volumes': [],
}
ROOT = {**root_columns('web', 's', 7), 'id': 1, 'size': 4}
DISKS = {'server': {'s': 1}, 'image': {'i': 2**30}, 'volume': {}}


def test_nothing_left_is_an_empty_cloud() -> None:
    """With the one security group that every cloud has."""
    rows, lost = rebuild_rows(Remains())
    assert [row['name'] for row in rows['security_group']] == ['default']
    assert len(lost) == 1


def test_an_export_is_used_unchanged() -> None:
    """If everything in it exists, nothing is lost and nothing is added."""
    export = {
        'security_group': [DEFAULT],
        'server': [SERVER],
        'image': [{**IMAGE, 'id': 99}],
        'volume': [ROOT],
    }
    assert rebuild_rows(Remains(export, {'s': METADATA}, DISKS)) == (export, [])


def test_a_server_from_its_machine() -> None:
    """With its image, key pair, network, port, floating IP and groups, whose rules are lost."""
    rows, lost = rebuild_rows(Remains({'security_group': [DEFAULT]}, {'s': METADATA}, DISKS))
    assert (rows['server'][0]['image_id'], rows['image'][0]['size']) == (
        rows['image'][0]['id'],
        2**30,
    )
    assert (
        rows['port'][0]['server_id'],
        rows['port'][0]['network_id'],
        rows['floating_ip'][0]['port_id'],
    ) == (7, 3, 5)
    assert [row['name'] for row in rows['security_group']] == ['default', 'web']
    assert [row['group_id'] for row in rows['port_security_group']] == [1, 2]
    assert [row['name'] for row in rows['keypair']] == ['mine']
    assert lost == [
        'security_group web: its rules are unknown; it allows no ingress until its task runs'
    ]


def test_interfaces_on_bridges_from_a_machine() -> None:
    """Older metadata says nothing of any."""
    bridge_port = {'id': 2, 'server_id': 7, 'bridge': 'br0', 'mac': '52:54:00:00:00:0b'}
    machine = {**METADATA, 'bridge_ports': [bridge_port]}
    rows, _lost = rebuild_rows(Remains({}, {'s': machine}, DISKS))
    assert rows['bridge_port'] == [bridge_port]
    rows, _lost = rebuild_rows(Remains({}, {'s': METADATA}, DISKS))
    assert 'bridge_port' not in rows


def test_the_discs_of_a_server() -> None:
    """From its metadata, unless they are in the export; what they are is known."""
    discs = [{**IMAGE, 'uuid': uuid, 'name': uuid, 'disk_format': 'iso'} for uuid in ('d', 'e')]
    export = {'security_group': [DEFAULT], 'image': [{**discs[0], 'id': 4}]}
    disks = {**DISKS, 'image': {'i': 2**30, 'd': 1, 'e': 1}}
    rows, _lost = rebuild_rows(Remains(export, {'s': {**METADATA, 'cdroms': discs}}, disks))
    assert [row['name'] for row in rows['image']] == ['d', 'tiny', 'e']
    assert rows['image'][2]['disk_format'] == 'iso'


def test_unknown_images() -> None:
    """One that is an ISO image stays that."""
    rows, _lost = rebuild_rows(Remains(disks={'image': {'a': 1, 'b': 1}, 'iso': {'b': 1}}))
    assert [row['disk_format'] for row in rows['image']] == ['qcow2', 'iso']


def test_security_groups_keep_their_ids() -> None:
    """From the metadata of ports; an exported group keeps what its row says."""
    groups = [{'uuid': 'd', 'name': 'default'}, {'uuid': 'w', 'name': 'web'}]
    machine = {**METADATA, 'ports': [{**PORT, 'groups': groups}]}
    rows, _lost = rebuild_rows(Remains({}, {'s': machine}, DISKS))
    assert [(row['name'], row['uuid']) for row in rows['security_group']] == [
        ('default', 'd'),
        ('web', 'w'),
    ]
    exported = {'security_group': [{**DEFAULT, 'uuid': 'e'}]}
    rows, _lost = rebuild_rows(Remains(exported, {'s': machine}, DISKS))
    assert [row['uuid'] for row in rows['security_group']] == ['e', 'w']


def test_servers_of_two_projects() -> None:
    """Everything may have the same names; each belongs to the project of its server."""
    other = {
        **METADATA,
        'server': {**SERVER, 'id': 8, 'uuid': 't', 'project': 'other'},
        'image': {**IMAGE, 'uuid': 'j'},
        'ports': [
            {
                **PORT,
                'port': {**PORT['port'], 'id': 6, 'server_id': 8, 'project': 'other'},
                'network': {**NETWORK, 'id': 4, 'uuid': 'o', 'project': 'other'},
                'floating': {'address': '198.18.0.2', 'name': None, 'project': 'other'},
            }
        ],
        'volumes': [
            {'uuid': 'v', 'name': 'data', 'size': 1},
            {**root_columns('web', 't', 8), 'size': 3},
        ],
    }
    disks = {'server': {'s': 1, 't': 1}, 'image': {'i': 1, 'j': 1}, 'volume': {'v': 1}}
    rows, lost = rebuild_rows(Remains({}, {'s': METADATA, 't': other}, disks))
    for table in ('server', 'image', 'keypair', 'network', 'port', 'floating_ip'):
        assert [row.get('project', 'default') for row in rows[table]] == ['default', 'other'], table
    groups = {(row.get('project', 'default'), row['name']) for row in rows['security_group']}
    assert groups == {(one, name) for one in ('default', 'other') for name in ('default', 'web')}
    assert [(row['name'], row['project'], row['size']) for row in rows['volume']] == [
        ('data', 'other', 1),
        ('web/root', 'other', 3),
        ('web/root', 'default', 1),
    ]
    assert not [sentence for sentence in lost if 'two machines' in sentence]


@pytest.mark.parametrize('source', ['export', 'machine'])
def test_a_server_of_an_older_version(source: str) -> None:
    """Its root disk becomes a volume with the recorded size, or that of the disk."""
    server = {**SERVER, 'volume_size': 4, 'created_by': 'me', 'project': 'blue'}
    export = {'server': [server], 'image': [{**IMAGE, 'id': 99}]}
    remains = Remains(export if source == 'export' else {}, {'s': {**METADATA, 'server': server}})
    rows, _lost = rebuild_rows(remains)
    assert rows['volume'] == [{**ROOT, 'created_by': 'me', 'project': 'blue'}]
    assert 'volume_size' not in rows['server'][0]
    unknown = rebuild_rows(Remains({}, {'s': METADATA}, {'server': {'s': 2**31 + 1}}))[0]
    assert [row['size'] for row in unknown['volume']] == [3]


def test_a_server_with_several_keys() -> None:
    """Each of its key pairs is restored once, in order."""
    other = {'id': 8, 'uuid': 't', 'name': 'db', 'key_name': 'two'}
    pairs = [{'name': name, 'public_key': name} for name in ('one', 'two')]
    metadata = {**METADATA, 'more_keypairs': pairs}
    more = {
        **METADATA,
        'server': {**SERVER, **other},
        'keypair': pairs[1],
        'more_keypairs': pairs[:1],
        'ports': [],
    }
    rows, _lost = rebuild_rows(
        Remains({'security_group': [DEFAULT]}, {'s': metadata, 't': more}, DISKS)
    )
    names = {row['id']: row['name'] for row in rows['keypair']}
    assert list(names.values()) == ['mine', 'one', 'two']
    found = [
        (row['server_id'], names[row['keypair_id']], row['position'])
        for row in rows['server_keypair']
    ]
    assert found == [(7, 'one', 1), (7, 'two', 2), (8, 'one', 1)]


def test_a_load_balancer_from_its_container() -> None:
    """With its port and existing members; an unreferenced network from libvirt alone."""
    port = {
        **PORT,
        'port': {'id': 6, 'address': '10.0.0.9', 'balancer_id': 4, 'network_id': 3},
        'groups': [],
        'floating': None,
    }
    metadata = {
        'balancer': {'id': 4, 'uuid': 'b', 'name': 'front'},
        'ports': [port],
        'members': ['web', 'gone'],
    }
    networks = tuple(
        {'id': number, 'uuid': uuid, 'cidr': cidr, 'gateway': ''}
        for number, uuid, cidr in ((3, 'n', '10.0.0.0/24'), (8, 'o', '192.168.0.0/24'))
    )
    remains = Remains(
        {'security_group': [DEFAULT]},
        {'s': METADATA},
        DISKS,
        balancers={'b': metadata},
        networks=(*networks, {**networks[0], 'id': 9, 'uuid': '0123456789'}),
    )
    rows, lost = rebuild_rows(remains)
    assert [(row['balancer_id'], row['server_id']) for row in rows['balancer_member']] == [(4, 7)]
    assert [(row['id'], row.get('balancer_id')) for row in rows['port']] == [(5, None), (6, 4)]
    assert [(row['id'], row['name']) for row in rows['network']] == [
        (3, 'back'),
        (8, 'default'),
        (9, 'recovered-01234567'),
    ]
    assert lost[1:] == [
        'lb front: its member gone is unknown',
        'network recovered-01234567 (10.0.0.0/24): its name is unknown',
    ]


def test_losses_are_reported() -> None:
    """A second machine with the same name, a missing disk, unreferenced disks."""
    duplicate = {**METADATA, 'server': {**SERVER, 'id': 8, 'uuid': 't'}}
    disks = {'server': {'t': 1, 'u': 1}, 'image': {'i': 1}, 'volume': {'0123456789': 2**30 + 1}}
    rows, lost = rebuild_rows(
        Remains({'security_group': [DEFAULT]}, {'s': METADATA, 't': duplicate}, disks)
    )
    assert [(row['name'], row['size']) for row in rows['volume']] == [
        ('web/root', 1),
        ('recovered-01234567', 2),
    ]
    report = '\n'.join(lost)
    for loss in (
        'server web: two machines have this name; the one with the UUID t was ignored',
        'server web: its disk is missing',
        'volume recovered-01234567: its name is unknown',
        'servers/t contains a disk',
        'servers/u contains a disk',
    ):
        assert loss in report


def test_volumes_that_servers_read() -> None:
    """Each machine describes them; one that another machine writes to is not shared."""
    volume = {'uuid': 'v', 'name': 'data', 'size': 1}
    other = {**METADATA, 'server': {**SERVER, 'id': 8, 'uuid': 't', 'name': 'two'}, 'ports': []}
    disks = {'server': {'s': 1, 't': 1}, 'image': {'i': 1}, 'volume': {'v': 1}}
    read = {'read_volumes': [volume]}
    machines = {'s': {**METADATA, **read}, 't': {**other, **read}}
    rows, _lost = rebuild_rows(Remains({}, machines, disks))
    (data,) = [row for row in rows['volume'] if row['uuid'] == 'v']
    assert data.get('server_id') is None
    assert [(row['volume_id'], row['server_id']) for row in rows['volume_reader']] == [
        (data['id'], SERVER['id']),
        (data['id'], 8),
    ]
    machines = {'s': {**METADATA, 'volumes': [volume]}, 't': {**other, **read}}
    rows, _lost = rebuild_rows(Remains({}, machines, disks))
    assert 'volume_reader' not in rows


def test_volumes_for_containers() -> None:
    """One that nothing refers to is found by its file, and is no disk of virtual machines."""
    sizes = {'v': 2**30, 'w': 2**30}
    disks = {'volume': sizes, 'ext4': {'w': 2**30}}
    rows, _lost = rebuild_rows(Remains({'security_group': [DEFAULT]}, disks=disks))
    assert [row['file_system'] for row in rows['volume']] == ['', 'ext4']


def test_a_valid_record_is_not_rebuilt() -> None:
    """Only a lost one is rebuilt; what is lost with it is a warning."""
    assert plan(RecoverRequest(), ObservedRecord(RecordState(rows={'server': 1}))).changes == ()
    planned = plan(
        RecoverRequest(), ObservedRecord(RecordState(state='missing'), RecordState(lost=('a key',)))
    )
    assert [(change.verb, change.why) for change in planned.changes] == [
        ('create', 'it is missing')
    ]
    assert planned.notes == ('a key',)


def test_an_interrupted_rebuild_is_finished() -> None:
    """The record is not rebuilt again, and its losses are reported again."""
    current = RecordState(state='interrupted', rows={'server': 1}, lost=('a key',))
    planned = plan(RecoverRequest(), ObservedRecord(current))
    assert [(change.verb, change.before, change.after) for change in planned.changes] == [
        ('create', current, replace(current, state='whole'))
    ]
    assert planned.notes == ('a key',)
