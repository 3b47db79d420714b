# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers of Nova: their states, what is read from them, what is requested."""

from __future__ import annotations

from base64 import b64decode
from gzip import decompress
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Refused
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Nic, Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import UserDataHash
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.hashes import hash_of
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.marks import (
    from_metadata,
    to_metadata,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.compute.first_boot_content import (  # noqa: E501
    MAX_ENCODED,
    encoded,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.compute.server_bodies import (
    Content,
    References,
    creation_body,
    port_body,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.compute.server_lists import (
    refuse_doubles,
    without_our_doubles,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.compute.server_status import (
    state_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.compute.server_translation import (  # noqa: E501
    Around,
    server_of,
)

Raw = dict[str, Any]
MAC, OTHER_MAC, THIRD_MAC = 'fa:16:3e:00:00:01', 'fa:16:3e:00:00:02', 'fa:16:3e:00:00:03'
IDS = References('f-1', 1, 'i-1', ('n-1', 'n-2'), ('g-1',), {})


def address(text: str, mac: str, kind: str = 'fixed', version: int = 4) -> Raw:
    """An address as Nova tells it."""
    return {
        'version': version,
        'addr': text,
        'OS-EXT-IPS:type': kind,
        'OS-EXT-IPS-MAC:mac_addr': mac,
    }


def nova_server(**values: Any) -> Raw:
    """A server as Nova 2.83 lists it, as far as it is read."""
    return {
        'id': 's-1',
        'name': 'one',
        'status': 'ACTIVE',
        'OS-EXT-STS:vm_state': 'active',
        'OS-EXT-STS:task_state': None,
        'OS-SRV-USG:launched_at': '2026-11-26T14:37:49.000000',
        'metadata': {},
        'flavor': {'original_name': 'm1.nano', 'vcpus': 1, 'ram': 128, 'disk': 1},
        'image': {'id': 'i-1'},
        'key_name': None,
        'description': None,
        'security_groups': [{'name': 'default'}],
        'addresses': {'lan': [address('10.0.0.5', MAC)]},
        'os-extended-volumes:volumes_attached': [],
        'created': '2026-11-26T14:37:47Z',
        **values,
    }


def port(mac: str, **values: Any) -> Raw:
    """A port as Neutron lists it, as far as it is read."""
    return {'id': f'p-{mac[-1]}', 'mac_address': mac, 'name': '', 'security_groups': [], **values}


def translated(raw: Raw, *ports: Raw, **around: Any) -> Server:
    """A server of the model."""
    empty: dict[str, Any] = {'floating': {}, 'groups': {}, 'images': {}, 'volumes': {}}
    return server_of(raw, Around(ports={'s-1': ports}, **{**empty, **around}))


def marked(server: Server, **values: Any) -> Raw:
    """What Nova lists of a server that was requested."""
    body = creation_body(server, IDS, 'me', 't-1', Content())
    return nova_server(metadata=body['metadata'], **values)


@pytest.mark.parametrize(
    ('vm_state', 'task', 'expected'),
    [
        ('active', None, (Status.ACTIVE, 'started', None)),
        ('building', None, (Status.BUILD, 'started', TaskState.CREATING)),
        ('building', 'spawning', (Status.BUILD, 'started', TaskState.SPAWNING)),
        ('stopped', 'powering-on', (Status.SHUTOFF, 'started', TaskState.POWERING_ON)),
        ('active', 'powering-off', (Status.ACTIVE, 'stopped', TaskState.POWERING_OFF)),
        ('active', 'rebooting_hard', (Status.ACTIVE, 'started', TaskState.REBOOTING_HARD)),
        ('active', 'migrating', (Status.ACTIVE, 'started', TaskState.UPDATING)),
        ('stopped', 'rebuilding', (Status.SHUTOFF, 'stopped', TaskState.REBUILDING)),
        ('active', 'image_uploading', (Status.ACTIVE, 'started', TaskState.UPLOADING)),
        ('active', 'soft-deleting', (Status.ACTIVE, 'started', TaskState.DELETING)),
        ('paused', 'unpausing', (Status.PAUSED, 'started', TaskState.RESUMING)),
        ('active', 'pausing', (Status.ACTIVE, 'paused', TaskState.PAUSING)),
        ('resized', None, (Status.VERIFY_RESIZE, 'started', None)),
        ('shelved_offloaded', None, (Status.SHELVED_OFFLOADED, 'stopped', None)),
        ('error', None, (Status.ERROR, 'started', None)),
        ('something new', 'never heard of', (Status.ERROR, 'started', TaskState.UPDATING)),
    ],
)
def test_states(vm_state: str, task: str | None, expected: Any) -> None:
    """Each state of Nova has a status, the power after the task, and a task state."""
    raw = {'OS-EXT-STS:vm_state': vm_state, 'OS-EXT-STS:task_state': task}
    assert state_of(raw) == expected


@pytest.mark.parametrize(('number', 'power'), [(1, 'started'), (4, 'stopped'), (0, 'started')])
def test_power_of_a_resized_server(number: int, power: str) -> None:
    """It is what it was before: a confirmation or a return changes the flavor only."""
    states = {'OS-EXT-STS:vm_state': 'resized', 'OS-EXT-STS:power_state': number}
    assert state_of(nova_server(**states)).power == power


def test_what_was_requested_is_read() -> None:
    """A server is read as it was requested, before Nova has built it and afterwards."""
    nics = (Nic('lan', fixed_ip='10.0.0.5'), Nic('dmz', mac=OTHER_MAC, security_groups=('own',)))
    server = Server(
        'one',
        image='Ubuntu 24.04 LTS',
        flavor='m1.nano',
        volume_size=1,
        user_data=UserDataHash('hmac-sha256:x:y'),
        init_script='motd',
        networks=nics,
        labels={'a/b': 'c'},
        member_of='group',
        delete_protection=True,
    )
    options = ('image', 'user_data', 'init_script', 'labels', 'member_of', 'delete_protection')
    building = {'vm_state': 'building', 'task_state': 'scheduling'}
    states = {f'OS-EXT-STS:{key}': value for key, value in building.items()}
    begun = translated(marked(server, addresses={}, security_groups=[], **states))
    assert begun.networks[0] == nics[0]
    assert (begun.status, begun.task_state, begun.unfinished) == ('BUILD', 'scheduling', None)
    addresses = {
        'dmz': [address('10.1.0.5', OTHER_MAC)],
        'lan': [address('10.0.0.5', MAC), address('fd00::5', MAC, version=6)],
    }
    ports = (port(MAC, security_groups=['g-1']), port(OTHER_MAC, security_groups=['g-2']))
    built = translated(
        marked(server, addresses=addresses),
        *ports,
        groups={'g-1': 'default', 'g-2': 'own'},
        floating={'p-1': '172.24.4.9'},
    )
    assert built.networks == (
        Nic('lan', '10.0.0.5', MAC),
        Nic('dmz', '10.1.0.5', OTHER_MAC, None, ('own',)),
    )
    assert (built.security_groups, built.floating_ip) == (('default',), '172.24.4.9')
    for found in (begun, built):
        assert all(getattr(found, one) == getattr(server, one) for one in options)
        assert found.created_by == 'me'


def test_foreign_server() -> None:
    """One that others created has the names of what it refers to, and no marks."""
    raw = nova_server(metadata={'owner': 'they'})
    found = translated(raw, port(MAC), images={'i-1': {'name': 'ubuntu', 'os_admin_user': 'kim'}})
    assert (found.image, found.labels, found.created_by) == ('ubuntu', {'owner': 'they'}, '')
    assert found.os_admin_user == 'kim'
    assert (found.volume_size, found.disk_of_flavor) == (1, True)
    assert found.networks == (Nic('lan', '10.0.0.5', MAC),)


def test_root_volume() -> None:
    """A server that boots from a volume has its size, and does not list it."""
    volumes = {
        'v-1': {
            'id': 'v-1',
            'name': '',
            'size': 7,
            'bootable': 'true',
            'attachments': [{'device': '/dev/vda'}],
            'volume_image_metadata': {'image_name': 'ubuntu'},
        },
        'v-2': {'id': 'v-2', 'name': 'data', 'size': 1, 'bootable': 'false', 'attachments': []},
    }
    attached = [{'id': 'v-2'}, {'id': 'v-1'}]
    raw = nova_server(image='', **{'os-extended-volumes:volumes_attached': attached})
    found = translated(raw, port(MAC), volumes=volumes)
    assert (found.volume_size, found.volumes, found.image) == (7, ('data',), 'ubuntu')
    assert not found.disk_of_flavor


def test_creation_is_unfinished() -> None:
    """Until its floating IP and its stop are done; one that never ran is created anew."""
    wanted = Server('one', power='stopped', floating_ip=AFTER_APPLY, networks=(Nic('lan'),))
    found = translated(marked(wanted), port(MAC))
    assert (found.unfinished, found.launched) == (TaskState.CREATING, True)
    assert found.completed().status == Status.SHUTOFF
    assert found.floating_ip == AFTER_APPLY
    values = {'OS-EXT-STS:vm_state': 'error', 'OS-SRV-USG:launched_at': None}
    failed = marked(wanted, fault={'message': 'No valid host'}, addresses={}, **values)
    found = translated(failed)
    assert (found.status, found.unfinished) == (Status.ERROR, TaskState.CREATING)
    assert (found.launched, found.seeded, found.faults) == (False, False, ('No valid host',))
    assert found.completed().faults == ()
    foreign = translated({**failed, 'metadata': {}})
    assert (foreign.unfinished, foreign.launched) == (None, True)


def test_own_resize_is_unfinished() -> None:
    """A resize of ours is completed by the next task; that of others is theirs to confirm."""
    raw = nova_server(**{'OS-EXT-STS:vm_state': 'resized'})
    theirs = translated(raw)
    assert (theirs.status, theirs.unfinished) == (Status.VERIFY_RESIZE, None)
    ours = translated({**raw, 'metadata': {'hanok:resizing': 'm1.nano'}})
    assert ours.unfinished == TaskState.UPDATING
    assert ours.settled_status == Status.ACTIVE


def test_creation_body() -> None:
    """Nova boots from the image, or from a volume where the disk of the flavor does not fit."""
    server = Server('one', volume_size=1, key_names=('key',), networks=(Nic('lan'),))
    body = creation_body(server, IDS, 'me', 't-1', Content('aGk='))
    assert body['imageRef'] == 'i-1'
    assert body['networks'] == [{'uuid': 'n-1'}]
    assert body['security_groups'] == [{'name': 'g-1'}]
    assert (body['key_name'], body['user_data']) == ('key', 'aGk=')
    assert 'hanok:pending' not in body['metadata']
    larger = Server('one', volume_size=3, networks=(Nic('lan', fixed_ip='10.0.0.5'),))
    body = creation_body(larger, IDS._replace(groups=()), 'me', 't-1', Content())
    (root,) = body['block_device_mapping_v2']
    assert (root['uuid'], root['volume_size'], root['delete_on_termination']) == ('i-1', 3, True)
    assert body['networks'] == [{'uuid': 'n-1', 'fixed_ip': '10.0.0.5'}]
    assert not {'imageRef', 'security_groups', 'user_data', 'key_name'} & set(body)
    with_port = creation_body(server, IDS._replace(ports={0: 'p-1'}), 'me', 't-1', Content())
    assert with_port['networks'] == [{'port': 'p-1'}]


def test_port_body() -> None:
    """A port has what is specified of its connection."""
    body = port_body(Nic('lan', '10.0.0.5', MAC), 'n-1', ['g-1'], 'hanok:of=one')
    assert (body['mac_address'], body['description']) == (MAC, 'hanok:of=one')
    assert body['fixed_ips'] == [{'ip_address': '10.0.0.5'}]
    assert not {'mac_address', 'fixed_ips'} & set(port_body(Nic('lan'), 'n-1', [], ''))


def test_doubles() -> None:
    """Of our doubles the oldest is meant; a foreign one is refused, with the ids."""
    ours = {'metadata': to_metadata({}, {'token': 'x'})}
    old = nova_server(**ours)
    young = nova_server(**ours, id='s-2', created='2026-11-26T15:00:00Z')
    leaving = nova_server(**ours, id='s-0', **{'OS-EXT-STS:task_state': 'deleting'})
    found = without_our_doubles([leaving, young, old])
    assert found == [old]
    refuse_doubles(found)
    foreign = nova_server(id='s-3')
    found = without_our_doubles([young, old, foreign])
    assert found == [old, foreign]
    with pytest.raises(Refused, match=r'one exists 2 times \(s-1, s-3\)'):
        refuse_doubles(found)


def test_user_data() -> None:
    """Too large content is compressed, and refused if that is not enough."""
    assert b64decode(encoded('#!/bin/sh\n')) == b'#!/bin/sh\n'
    large = '#!/bin/sh\n' + 'echo hello\n' * 10_000
    text = encoded(large)
    assert len(text) <= MAX_ENCODED
    assert decompress(b64decode(text)).decode() == large
    digits = ''.join(str(number * number) for number in range(40_000))
    with pytest.raises(Refused, match='even compressed'):
        encoded(digits)


def test_hash_of_user_data() -> None:
    """It is the same in all runs of a project, and another one for other content."""
    first, other = hash_of('secret', 'project'), hash_of('other', 'project')
    assert first == hash_of('secret', 'project')
    assert first != other
    assert not first.supersedes(other)
    assert first != hash_of('secret', 'elsewhere')
    assert 'secret' not in from_metadata(to_metadata({}, {'user_data': first})).own['user_data']
