# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every cloud does, resource by resource: created, changed, refused, listed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
Created = Callable[..., Result]


def test_keypair(keep: Keep, refused: Refused, tmp_path: Path) -> None:
    """Generated once; its public key is compared, and never replaced."""
    path = tmp_path / 'one.pem'
    made = keep('keypair', name='one', private_key_file=str(path))['keypair']
    assert made['fingerprint'].startswith('SHA256:')
    keep('keypair', name='two', public_key=made['public_key'], labels={'team': 'web'})
    keep('keypair', name='two', description='the same key')
    assert 'to create it, also set public_key' in refused('keypair', name='three')
    assert 'public_key' in refused('keypair', name='one', public_key='ssh-ed25519 AAAA')
    for name in ('one', 'two'):
        keep('keypair', name=name, state='absent')
    assert not keep('keypair', name='one', state='absent')['changed']


def test_flavor(keep: Keep, refused: Refused, run: Run) -> None:
    """The catalogue is listed; sizes never change."""
    assert 'g1.nano' in {flavor['name'] for flavor in run('flavor_info')['flavors']}
    made = keep('flavor', name='own', vcpus=2, memory=512, disk=3)['flavor']
    assert (made['vcpus'], made['memory'], made['disk']) == (2, 512, 3)
    keep('flavor', name='own', description='two cores')
    assert 'memory is 512, requested 1024' in refused('flavor', name='own', memory=1024)
    keep('flavor', name='own', state='absent')


def test_network(keep: Keep, refused: Refused) -> None:
    """A range is chosen, or requested; two never overlap; a range never changes."""
    chosen = keep('network', name='chosen')['network']
    requested = keep('network', name='requested', cidr='10.9.8.0/24', labels={'zone': 'a'})
    assert requested['network']['gateway'] == '10.9.8.1'
    assert 'overlaps' in refused('network', name='third', cidr=chosen['cidr'])
    text = refused('network', name='requested', cidr='10.9.9.0/24')
    assert 'cidr is 10.9.8.0/24, requested 10.9.9.0/24' in text
    for name in ('chosen', 'requested'):
        keep('network', name=name, state='absent')


def test_security_group(keep: Keep, run: Run) -> None:
    """Rules are a set, in whatever form they are written; a purge removes the others."""
    rules = [{'preset': 'http'}, {'protocol': 'tcp', 'port': '22', 'remote': '10.0.0.1/24'}]
    keep('security_group', name='web', rules=rules)
    same = [
        {'protocol': 'TCP', 'ports': ['22-22'], 'remote': '10.0.0.0/24'},
        {'protocol': 'tcp', 'port': '80', 'remote': '0.0.0.0/0'},
    ]
    assert not run('security_group', name='web', rules=same)['changed']
    more = [{'protocol': 'icmp'}]
    kept = keep('security_group', name='web', rules=more, purge_rules=False)['security_group']
    assert len(kept['rules']) == 3
    assert len(keep('security_group', name='web', rules=more)['security_group']['rules']) == 1
    keep('security_group', name='web', state='absent')


def test_group_of_another_group(keep: Keep, refused: Refused) -> None:
    """A group that a rule names is not deleted before the rule."""
    keep('security_group', name='back')
    rules = [{'protocol': 'tcp', 'port': '5432', 'remote': 'back'}]
    keep('security_group', name='front', rules=rules)
    assert 'front' in refused('security_group', name='back', state='absent')
    keep('security_group', name='front', state='absent')
    keep('security_group', name='back', state='absent')


def test_port(keep: Keep, refused: Refused, server: Created) -> None:
    """It keeps its addresses, whether a server has it or not."""
    keep('port', name='fixed', fixed_ip='192.168.0.77', mac='52:54:00:0a:0b:0c')
    text = refused('port', name='other', fixed_ip='192.168.0.77')
    assert 'fixed_ip: 192.168.0.77 is in use by port fixed' in text
    made = server('holder', networks=[{'port': 'fixed'}])['server']
    assert made['networks'][0]['fixed_ip'] == '192.168.0.77'
    assert 'holder' in refused('port', name='fixed', state='absent')
    assert 'attached to server holder' in refused(
        'server', name='second', image='small', flavor='g1.nano', networks=[{'port': 'fixed'}]
    )
    keep('server', name='holder', state='absent')
    keep('port', name='fixed', state='absent')


def test_image(keep: Keep, refused: Refused, server: Created, image: str) -> None:
    """One that servers use is not deleted."""
    keep('image', name=image, labels={'os': 'tiny'})
    server('user')
    assert 'user' in refused('image', name=image, state='absent')
    assert 'to create it, also set path' in refused('image', name='none')


def test_init_script(keep: Keep, refused: Refused, server: Created) -> None:
    """A server refers to it by name."""
    keep('init_script', name='motd', content='#!/bin/sh\necho hello\n')
    assert server('scripted', init_script='motd')['server']['init_script'] == 'motd'
    assert 'scripted' in refused('init_script', name='motd', state='absent')
    keep('server', name='scripted', state='absent')
    keep('init_script', name='motd', state='absent')


