# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports, floating IPs and load balancers: created, moved, refused, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
Created = Callable[..., Result]


def test_port(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Created, image: str
) -> None:
    """Address, MAC, groups and floating IP wait for a server, outlive it, and wait for the next."""
    keep('network', name='back', cidr='10.77.0.0/24')
    keep('network', name='side', cidr='10.78.0.0/24')
    keep('security_group', name='more')
    port = keep(
        'port',
        name='door',
        network='back',
        fixed_ip='10.77.0.7',
        mac='52:54:00:AB:CD:EF',
        security_groups=['more'],
        labels={'for': 'tests'},
    )['port']
    assert (port['server'], port['mac']) == (None, '52:54:00:ab:cd:ef')
    attached = keep('floating_ip', name='door', port='door', state='attached')['floating_ip']
    floating = attached['address']
    check_refused_ports(refused, cloud.network)
    one = server('one', networks=[{'port': 'door'}])['server']
    shown = (one['fixed_ip'], one['floating_ip'], one['security_groups'])
    assert shown == ('10.77.0.7', floating, [])
    assert 'is attached to server one' in refused(
        'server', name='two', networks=[{'port': 'door'}], image=image, flavor=cloud.flavor
    )
    assert 'used by server one' in refused('port', name='door', state='absent')
    assert 'its own groups' in refused('server', name='one', security_groups=['default'])
    keep('port', name='door', security_groups=['default'])
    assert nic_groups(run, 'one') == [['default']]
    keep('server', name='one', state='absent')
    query = '[].[fixed_ip, floating_ip]'
    found = run('port_info', labels={'for': 'tests'}, query=query)['ports']
    assert found == [['10.77.0.7', floating]]
    keep('port', name='door', security_groups=['more'])
    networks = [{'port': 'door'}, {'name': 'side', 'security_groups': ['default']}]
    two = server('two', networks=networks)['server']
    assert (two['fixed_ip'], two['floating_ip']) == ('10.77.0.7', floating)
    assert nic_groups(run, 'two') == [['more'], ['default']]
    networks[1] = {'name': 'side', 'security_groups': ['more']}
    keep('server', name='two', networks=networks)
    networks[1] = {'name': 'side', 'security_groups': []}
    two = keep('server', name='two', networks=networks)['server']
    assert (two['networks'][1]['security_groups'], two['security_groups']) == (None, ['default'])
    keep('server', name='two', state='absent')
    keep('floating_ip', name='door', state='absent')
    keep('port', name='door', state='absent')
    keep('security_group', name='more', state='absent')
    for name in ('back', 'side'):
        keep('network', name=name, state='absent')


def test_connections(
    keep: Keep, refused: Refused, server: Created, run: Run, cloud: CloudUnderTest
) -> None:
    """Interfaces come and go; what stays keeps its order, and the floating IP is not lost."""
    keep('network', name='back', cidr='10.77.0.0/24')
    keep('security_group', name='more')
    port = keep('port', name='door', network='back', security_groups=['more'])['port']
    front: dict[str, Any] = {'name': cloud.network}
    back = {'name': 'back', 'fixed_ip': '10.77.0.9', 'security_groups': ['more']}
    one = server('one', networks=[front], floating_ip='auto')['server']
    two = keep('server', name='one', networks=[back, front, {'port': 'door'}])['server']
    names = [nic['name'] for nic in two['networks']]
    assert names == [cloud.network, 'back', 'back']
    assert (two['networks'][0], two['floating_ip']) == (one['networks'][0], one['floating_ip'])
    assert nic_groups(run, 'one') == [None, ['more'], ['more']]
    assert run('port_info', name='door', query='[].server')['ports'] == ['one']
    assert not run('server', name='one', networks=[{'port': 'door'}, back, front])['changed']
    left = [back, {'port': 'door'}]
    text = refused('server', name='one', networks=left)
    assert f'has the floating address {one["floating_ip"]}; also set floating_ip' in text
    three = keep('server', name='one', networks=left, floating_ip='auto')['server']
    assert [nic['fixed_ip'] for nic in three['networks']] == ['10.77.0.9', port['fixed_ip']]
    assert (three['fixed_ip'], three['floating_ip']) == ('10.77.0.9', one['floating_ip'])
    four = keep('server', name='one', networks=[front], floating_ip='none')['server']
    assert (four['floating_ip'], four['security_groups']) == (None, ['default'])
    ports = run('port_info', name='door', query='[].[server, fixed_ip]')['ports']
    assert ports == [[None, port['fixed_ip']]]
    keep('port', name='door', state='absent')
    keep('network', name='back', state='absent')
    keep('security_group', name='more', state='absent')


