# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record is lost: it is rebuilt from its export, or from machines and disks, and what could not be brought back is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.reliability import figures

from .conftest import Play, inventory, keep, run

STATE = Path('/var/lib/hanok')
ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln'
KINDS = (
    'network',
    'security_group',
    'keypair',
    'image',
    'init_script',
    'port',
    'server',
    'volume',
    'floating_ip',
    'lb',
)
OPTIONS: dict[str, Any] = {
    'flavor': 'g1.nano',
    'state': 'stopped',
    'security_groups': ['kept'],
    'labels': {'tier': 'web'},
}


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    """Each of them is one more."""
    yield
    figures.add('Recovery', records=1)


@pytest.fixture(scope='module')
def cloud(image: str, key: str) -> Iterator[dict[str, Any]]:
    """Something of most kinds."""
    before = inventory()
    keep('network', name='kept', cidr='10.66.0.0/24')
    keep('security_group', name='kept', rules=[{'preset': 'ssh'}])
    keep('init_script', name='kept', content='#!/bin/sh\n')
    keep('port', name='kept', network='kept', security_groups=['kept'])
    keep('keypair', name='kept', public_key=f'ssh-ed25519 {ED25519} kept')
    keep(
        'server',
        name='kept',
        image=image,
        key_names=['test', 'kept'],
        networks=[{'port': 'kept'}, {'name': 'default'}],
        floating_ip='auto',
        **OPTIONS,
    )
    keep('server', name='many', count=2, image=image, **OPTIONS)
    keep('server', name='kept', description='changed afterwards')
    keep('volume', name='kept', size=1, server='kept', state='attached')
    keep('volume', name='alone', size=1)
    keep('network', name='empty', cidr='10.67.0.0/24')
    keep('lb', name='balancer', listeners=[{'port': 80}], members=['many-1', 'kept'])
    # What is changed from elsewhere is said by the machines too.
    keep('floating_ip', name='moved', server='many-1', state='attached')
    keep('floating_ip', name='moved', server='many-2', state='attached')
    keep('volume', name='kept', size=2, description='grown')
    keep('network', name='kept', description='described')
    keep('port', name='kept', security_groups=['kept', 'default'])
    keep('image', name=image, description='described')
    keep('floating_ip', name='front', lb='balancer', state='attached')
    for name in ('test', 'kept'):
        keep('keypair', name=name, description='described')
    yield seen()
    for name in ('moved', 'front'):
        keep('floating_ip', name=name, state='absent')
    keep('lb', name='balancer', state='absent')
    for name in ('kept', 'many'):
        keep('server', name=name, state='absent')
    for volume in run('volume_info')['volumes']:
        keep('volume', name=volume['name'], state='absent')
    for kind in ('port', 'init_script', 'security_group', 'network', 'keypair'):
        keep(kind, name='kept', state='absent')
    keep('network', name='empty', state='absent')
    assert inventory() == before


def seen() -> dict[str, Any]:
    """All that is told of the cloud."""
    return {kind: run(f'{kind}_info')[f'{kind}s'] for kind in KINDS}


def sh(*words: str) -> str:
    """What a program says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def recover() -> dict[str, Any]:
    """Rebuild it, as it was told before; afterwards there is nothing to rebuild."""
    return keep('recover')


def test_a_whole_record_is_left_alone(cloud: dict[str, Any]) -> None:
    """Not a byte of it is touched."""
    before = (STATE / 'hanok.db').read_bytes()
    assert not recover()['changed']
    assert (STATE / 'hanok.db').read_bytes() == before


@pytest.mark.parametrize('how', ['gone', 'garbage', 'truncated'])
def test_from_the_export(cloud: dict[str, Any], how: str) -> None:
    """Everybody else refuses to work without it, and says how it comes back; then all is as it was, ids and all."""
    file = STATE / 'hanok.db'
    content = file.read_bytes()
    for leftover in STATE.glob('hanok.db-*'):
        leftover.unlink()
    file.unlink()
    if how != 'gone':
        file.write_bytes(b'garbage' * 1000 if how == 'garbage' else content[: len(content) // 2])
    before = inventory()
    text = run('server', name='kept', description='not done')['msg']
    assert 'hanok.cloud.recover' in text, text
    assert inventory() == before
    done = recover()
    assert done['changed']
    assert done['record']['lost'] == []
    assert seen() == cloud
    assert not keep('server', name='many', count=2, **OPTIONS)['changed']
    assert Play('hanok.cloud.recover').changed == 0


def test_by_the_playbook(cloud: dict[str, Any]) -> None:
    """It rebuilds it, and a second run finds it whole."""
    for path in STATE.glob('hanok.db*'):
        path.unlink()
    assert Play('hanok.cloud.recover').changed == 1
    assert Play('hanok.cloud.recover').changed == 0
    assert seen() == cloud


def test_from_machines_and_disks(cloud: dict[str, Any]) -> None:
    """Without an export too: servers with all that belongs to them; what nobody knows any more is told."""
    network = sh('virsh', 'net-uuid', run('network_info', name='empty')['networks'][0]['bridge'])
    for path in [*STATE.glob('hanok.db*'), STATE / 'hanok.json']:
        path.unlink()
    lost = recover()['record']['lost']
    assert (
        'security_group kept: its rules are unknown; it allows no ingress until its task runs'
        in lost
    )
    assert len([text for text in lost if text.startswith('volume recovered-')]) == 1
    assert f'network recovered-{network[:8]} (10.67.0.0/24): its name is unknown' in lost
    keep('network', name=f'recovered-{network[:8]}', state='absent')
    current = seen()
    changed = ('used_by', 'labels', 'created_at', 'created_by')
    for kind in ('server', 'port', 'network', 'keypair', 'image', 'floating_ip', 'volume', 'lb'):
        known, there = (
            [
                {key: value for key, value in item.items() if key not in changed}
                for item in some[kind]
            ]
            for some in (cloud, current)
        )
        if kind == 'volume':
            known, there = ([item for item in some if item['server']] for some in (known, there))
        known = [item for item in known if item['name'] != 'empty']
        assert there == [
            item for item in known if item['name'] in {other['name'] for other in there}
        ], kind
        assert len(there) == len(known), kind
    assert [server['labels'] for server in current['server']] == [
        server['labels'] for server in cloud['server']
    ]
    keep('network', name='empty', cidr='10.67.0.0/24')
    keep('security_group', name='kept', rules=[{'preset': 'ssh'}])
    assert not keep('server', name='many', count=2, **OPTIONS)['changed']
    assert not keep('lb', name='balancer', listeners=[{'port': 80}], members=['many-1', 'kept'])[
        'changed'
    ]
    keep('server', name='kept', state='stopped', description='and on')
