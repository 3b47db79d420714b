# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of users: MACs in use, values in messages as they are written, names like addresses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import module
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.host import hypervisor
from ansible_collections.hanok.cloud.plugins.module_utils._local.network import addresses
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.floating_ip import (
    FloatingIp,
    FloatingIpRequest,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.interface_checks import (
    mac_problems,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.port import PortRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.yaml_text import yaml_text
from ansible_collections.hanok.cloud.plugins.module_utils._plan import floating_ip, port, server
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    ObservedServers,
)

MAC = '52:54:00:ab:cd:ef'
NET = {'default': Network('default', '192.168.0.0/24', '192.168.0.1')}
PLACE = ('default', MAC)


def requested(*nics: NicRequest) -> ServerRequest:
    """A request for the server web."""
    return ServerRequest('web', 'present', {'flavor': 'f', 'image': 'i'}, networks=nics)


def test_mac_in_use() -> None:
    """Of a server and of a port, with its owner; not if that server is deleted by the plan."""
    request = requested(NicRequest('default', mac=MAC))
    assert request.requested_addresses() == [PLACE]
    message = f'mac {MAC} is in use by port door; use another, or omit it'
    plan = server.plan(request, ObservedServers({}, networks=NET, owners={PLACE: 'port door'}))
    assert f'networks: {message}' in plan.refused
    planned = port.plan(
        PortRequest('p', 'present', {'mac': MAC}),
        port.ObservedPorts({}, NET, mac_owner='port door'),
    )
    assert message.replace('mac ', 'mac: ', 1) in planned.refused
    going = Server('web', unfinished='deleting')
    assert not server.plan(
        request, ObservedServers({'web': going}, networks=NET, owners={PLACE: 'web'})
    ).refused


def test_duplicates_in_a_request() -> None:
    """A guest identifies its interfaces by MAC, regardless of the network."""
    assert requested(NicRequest('a', mac=MAC), NicRequest('b', mac=MAC)).problems() == [
        f'networks: mac {MAC} is specified twice'
    ]
    twice = requested(NicRequest('a', '10.0.0.5'), NicRequest('a', '10.0.0.5'))
    assert twice.problems() == ['networks: fixed_ip 10.0.0.5 of a is specified twice']
    assert requested(NicRequest('a', '10.0.0.5'), NicRequest('b', '10.0.0.5')).problems() == []


def test_generated_mac_in_use(tmp_path: Path) -> None:
    """It was assigned manually to another: the next address gets another one."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    network = record.writer.insert_row(
        'network',
        {
            'uuid': 'n',
            'name': 'n',
            'cidr': '10.0.0.0/24',
            'gateway': '10.0.0.1',
            'description': '',
            'labels': '{}',
        },
    )
    for number, nic in enumerate(
        [Nic('n', '10.0.0.9', addresses.derived_mac(network, '10.0.0.2')), Nic('n'), Nic('n')]
    ):
        addresses.create_port(record, nic, 0, {'name': f'p{number}'})
    found = [
        (row['address'], row['mac'])
        for row in record.rows('SELECT address, mac FROM port ORDER BY id')
    ]
    record.sql.close()
    assert [address for address, _mac in found] == ['10.0.0.9', '10.0.0.2', '10.0.0.3']
    assert len({mac for _address, mac in found}) == 3
    assert not [problem for _address, mac in found for problem in mac_problems(mac, 'mac')]


def test_a_mac_without_quotes() -> None:
    """YAML reads a MAC of small decimal parts as a number of base 60: the message restores it."""
    for written in ('52:54:00:12:34:56', '90:10:09:08:00:59'):
        number = str(yaml.safe_load(f'mac: {written}')['mac'])
        assert number.isdecimal()
        assert mac_problems(number, 'mac') == [
            f'mac: {number} is the number that YAML reads from {written} without quotes; quote it: '
            f"'{written}'"
        ]
    for other in ('525400123456', '7', '99999999999'):
        assert mac_problems(other, 'mac') == [
            f"mac: '{other}' is not a unicast MAC address; write it in the form '52:54:00:12:34:56'"
        ]
    assert mac_problems('52:54:00:12:34:56', 'mac') == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('abc12:', min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=VALUES)
def test_values_in_refusals_are_yaml(value: object) -> None:
    """Values in a refusal can be copied into a task."""
    assert yaml.safe_load(yaml_text([value])) == [value]


def test_connections_in_refusals() -> None:
    """In the form of a task."""
    nics = (
        Nic('default', '10.0.0.5', MAC),
        Nic('back', port='door'),
        Nic('side', security_groups=('a', 'b')),
    )
    assert yaml_text(nics) == (
        f"[{{name: default, fixed_ip: 10.0.0.5, mac: '{MAC}'}}, {{port: door}}, {{name: side, "
        f'security_groups: [a, b]}}]'
    )
    assert yaml.safe_load(yaml_text(nics))[0] == {
        'name': 'default',
        'fixed_ip': '10.0.0.5',
        'mac': MAC,
    }


def test_a_floating_ip_is_not_named_like_an_address() -> None:
    """It would be mistaken for that address; the own address of one without a name is allowed."""
    refusal = (
        'name: 198.18.0.77 is an address, which cannot be the name of another one; set it as '
        'address, or use another name'
    )
    free = floating_ip.ObservedFloatingIps(pools=('pool',), free=9)
    for state in ('present', 'detached'):
        assert floating_ip.plan(FloatingIpRequest('198.18.0.77', state), free).refused == (refusal,)
    other = floating_ip.ObservedFloatingIps(FloatingIp('198.18.0.77', '198.18.0.5', 'pool'))
    assert floating_ip.plan(FloatingIpRequest('198.18.0.77', 'absent'), other).refused == (refusal,)
    own = floating_ip.ObservedFloatingIps(FloatingIp('198.18.0.77', '198.18.0.77', 'pool'))
    for state in ('present', 'detached', 'absent'):
        assert not floating_ip.plan(FloatingIpRequest('198.18.0.77', state), own).refused


def test_programs_are_found_without_sbin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Su, cron and sudo without secure_path omit sbin, where nft is. Entries of PATH come first."""
    for path in ('/opt/bin:/usr/bin', ''):
        monkeypatch.setenv('PATH', path)
        module.extend_path()
        found = os.environ['PATH'].split(':')
        assert found[: len(path.split(':'))] == (path.split(':') if path else ['/usr/local/sbin'])
        assert {'/usr/sbin', '/sbin', '/usr/bin'} <= set(found)


def test_an_interpreter_without_libvirt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the package and the variable."""
    monkeypatch.setitem(sys.modules, 'libvirt', None)
    message = (
        f'{sys.executable} has no bindings of libvirt (package python3-libvirt); set '
        'ansible_python_interpreter: /usr/bin/python3, '
        'or run the role hanok.cloud.host, which installs them there'
    )
    for work in (
        lambda: hypervisor.Hypervisor().machines(),
        lambda: hypervisor.tolerate('NO_DOMAIN').__enter__(),
    ):
        with pytest.raises(CloudError) as caught:
            work()
        assert str(caught.value) == message