def test_bridges(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created, run: Run
) -> None:
    """Interfaces on bridges of the host, which the operator has given to servers, come last."""
    front = {'name': cloud.network}
    new = {'name': 'one', 'image': 'small', 'flavor': cloud.flavor}
    if 'bridges of the host' not in cloud.can:
        text = refused('server', **new, networks=[front, {'bridge': 'br0'}])
        assert 'has no bridge br0 for servers (it has none); use networks (name)' in text
        return
    mac = '52:54:00:aa:00:01'
    first = [{'bridge': 'br0', 'mac': mac}, front, {'bridge': 'br1'}]
    one = server('one', networks=first)['server']
    shown = [(nic['name'], nic['bridge'], nic['fixed_ip']) for nic in one['networks']]
    assert shown == [
        (cloud.network, None, one['fixed_ip']),
        (None, 'br0', None),
        (None, 'br1', None),
    ]
    assert (one['networks'][1]['mac'], one['security_groups']) == (mac, ['default'])
    bridges = run('topology_info')['topology']['bridges']
    assert [bridge['name'] for bridge in bridges] == ['br0', 'br1']
    assert bridges[0]['servers'] == [
        {key: one[key] for key in ('name', 'status', 'node')} | {'mac': mac}
    ]
    same = [{'bridge': 'br1'}, {'bridge': 'br0'}, front]
    assert not run('server', name='one', networks=same)['changed']
    two = server('two', like='one', image=None, flavor=None)['server']
    assert [nic['bridge'] for nic in two['networks']] == [None, 'br0', 'br1']
    assert 'is in use by ' in refused(
        'server', name='two', networks=[front, {'bridge': 'br0', 'mac': mac}]
    )
    moved = [{'bridge': 'br1', 'mac': mac}, {'bridge': 'br1'}, front]
    three = keep('server', name='one', networks=moved)['server']
    assert three['networks'] == [
        one['networks'][0],
        one['networks'][2],
        {**one['networks'][1], 'bridge': 'br1'},
    ]
    for more, problem in (
        ({'bridge': 'br9'}, 'has no bridge br9 for servers (it has br0, br1)'),
        ({'bridge': 'br0', 'name': cloud.network}, 'set either bridge, or name or port'),
        ({'bridge': 'br0', 'fixed_ip': '10.0.0.5'}, 'nothing gives addresses on a bridge'),
        ({'bridge': 'br0', 'security_groups': ['default']}, 'no security group applies'),
    ):
        assert problem in refused('server', name='one', networks=[front, more])
    assert keep('server', name='one', networks=[front])['server']['networks'] == [
        one['networks'][0]
    ]


def test_on_bridges_only(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created, run: Run
) -> None:
    """A server without a network has no address, and nothing that needs one."""
    if 'bridges of the host' not in cloud.can:
        return
    lan = [{'bridge': 'br0'}]
    one = server('one', networks=lan)['server']
    assert (one['fixed_ip'], one['security_groups'], one['floating_ip']) == (None, [], None)
    assert [nic['bridge'] for nic in one['networks']] == ['br0']
    keep('server', name='one', labels={'a': 'b'})
    keep('server', name='one', networks=[*lan, {'bridge': 'br1'}])
    for options, problem in (
        ({'security_groups': ['default']}, 'none applies to server one'),
        ({'floating_ip': 'auto'}, 'server one has no fixed IP'),
        ({'state': 'started', 'wait_for': 'ssh'}, 'wait for init or running'),
    ):
        assert problem in refused('server', name='one', **options)
    text = refused('floating_ip', name='entry', server='one', state='attached')
    assert 'server: one has no fixed IP, because it is only on bridges of the host' in text
    text = refused('lb', name='front', network=cloud.network, members=['one'])
    assert f'server one has no port in network {cloud.network} of the balancer' in text
    text = refused('server_action', name='one', action='start', wait_for='ip')
    assert 'wait_for: ip needs an address, and server one has none' in text
    both = keep('server', name='one', networks=[{'name': cloud.network}, *lan])['server']
    assert both['fixed_ip']
    assert both['security_groups'] == ['default']
    assert keep('server', name='one', networks=lan)['server']['fixed_ip'] is None


