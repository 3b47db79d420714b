# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers refer to: created, updated, refused, listed, deleted."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from .clouds import CloudUnderTest
from .promises import Result, Run
from .web import served

Keep = Callable[..., Result]
Refused = Callable[..., str]
Created = Callable[..., Result]


def test_keypair(cloud: CloudUnderTest, keep: Keep, refused: Refused, tmp_path: Path) -> None:
    """Specified, generated, adopted from the file; never overwritten or replaced."""
    has_labels = 'labels of key pairs' in cloud.can
    path = tmp_path / 'one.pem'
    created = keep('keypair', name='one', private_key_file=str(path))['keypair']
    assert created['fingerprint'].startswith('SHA256:')
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding='utf-8')
    labels = {'team': 'web'} if has_labels else {}
    keep('keypair', name='two', public_key=created['public_key'], labels=labels)
    if has_labels:
        keep('keypair', name='two', description='the same key')
    else:
        why = refused('keypair', name='two', labels={'team': 'web'}, description='the same key')
        for option in ('labels', 'description'):
            assert f'{option}: the cloud {cloud.name} does not support it' in why
    keep('keypair', name='one', state='absent')
    adopted = keep('keypair', name='one', private_key_file=str(path))['keypair']
    assert adopted['fingerprint'] == created['fingerprint']
    assert path.read_text(encoding='utf-8') == text
    path.unlink()
    assert 'written only once' in refused('keypair', name='one', private_key_file=str(path))
    assert 'to create it, also set public_key' in refused('keypair', name='three')
    assert 'public_key' in refused('keypair', name='one', public_key='ssh-ed25519 AAAA')
    for name in ('one', 'two'):
        keep('keypair', name=name, state='absent')
    assert not keep('keypair', name='one', state='absent')['changed']


def test_flavor(keep: Keep, refused: Refused, run: Run, cloud: CloudUnderTest) -> None:
    """Flavors can be added; sizes never change; built-in flavors cannot be deleted."""
    assert cloud.flavor in {flavor['name'] for flavor in run('flavor_info')['flavors']}
    created = keep('flavor', name='our.small', vcpus=2, memory=512, disk=3)['flavor']
    assert (created['vcpus'], created['memory'], created['disk']) == (2, 512, 3)
    keep('flavor', name='our.small', family='cpu', description='ours')
    text = refused('flavor', name='our.small', memory=1024)
    assert 'memory is 512, requested 1024' in text
    assert 'with another name' in text
    if 'flavors of a project' in cloud.can:  # else they are those of the operator
        assert 'built in' in refused('flavor', name=cloud.flavor, state='absent')
    keep('flavor', name='our.small', state='absent')


def test_limits_of_a_flavor(keep: Keep, run: Run, refused: Refused) -> None:
    """What is set replaces what there was; what is not set stays."""
    size = {'vcpus': 1, 'memory': 128, 'disk': 1}
    limits = {'disk_iops': 500, 'disk_read_mib': 20}
    assert keep('flavor', name='slow', **size, limits=limits)['flavor']['limits'] == limits
    kept = keep('flavor', name='slow', labels={'tier': 'batch'})['flavor']
    assert kept['limits'] == limits
    fewer = keep('flavor', name='slow', limits={'disk_write_mib': 5})['flavor']
    assert (fewer['limits'], fewer['labels']) == ({'disk_write_mib': 5}, {'tier': 'batch'})
    assert keep('flavor', name='slow', limits={})['flavor']['limits'] == {}
    text = refused('flavor', name='slow', limits={'disk_iops': 0, 'disk_read_mib': 5 * 10**6})
    assert 'limits: disk_iops: 0 is out of range; use 1 to 10000000 (1/s)' in text
    assert 'limits: disk_read_mib: 5000000 is out of range; use 1 to 1000000 (MiB/s)' in text
    keep('flavor', name='slow', state='absent')


def test_network(keep: Keep, refused: Refused) -> None:
    """A free range is chosen, or requested; two never overlap; a range never changes."""
    chosen = keep('network', name='chosen', description='behind')['network']
    keep('network', name='chosen', labels={'tier': 'db'})
    requested = keep('network', name='requested', cidr='10.9.8.0/24', labels={'zone': 'a'})
    assert requested['network']['gateway'] == '10.9.8.1'
    part = chosen['cidr'].replace('/24', '/25')
    assert 'overlaps' in refused('network', name='third', cidr=part)
    text = refused('network', name='requested', cidr='10.9.9.0/24')
    assert 'cidr is 10.9.8.0/24, requested 10.9.9.0/24' in text
    assert 'cannot be renumbered' in text
    for name in ('chosen', 'requested'):
        keep('network', name=name, state='absent')


