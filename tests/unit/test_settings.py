# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of the host: what the file may contain, and errors for anything else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.host import settings
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.settings import Pool, Settings
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.settings_devices import (
    missing,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.settings_volume_types import (
    limits_of_types,
    places_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.checks import name_problems

Write = Callable[[Any], Settings]
WORDS = st.sampled_from(
    [
        'virt_type',
        'floating_pools',
        'name',
        'addresses',
        'uplink',
        'auto',
        'kvm',
        'default',
        '172.24.0.0/24',
        'eth0',
        '',
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        'virt_type': JSON,
        'outside_devices': JSON,
        'bridges': JSON,
        'router': JSON,
        'history_days': JSON,
        'ram_allocation_ratio': JSON,
        'disk_allocation_ratio': JSON,
        'reserved_host_memory_mb': JSON,
        'admins': JSON,
        'volume_types': JSON
        | st.lists(
            st.fixed_dictionaries(
                {'name': WORDS, 'path': WORDS},
                optional={'mounted': JSON, 'capacity': JSON},
            ),
            max_size=2,
        ),
        'floating_pools': st.lists(
            st.fixed_dictionaries(
                {'name': WORDS, 'addresses': JSON | st.lists(JSON, max_size=2)},
                optional={'uplink': JSON},
            ),
            max_size=2,
        ),
    },
)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Write:
    """Write settings as JSON and load them."""
    monkeypatch.setenv('HANOK_STATE', str(tmp_path / 'state'))
    monkeypatch.setenv('HANOK_CONFIG', str(tmp_path))

    def load(raw: Any) -> Settings:
        (tmp_path / 'host.json').write_text(json.dumps(raw), encoding='utf-8')
        return settings.load()

    return load


def test_defaults(loaded: Write, tmp_path: Path) -> None:
    """An empty mapping is valid; the environment sets both folders."""
    assert loaded({}) == Settings(str(tmp_path / 'state'), str(tmp_path), 'auto', ())
    assert loaded({}).path('servers', '1') == str(tmp_path / 'state' / 'servers' / '1')


def test_all_settings(loaded: Write) -> None:
    """Pools keep their order; the uplink is optional."""
    pools = [
        {'name': 'default', 'addresses': ['172.24.0.0/24']},
        {'name': 'lan', 'addresses': ['192.0.2.9/32', '192.0.2.16/28'], 'uplink': 'eth0'},
    ]
    found = loaded(
        {
            'virt_type': 'qemu',
            'floating_pools': pools,
            'outside_devices': ['wg0'],
            'bridges': ['br0', 'br-lan.7'],
            'router': False,
            'history_days': 30,
            'ram_allocation_ratio': 2,
            'cpu_allocation_ratio': 4.0,
            'disk_allocation_ratio': 1.5,
            'reserved_host_memory_mb': 0,
            'admins': ['alice', 'bob@example.com'],
            'backup_stores': [{'name': 'nas', 'path': '/mnt/nas', 'mounted': True}],
            'volume_types': [
                {'name': 'ssd', 'path': '/srv/ssd', 'mounted': True, 'capacity': 5},
                {'name': 'nfs', 'path': '/mnt/nfs', 'limits': {'disk_iops': 500}},
            ],
        }
    )
    assert (found.virt_type, found.outside_devices, found.router) == ('qemu', ('wg0',), False)
    assert (found.history_days, found.bridges) == (30, ('br0', 'br-lan.7'))
    assert found[-7:-2] == (2, 4.0, 1.5, 0, ('alice', 'bob@example.com'))
    assert found.backup_stores == ({'name': 'nas', 'path': '/mnt/nas', 'mounted': True},)
    assert loaded({'admins': None})[-7:] == loaded({})[-7:] == (1.0, 16.0, None, 1024, None, (), ())
    assert places_of(found) == (
        ('ssd', '/srv/ssd', True, 5, None),
        ('nfs', '/mnt/nfs', False, None, {'disk_iops': 500}),
    )
    assert limits_of_types(found) == {'nfs': {'disk_iops': 500}}
    assert found.pools == (
        Pool('default', ('172.24.0.0/24',)),
        Pool('lan', ('192.0.2.9/32', '192.0.2.16/28'), 'eth0'),
    )


ROLE = 'correct the variables of the role hanok.cloud.host and run it again'
POOL = 'floating_pools[0]: '
STORE = 'backup_stores[0]: '
TYPE = 'volume_types[0]: '
OPTIONS = 'disk_read_mib, disk_write_mib, disk_iops'


@pytest.mark.parametrize(
    ('raw', 'problem'),
    [
        ([], 'it must hold one mapping'),
        ({'virt_type': 'xen'}, "virt_type: 'xen' is not one of auto, kvm, qemu"),
        ({'virt_type': None}, 'virt_type: None is not one of auto, kvm, qemu'),
        ({'outside_devices': 'wg0'}, 'outside_devices: must be a list of device names'),
        ({'outside_devices': ['wg0', 'a b']}, "outside_devices: 'a b' is not a device name"),
        ({'outside_devices': ['hk0']}, 'outside_devices: hk0 is a device of servers'),
        ({'bridges': ['br0', 'hk1']}, 'bridges: hk1 is a device of servers'),
        ({'bridges': [7]}, 'bridges: 7 is not a device name'),
        ({'admins': []}, 'admins: must be null, or a list of at least one name'),
        ({'admins': ['a', 7]}, 'admins: must be null, or a list of at least one name'),
        ({'admins': 'alice'}, 'admins: must be null, or a list of at least one name'),
        ({'router': 'yes'}, "router: 'yes' is neither true nor false"),
        ({'history_days': 0}, 'history_days: 0 is out of range; use 1 to 36500 (days)'),
        ({'history_days': '7'}, "history_days: '7' is out of range; use 1 to 36500 (days)"),
        ({'history_days': True}, 'history_days: True is out of range; use 1 to 36500 (days)'),
        (
            {'ram_allocation_ratio': 0},
            'ram_allocation_ratio: 0 is out of range; use 0.001 to 1000',
        ),
        (
            {'cpu_allocation_ratio': None},
            'cpu_allocation_ratio: None is out of range; use 0.001 to 1000',
        ),
        (
            {'disk_allocation_ratio': float('nan')},
            'disk_allocation_ratio: nan is out of range; use 0.001 to 1000',
        ),
        (
            {'reserved_host_memory_mb': 0.5},
            'reserved_host_memory_mb: 0.5 is out of range; use 0 to 16777216 (MiB)',
        ),
        ({'backup_stores': {}}, 'backup_stores: must be a list'),
        ({'backup_stores': ['/mnt']}, STORE + 'set name and path (an absolute one)'),
        ({'backup_stores': [{'name': 'a'}]}, STORE + 'set name and path (an absolute one)'),
        (
            {'backup_stores': [{'name': 'a', 'path': 'mnt'}]},
            STORE + "path: 'mnt' is not the absolute path of a directory",
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/'}]},
            STORE + "path: '/' is not the absolute path of a directory",
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt/../etc'}]},
            STORE + "path: '/mnt/../etc' is not the absolute path of a directory",
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt\n'}]},
            STORE + "path: '/mnt\\n' has characters that cannot be printed",
        ),
        (
            {'backup_stores': [{'name': 'a b', 'path': '/mnt'}]},
            STORE + name_problems('a b')[0],
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt', 'mounted': 1}]},
            STORE + 'mounted: 1 is neither true nor false',
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt', 'type': 'nfs'}]},
            STORE + 'type: no option of a store',
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt'}, {'name': 'a', 'path': '/srv'}]},
            'backup_stores: name a is listed twice',
        ),
        (
            {'backup_stores': [{'name': 'a', 'path': '/mnt'}, {'name': 'b', 'path': '/mnt'}]},
            'backup_stores: path /mnt is listed twice',
        ),
        ({'floating_pools': {}}, 'floating_pools: must be a list'),
        ({'floating_pools': ['172.24.0.0/24']}, POOL + 'set name and addresses (a list of CIDRs)'),
        ({'floating_pools': [{'name': 'a'}]}, POOL + 'set name and addresses (a list of CIDRs)'),
        (
            {'floating_pools': [{'name': 'a', 'addresses': '172.24.0.0/24'}]},
            POOL + 'set name and addresses (a list of CIDRs)',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': ['172.0.0.0/8']}]},
            POOL + 'addresses: 172.0.0.0/8 is larger than a /16',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': ['172.24.0.1/24']}]},
            POOL + 'addresses: 172.24.0.1/24 has host bits set',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': [10]}]},
            POOL + "addresses: Expected 4 octets in '10'",
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': [], 'uplink': 'x\nlink del lo'}]},
            POOL + "uplink: 'x\\nlink del lo' is not a device name",
        ),
        ({'floating_pools': [{'name': 'a b', 'addresses': []}]}, POOL + name_problems('a b')[0]),
        (
            {'floating_pools': [{'name': 'a', 'addresses': ['224.0.0.0/24']}]},
            POOL + 'addresses: 224.0.0.0/24 is not usable for hosts',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': ['240.0.0.0/24']}]},
            POOL + 'addresses: 240.0.0.0/24 is not usable for hosts',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': []}] * 2},
            'floating_pools: a is listed twice',
        ),
        (
            {
                'floating_pools': [
                    {'name': 'a', 'addresses': ['172.24.0.0/16']},
                    {'name': 'b', 'addresses': ['172.24.9.0/24']},
                ]
            },
            'floating_pools: 172.24.0.0/16 of a and 172.24.9.0/24 of b overlap',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': [], 'uplink': 'a/b'}]},
            POOL + "uplink: 'a/b' is not a device name",
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': [], 'uplink': 'x' * 16}]},
            POOL + f"uplink: '{'x' * 16}' is not a device name",
        ),
        ({'volume_types': None}, 'volume_types: must be a list'),
        (
            {'volume_types': [{'name': 'a'}]},
            TYPE + 'set name and path, and if you like mounted, capacity and limits; nothing else',
        ),
        (
            {'volume_types': [{'name': 'default', 'path': '/srv'}]},
            TYPE + 'name: default is the type of volumes in /var/lib/hanok; use another name',
        ),
        *(
            (
                {'volume_types': [{'name': 'a', 'path': path}]},
                f'{TYPE}path: {path!r} is no absolute path of letters, digits, dots, hyphens and '
                'underscores',
            )
            for path in ('srv', '/srv/', '/srv/../etc', '/srv/a,b', "/srv/'", '/')
        ),
        (
            {'volume_types': [{'name': 'a', 'path': '/var/lib/hanok/volumes'}]},
            TYPE + 'path: /var/lib/hanok/volumes is in /var/lib/hanok; use a directory elsewhere',
        ),
        (
            {'volume_types': [{'name': 'a', 'path': '/srv', 'mounted': 'yes'}]},
            TYPE + "mounted: 'yes' is neither true nor false",
        ),
        (
            {'volume_types': [{'name': 'a', 'path': '/srv', 'capacity': 0}]},
            TYPE + 'capacity: 0 is out of range; use 1 to 16777216 (GB)',
        ),
        *(
            (
                {'volume_types': [{'name': 'a', 'path': '/srv', 'limits': json.loads(limits)}]},
                f'{TYPE}limits: {problem}',
            )
            for limits, problem in {
                '[1]': f'[1] is no mapping of {OPTIONS}; nothing else',
                '{"network_in_mbit": 1}': f"{{'network_in_mbit': 1}} is no mapping of {OPTIONS}; "
                'nothing else',
                '{"disk_iops": "9"}': "disk_iops: '9' is no whole number",
                '{"disk_iops": true}': 'disk_iops: True is no whole number',
                '{"disk_iops": 0}': 'disk_iops: 0 is out of range; use 1 to 10000000 (1/s)',
                '{"disk_read_mib": 1000001}': 'disk_read_mib: 1000001 is out of range; '
                'use 1 to 1000000 (MiB/s)',
            }.items()
        ),
        (
            {'volume_types': [{'name': 'a', 'path': f'/srv/{one}'} for one in 'ab']},
            'volume_types: name a is listed twice',
        ),
        (
            {'volume_types': [{'name': one, 'path': '/srv'} for one in 'ab']},
            'volume_types: path /srv is listed twice',
        ),
        (
            {'floating_pools': [{'name': 'a', 'addresses': [], 'uplink': ''}]},
            POOL + "uplink: '' is not a device name",
        ),
    ],
)
def test_invalid_settings(loaded: Write, tmp_path: Path, raw: Any, problem: str) -> None:
    """The error has the file, the key, the value and what to do."""
    with pytest.raises(CloudError) as caught:
        loaded(raw)
    assert str(caught.value) == f'{tmp_path}/host.json: {problem}; {ROLE}'


def test_check_before_writing(loaded: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """It also refuses a missing uplink, which ``load`` accepts so that tasks still work."""
    pools = [{'name': 'lan', 'addresses': ['192.0.2.0/28'], 'uplink': 'nosuch0'}]
    (problem,) = missing({'floating_pools': pools})
    assert problem.startswith(
        POOL + 'uplink: nosuch0 does not exist on this host; existing devices: '
    )
    assert loaded({'floating_pools': pools}).pools[0].uplink == 'nosuch0'
    assert (
        missing({'floating_pools': [{**pools[0], 'uplink': 'lo'}, {'name': 'b', 'addresses': []}]})
        == []
    )
    stores = [{'name': 'nas', 'path': '/nosuch', 'mounted': True}]
    assert missing({'backup_stores': stores}) == [
        'backup_stores: /nosuch is not mounted; mount it, or set mounted: false'
    ]
    assert missing({'backup_stores': [{**stores[0], 'path': '/proc'}]}) == []
    (problem,) = missing({'bridges': ['lo']})
    assert problem.startswith('bridges: lo is no bridge of this host; existing bridges: ')
    assert loaded({'bridges': ['lo']}).bridges == ('lo',)
    monkeypatch.setenv('HANOK_STRICT', '1')
    with pytest.raises(CloudError, match="json: virt_type: 'xen' is not one of auto, kvm, qemu; "):
        loaded({'virt_type': 'xen', 'floating_pools': pools})
    with pytest.raises(CloudError, match='nosuch0 does not exist on this host'):
        loaded({'floating_pools': pools})


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that others may traverse, as those above it."""
    with tempfile.TemporaryDirectory(dir='/tmp') as path:
        folder = Path(path)
        folder.chmod(0o755)
        yield folder


def test_directories_of_volume_types(outside: Path) -> None:
    """They exist, something is mounted where it should be, and QEMU gets there."""
    folder = outside / 'ssd'

    def problems(**options: Any) -> list[str]:
        return missing({'volume_types': [{'name': 'ssd', 'path': str(folder), **options}]})

    start = 'volume_types[0]: path: '
    assert problems() == [f'{start}{folder} is no directory of this host; create or mount it first']
    folder.mkdir()
    (problem,) = problems(mounted=True)
    assert problem == (
        f'{start}nothing is mounted on {folder}; mount it first, or set mounted: false'
    )
    folder.chmod(0o700)
    (problem,) = problems()
    assert problem.startswith(f'{start}QEMU cannot reach {folder}; let others traverse {folder}')
    folder.chmod(0o755)
    assert problems() == []
    folder.rmdir()
    folder.symlink_to('/var/lib/hanok/volumes')
    assert missing({'volume_types': [{'name': 'ssd', 'path': str(folder)}]})


def test_all_problems_are_reported_at_once(loaded: Write) -> None:
    """So that an operator corrects the file once."""
    with pytest.raises(
        CloudError,
        match=r"virt_type: 'x'.*floating_pools\[0\]: set name.*"
        r'floating_pools\[1\]: addresses: 10\.0\.0\.0/8.*uplink: 7',
    ):
        loaded(
            {
                'virt_type': 'x',
                'floating_pools': [{}, {'name': 'a', 'addresses': ['10.0.0.0/8'], 'uplink': 7}],
            }
        )


@pytest.mark.parametrize('content', [b'', b'{', b'\xff\xfe', b'{"virt_type": }'])
def test_invalid_json(loaded: Write, tmp_path: Path, content: bytes) -> None:
    """An incomplete file, or one that is not text."""
    loaded({})
    (tmp_path / 'host.json').write_bytes(content)
    with pytest.raises(
        CloudError,
        match=r'host\.json cannot be read: .*; run the role hanok\.cloud\.host again to rewrite it',
    ):
        settings.load()


def test_no_file(loaded: Write, tmp_path: Path) -> None:
    """A host that is not prepared, or a folder instead of the file."""
    (tmp_path / 'host.json').unlink(missing_ok=True)
    with pytest.raises(
        CloudError,
        match=r'host\.json does not exist: this host is not prepared; '
        r'run the role hanok\.cloud\.host on it first',
    ):
        settings.load()
    (tmp_path / 'host.json').mkdir()
    with pytest.raises(CloudError, match=r'host\.json cannot be read'):
        settings.load()


@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=JSON | ALMOST)
def test_any_json(loaded: Write, raw: Any) -> None:
    """Results in valid settings or a CloudError."""
    try:
        found = loaded(raw)
    except CloudError:
        return
    assert found.virt_type in settings.VIRT_TYPES
    for pool in found.pools:
        assert isinstance(pool.name, str)
        assert all(isinstance(address, str) for address in pool.addresses)
        assert pool.uplink is None or isinstance(pool.uplink, str)