def test_vlans(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Created, run: Run
) -> None:
    """Interfaces on one bridge are in several VLANs; another VLAN is another interface."""
    if 'bridges of the host' not in cloud.can:
        return
    text = refused(
        'server',
        name='one',
        image='small',
        flavor=cloud.flavor,
        networks=[{'bridge': 'br0', 'vlan': 20}],
    )
    assert 'br0 has no VLANs; ' in text
    if 'VLANs' not in cloud.can:
        return
    both = [{'bridge': 'br1', 'vlan': 20}, {'bridge': 'br1', 'vlan': 21}]
    one = server('one', networks=both)['server']
    assert [(nic['bridge'], nic['vlan']) for nic in one['networks']] == [('br1', 20), ('br1', 21)]
    assert not run('server', name='one', networks=[both[1], both[0]])['changed']
    two = server('two', like='one', image=None, flavor=None)['server']
    assert [nic['vlan'] for nic in two['networks']] == [20, 21]
    mac = one['networks'][0]['mac']
    moved = [{'bridge': 'br1', 'vlan': 30, 'mac': mac}, both[1]]
    nics = keep('server', name='one', networks=moved)['server']['networks']
    assert [(nic['vlan'], nic['mac'] == mac) for nic in nics] == [(21, False), (30, True)]
    nics = keep('server', name='one', networks=[{'bridge': 'br1'}])['server']['networks']
    assert [nic['vlan'] for nic in nics] == [None]


def check_refused_ports(refused: Refused, network: str) -> None:
    """An address belongs to one port, and to its network; a port keeps its network."""
    other = {'name': 'other', 'network': 'back'}
    assert 'is in use by port door' in refused('port', **other, fixed_ip='10.77.0.7')
    assert 'is not an address' in refused('port', **other, fixed_ip='10.79.0.7')
    assert 'a port keeps its network' in refused('port', name='door', network=network)
    assert 'used by port door' in refused('network', name='back', state='absent')


def nic_groups(run: Run, name: str) -> list[list[str]]:
    """The security groups of the ports of a server."""
    (server,) = run('server_info', name=name)['servers']
    return [nic['security_groups'] for nic in server['networks']]


def test_floating_ip(keep: Keep, refused: Refused, server: Created) -> None:
    """Named, it moves from server to server; automatic, it comes and goes with its server."""
    assert 'would allocate another' in refused('floating_ip')
    named = keep('floating_ip', name='entry')['floating_ip']
    for name in ('first', 'second'):
        server(name)
        keep('floating_ip', name='entry', server=name, state='attached')
    assert keep('server', name='first')['server']['floating_ip'] is None
    assert keep('server', name='second')['server']['floating_ip'] == named['address']
    automatic = keep('server', name='first', floating_ip='auto')['server']['floating_ip']
    assert automatic not in (None, named['address'])
    assert 'already' in refused('floating_ip', name='more', server='first', state='attached')
    assert 'in no pool' in refused('server', name='first', floating_ip='203.0.113.1')
    assert 'in no pool' in refused('floating_ip', address='8.8.8.8')
    keep('server', name='first', floating_ip='none')
    detached = keep('floating_ip', name='entry', state='detached')['floating_ip']
    assert (detached['server'], detached['address']) == (None, named['address'])
    keep('floating_ip', name='entry', state='absent')


def test_lb(cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Created) -> None:
    """Listeners and members are replaced; a group is all its members; it stays in its network."""
    server('pair', count=2)
    listeners = [{'port': 80, 'protocol': 'HTTP'}]
    members = ['pair-1', 'pair-2']
    created = keep('lb', name='web', listeners=listeners, members=members, floating_ip='auto')['lb']
    assert created['floating_ip'] is not None
    assert [member['name'] for member in created['health']] == members
    keep('lb', name='web', health_check={'port': 80}, algorithm='SOURCE_IP')
    keep('lb', name='web', algorithm='least_connections', members=['pair-2'])
    assert keep('lb', name='web', members=['pair'])['lb']['members'] == members
    topology = run('topology_info')['topology']
    assert [lb['name'] for network in topology['networks'] for lb in network['lbs']] == ['web']
    assert 'does not exist' in run('lb', name='web', members=['nobody'])['msg']
    assert 'does not exist; to create it, also set listeners' in refused('lb', name='none')
    text = refused('lb', name='web', network='other')
    assert f'network is {cloud.network}, requested other' in text
    keep('lb', name='web', members=[], floating_ip='none')
    keep('lb', name='web', state='absent')


def test_waiting_for_members(run: Run, keep: Keep, server: Created) -> None:
    """A balancer is healthy when all of its members are; with wait: false it may be unhealthy."""
    server('member')
    listeners, check = [{'port': 80}], {'protocol': 'tcp'}
    run('lb', name='web', listeners=listeners, members=['member'], health_check=check)
    late = run('lb', name='web', wait_for='healthy', wait_timeout=0)
    assert late['failed']
    assert 'waiting for healthy members: member is ' in late['msg']
    done = run('lb', name='web', wait_for='healthy', wait=False)
    assert not done.get('failed'), done['msg']
    assert (done['changed'], done['steps']) == (False, [])
    keep('lb', name='web', state='absent')
