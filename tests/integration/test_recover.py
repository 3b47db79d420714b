# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record is lost: it is rebuilt from its export, or from domains and disks.

What could not be recovered is reported.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.reliability import figures

from .conftest import Play, inventory, keep, newest_image, run

STATE = Path('/var/lib/hanok')
ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7ln'
OTHER_ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA'
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
def count_test() -> Iterator[None]:
    """Count one recovered record per test."""
    yield
    figures.add('Recovery', records=1)


@pytest.fixture(scope='module')
def cloud(
    image: str, key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Resources of most kinds."""
    before = inventory()
    keep('network', name='kept', cidr='10.66.0.0/24')
    keep('security_group', name='kept', rules=[{'preset': 'ssh'}])
    keep('init_script', name='kept', content='#!/bin/sh\n')
    keep('port', name='kept', network='kept', security_groups=['kept'])
    disc = tmp_path_factory.mktemp('discs') / 'disc.iso'
    disc.write_bytes(bytes(0x8001) + b'CD001' + bytes(2042))
    keep('image', name='disc', path=str(disc), disk_format='iso')
    keep('keypair', name='kept', public_key=f'ssh-ed25519 {ED25519} kept')
    keep(
        'server',
        name='kept',
        image=image,
        key_names=['test', 'kept'],
        networks=[{'port': 'kept'}, {'name': 'default'}],
        floating_ip='auto',
        hardware={'cdroms': ['disc']},
        **OPTIONS,
    )
    keep('server', name='many', count=2, image=image, **OPTIONS)
    keep('image', name='root', path=newest_image('tiny', 'tar'), disk_format='root-tar')
    keep('server', name='box', image='root', key_name='test', **OPTIONS)
    keep('network', name='default', project='other')
    keep('security_group', name='kept', project='other')
    keep('keypair', name='kept', project='other', public_key=f'ssh-ed25519 {OTHER_ED25519}')
    keep('image', name=image, project='other', path=newest_image('tiny'))
    keep('server', name='kept', project='other', image=image, key_name='kept', **OPTIONS)
    keep('server', name='kept', description='changed afterwards')
    keep('volume', name='kept', size=1, server='kept', state='attached')
    keep('volume', name='alone', size=1)
    keep('volume', name='files', size=1, file_system='ext4', server='box', state='attached')
    keep('network', name='empty', cidr='10.67.0.0/24')
    keep('lb', name='balancer', listeners=[{'port': 80}], members=['many-1', 'kept'])
    # Changes made through other resources are recorded in the domains too.
    keep('floating_ip', name='moved', server='many-1', state='attached')
    keep('floating_ip', name='moved', server='many-2', state='attached')
    keep('volume', name='kept', size=2, description='grown')
    keep('network', name='kept', description='described')
    keep('port', name='kept', security_groups=['kept', 'default'])
    keep('image', name=image, description='described')
    keep('floating_ip', name='front', lb='balancer', state='attached')
    for name in ('test', 'kept'):
        keep('keypair', name=name, description='described')
    yield info()
    keep('server', name='kept', project='other', state='absent')
    for kind in ('keypair', 'security_group'):
        keep(kind, name='kept', project='other', state='absent')
    keep('image', name=image, project='other', state='absent')
    keep('network', name='default', project='other', state='absent')
    for name in ('moved', 'front'):
        keep('floating_ip', name=name, state='absent')
    keep('lb', name='balancer', state='absent')
    for name in ('kept', 'many', 'box'):
        keep('server', name=name, state='absent')
    for name in ('disc', 'root'):
        keep('image', name=name, state='absent')
    for volume in run('volume_info')['volumes']:
        keep('volume', name=volume['name'], state='absent')
    for kind in ('port', 'init_script', 'security_group', 'network', 'keypair'):
        keep(kind, name='kept', state='absent')
    keep('network', name='empty', state='absent')
    assert inventory() == before


def info() -> dict[str, Any]:
    """What the _info modules return, and the servers and key pairs of another project."""
    others = {
        f'other {kind}': run(f'{kind}_info', project='other')[f'{kind}s']
        for kind in ('server', 'keypair')
    }
    return {kind: run(f'{kind}_info')[f'{kind}s'] for kind in KINDS} | others


def output_of(*words: str) -> str:
    """Run a program; return its output."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def recover() -> dict[str, Any]:
    """Recover, as predicted by check mode; a second run has nothing to recover."""
    return keep('recover')


def test_valid_record_is_not_touched(cloud: dict[str, Any]) -> None:
    """A valid record is not touched."""
    before = (STATE / 'hanok.db').read_bytes()
    assert not recover()['changed']
    assert (STATE / 'hanok.db').read_bytes() == before


@pytest.mark.parametrize('damage', ['gone', 'garbage', 'truncated'])
def test_recover_from_the_export(cloud: dict[str, Any], damage: str) -> None:
    """Other modules refuse to work and name the recovery; it restores everything with its ids."""
    record = STATE / 'hanok.db'
    content = record.read_bytes()
    for leftover in STATE.glob('hanok.db-*'):
        leftover.unlink()
    record.unlink()
    if damage != 'gone':
        record.write_bytes(
            b'garbage' * 1000 if damage == 'garbage' else content[: len(content) // 2]
        )
    before = inventory()
    message = run('server', name='kept', description='not done')['msg']
    assert 'hanok.cloud.recover' in message, message
    assert inventory() == before
    done = recover()
    assert done['changed']
    assert done['record']['lost'] == []
    assert info() == cloud
    (entry,) = run('history_info', kind='record', limit=1)['history']
    assert (entry['module'], entry['verb'], entry['result']) == ('recover', 'create', 'ok')
    assert not keep('server', name='many', count=2, **OPTIONS)['changed']
    assert Play('hanok.cloud.recover').changed == 0


def test_recover_playbook(cloud: dict[str, Any]) -> None:
    """The playbook recovers the record, and a second run changes nothing."""
    for path in STATE.glob('hanok.db*'):
        path.unlink()
    assert Play('hanok.cloud.recover').changed == 1
    assert Play('hanok.cloud.recover').changed == 0
    assert info() == cloud


def comparable(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items without the keys that are not recovered from domains and disks."""
    lost = ('used_by', 'labels', 'created_at', 'created_by')

    def kept(item: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in item.items() if key not in lost}

    return [kept(item) for item in items]


def group_ids() -> dict[str, str]:
    """The ids of the security groups, by name."""
    found = run('security_group_info')['security_groups']
    return {group['name']: group['id'] for group in found}


def test_recover_from_domains_and_disks(cloud: dict[str, Any]) -> None:
    """Without the export: servers with their resources are recovered; the rest is reported."""
    network = output_of(
        'virsh', 'net-uuid', run('network_info', name='empty')['networks'][0]['bridge']
    )
    groups = group_ids()
    for path in [*STATE.glob('hanok.db*'), STATE / 'hanok.json']:
        path.unlink()
    lost = recover()['record']['lost']
    assert (
        'security_group kept: its rules are unknown; it allows no ingress until its task runs'
        in lost
    )
    assert len([message for message in lost if message.startswith('volume recovered-')]) == 1
    assert f'network recovered-{network[:8]} (10.67.0.0/24): its name is unknown' in lost
    keep('network', name=f'recovered-{network[:8]}', state='absent')
    current = info()
    for kind in ('server', 'port', 'network', 'keypair', 'image', 'floating_ip', 'volume', 'lb'):
        expected, recovered = comparable(cloud[kind]), comparable(current[kind])
        if kind == 'volume':
            expected = [item for item in expected if item['server']]
            recovered = [item for item in recovered if item['server']]
        expected = [item for item in expected if item['name'] != 'empty']
        names = {item['name'] for item in recovered}
        assert recovered == [item for item in expected if item['name'] in names], kind
        assert len(recovered) == len(expected), kind
    for kind in ('other server', 'other keypair'):
        assert comparable(current[kind]) == comparable(cloud[kind])
    assert group_ids().items() <= groups.items()
    assert group_ids()['kept'] == groups['kept']
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