def test_security_group(keep: Keep, refused: Refused, run: Run) -> None:
    """Rules are a set, however they are written; a purge removes the others."""
    rules = [{'preset': 'http'}, {'protocol': 'tcp', 'port': '22', 'remote': '10.0.0.1/24'}]
    keep('security_group', name='web', rules=rules)
    same = [
        {'protocol': 'TCP', 'ports': ['22-22'], 'remote': '10.0.0.0/24'},
        {'protocol': 'tcp', 'port': '80', 'remote': '0.0.0.0/0'},
    ]
    assert not run('security_group', name='web', rules=same)['changed']
    more = [{'preset': 'https'}]
    kept = keep('security_group', name='web', rules=more, purge_rules=False)['security_group']
    assert len(kept['rules']) == 3
    assert len(keep('security_group', name='web', rules=more)['security_group']['rules']) == 1
    assert 'cannot be deleted' in refused('security_group', name='default', state='absent')
    many = [{'protocol': 'tcp', 'port': str(port)} for port in range(1, 102)]
    assert 'at most 100' in refused('security_group', name='many', rules=many)
    keep('security_group', name='web', state='absent')


def test_group_of_another_group(keep: Keep, refused: Refused) -> None:
    """A group that a rule names is not deleted before the rule."""
    keep('security_group', name='back')
    rules = [{'protocol': 'tcp', 'port': '5432', 'remote': 'back'}]
    keep('security_group', name='front', rules=rules)
    assert 'used by rules of front' in refused('security_group', name='back', state='absent')
    keep('security_group', name='front', state='absent')
    keep('security_group', name='back', state='absent')


def test_image(keep: Keep, refused: Refused, server: Created, image: str) -> None:
    """One that servers use is not deleted."""
    keep('image', name=image, labels={'os': 'tiny'})
    server('user')
    assert 'user' in refused('image', name=image, state='absent')
    assert 'to create it, also set path' in refused('image', name='none')
    keep('image', name=image, labels={})


def test_image_by_url(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, image: str, tmp_path: Path
) -> None:
    """By URL and checksum, by a checksum file, by the content of a path.

    A wrong checksum leaves nothing.
    """
    content = Path(cloud.image_path).read_bytes()
    right, name = hashlib.sha256(content).hexdigest(), Path(cloud.image_path).name
    (tmp_path / 'SHA256SUMS').write_text(f'{right}  {name}\n', encoding='ascii')
    (tmp_path / name).symlink_to(cloud.image_path)
    with served(functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)) as address:
        url, sums = f'{address}/{name}', f'sha256:{address}/SHA256SUMS'
        assert keep('image', name='web', url=url, checksum=sums)['image']['min_disk'] == 1
        for same in (
            f'sha256:{right}',
            f'SHA256:{right.upper()}',
            f'sha512:{hashlib.sha512(content).hexdigest()}',
        ):
            assert not run('image', name='web', url=url, checksum=same)['changed'], same
        other = 'sha256:' + '0' * 64
        text = refused('image', name='web', url=url, checksum=other)
        assert 'cannot be changed; delete' in text
        shown = keep('image', name='web', url=url, checksum=sums, hide_url=True)['image']['source']
        assert name not in shown
        wrong = run('image', name='bad', url=url, checksum=other)
        assert wrong['msg'].startswith('image bad: checksum mismatch: got sha256:' + right)
        keep('image', name='bad', state='absent')
    keep('image', name='web', state='absent')
    copy = tmp_path / 'copy.qcow2'
    copy.write_bytes(content)
    assert not run('image', name=image, path=str(copy), checksum=f'sha256:{right}')['changed']
    copy.write_bytes(content + bytes(512))
    assert 'cannot be changed; delete' in refused('image', name=image, path=str(copy))


def test_init_script(keep: Keep, refused: Refused, server: Created) -> None:
    """A server refers to it by name, and has a copy: the script may be changed or deleted."""
    keep('init_script', name='motd', content='#!/bin/sh\necho hello\n')
    created = server('scripted', init_script='motd')['server']
    assert (created['init_script'], created['outdated']) == ('motd', [])
    keep('init_script', name='motd', content='#!/bin/sh\necho other\n', labels={'os': 'tiny'})
    older = keep('server', name='scripted')
    assert older['server']['outdated'] == ['init_script']
    assert 'scripted: created with an older version of init script motd' in str(older['warnings'])
    keep('init_script', name='motd', content='#!/bin/sh\necho hello\n')
    assert keep('server', name='scripted')['server']['outdated'] == []
    keep('init_script', name='motd', state='absent')
    assert keep('server', name='scripted')['server']['init_script'] == 'motd'
    assert 'to create it, also set content' in refused('init_script', name='motd')