def test_server(keep: Keep, refused: Refused, server: Created) -> None:
    """What can change is changed; what cannot is refused, with both values."""
    made = server('one', labels={'role': 'web'}, description='first')['server']
    assert (made['status'], made['vcpus'], made['security_groups']) == ('SHUTOFF', 1, ['default'])
    keep('security_group', name='more')
    keep('server', name='one', security_groups=['default', 'more'])
    keep('server', name='one', flavor='g1.micro')
    assert 'image is small, requested other' in refused('server', name='one', image='other')
    keep('server', name='one', delete_protection=True)
    assert 'protected' in refused('server', name='one', state='absent')
    keep('server', name='one', security_groups=['default'], delete_protection=False)
    keep('security_group', name='more', state='absent')


@pytest.mark.parametrize(
    'option', ['image', 'flavor', 'key_name', 'security_groups', 'init_script']
)
def test_missing_references(run: Run, image: str, option: str) -> None:
    """Check mode warns, because an earlier task may create it; a run is refused."""
    options: dict[str, Any] = {'name': 'none', 'image': image, 'flavor': 'g1.nano'}
    options[option] = ['absent'] if option == 'security_groups' else 'absent'
    warned = run('server', check=True, **options)
    assert not warned.get('failed'), warned['msg']
    done = run('server', **options)
    assert 'absent does not exist; available: ' in done['msg']
    assert run('server_info', name='none')['servers'] == []


def test_group_of_servers(keep: Keep, refused: Refused, server: Created) -> None:
    """It grows by count, and shrinks only if that is allowed."""
    server('web', count=2)
    made = server('web', count=3)['servers']
    assert [one['name'] for one in made] == ['web-1', 'web-2', 'web-3']
    assert len({one['networks'][0]['fixed_ip'] for one in made}) == 3
    assert 'allow_shrink' in refused('server', name='web', count=1)
    assert len(keep('server', name='web', count=1, allow_shrink=True)['servers']) == 1


def test_floating_ip(keep: Keep, refused: Refused, server: Created) -> None:
    """Named, it moves from server to server; automatic, it comes and goes with its server."""
    named = keep('floating_ip', name='entry')['floating_ip']
    for name in ('first', 'second'):
        server(name)
        keep('floating_ip', name='entry', server=name, state='attached')
    assert keep('server', name='first')['server']['floating_ip'] is None
    assert keep('server', name='second')['server']['floating_ip'] == named['address']
    automatic = keep('server', name='first', floating_ip='auto')['server']['floating_ip']
    assert automatic not in (None, named['address'])
    text = refused('server', name='first', floating_ip='203.0.113.1')
    assert 'in no pool' in text
    keep('server', name='first', floating_ip='none')
    keep('floating_ip', name='entry', state='detached')
    keep('floating_ip', name='entry', state='absent')


def test_volume(keep: Keep, refused: Refused, server: Created) -> None:
    """It outlives its server, and never shrinks."""
    keep('volume', name='data', size=1)
    server('holder')
    attached = keep('volume', name='data', server='holder', state='attached')['volume']
    assert attached['server'] == 'holder'
    assert keep('server', name='holder')['server']['volumes'] == ['data']
    keep('volume', name='data', size=2)
    assert 'size is 2, requested 1' in refused('volume', name='data', size=1)
    assert 'detach it first' in refused('volume', name='data', state='absent')
    keep('server', name='holder', state='absent')
    assert keep('volume', name='data')['volume']['server'] is None
    keep('volume', name='data', state='absent')


def test_lb(keep: Keep, refused: Refused, server: Created) -> None:
    """Listeners and members are sets that are replaced; a balancer stays in its network."""
    server('member')
    listeners = [{'protocol': 'http', 'port': 80}]
    keep('lb', name='entry', listeners=listeners, members=['member'])
    keep('lb', name='entry', members=[], algorithm='least_connections')
    given = keep('lb', name='entry', floating_ip='auto')['lb']['floating_ip']
    assert given is not None
    assert 'does not exist; to create it, also set listeners' in refused('lb', name='none')
    assert 'network is default, requested other' in refused('lb', name='entry', network='other')
    keep('lb', name='entry', floating_ip='none')
    keep('lb', name='entry', state='absent')


def test_info(run: Run, server: Created) -> None:
    """Items are found by name, by labels and by a query."""
    server('found', labels={'stage': 'test', 'number': '1'})
    server('other', labels={'stage': 'live'})
    assert [one['name'] for one in run('server_info', name='found')['servers']] == ['found']
    found = run('server_info', labels={'stage': 'test'})['servers']
    assert [one['name'] for one in found] == ['found']
    assert run('server_info', query="[?labels.stage == 'live'].name")['servers'] == ['other']
    assert run('server_info', name='none')['servers'] == []
    names = {one['name'] for one in run('network_info')['networks']}
    assert 'default' in names
