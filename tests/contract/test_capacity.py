# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has not is refused before anything is touched, and what is free is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

pytestmark = pytest.mark.needs('limits of the host')
Kept = Callable[..., Result]
Refused = Callable[..., str]
Limited = Callable[[str, int], Any]


@pytest.fixture
def limited(cloud: CloudUnderTest) -> Limited:
    """Limit what is left of the host."""
    assert cloud.limited
    return cloud.limited


@pytest.fixture
def server(run: Run, keep: Kept, image: str) -> Iterator[Result]:
    """A server of 128 MiB, and one of 512 MiB."""
    keep('server', name='large', image=image, flavor='g1.micro')
    keep('server', name='small', image=image, flavor='g1.nano')
    yield {'name': 'small', 'image': image, 'flavor': 'g1.nano'}
    for name in ('small', 'large', 'other'):
        run('server', name=name, state='absent')


def test_servers_that_do_not_fit(
    cloud: CloudUnderTest, run: Run, refused: Refused, image: str, limited: Limited
) -> None:
    """The message has what is free, and as many as fit: then they do."""
    before = cloud.remains()
    group = {'name': 'web', 'image': image, 'flavor': 'g1.nano'}
    with limited('host_memory', 700):
        text = refused('server', count=20, **group)
        assert text.startswith(
            'refused: server: 20 servers of flavor g1.nano need 2560 MiB of memory; 700 MiB of '
        ), text
        assert 'MiB are free' in text
        assert '; 5 of g1.nano fit; ' in text
        assert run('server', check=True, count=5, **group)['changed']
        text = refused('server', count=2, **{**group, 'flavor': 'g1.micro'})
        assert '; 1 of g1.micro fits; ' in text, text
    with limited('host_memory', 300):
        text = refused('server', **{**group, 'flavor': 'g1.micro'})
    assert text.startswith('refused: server: flavor g1.micro needs 512 MiB of memory; 300 MiB of ')
    assert '; g1.nano fits; ' in text, text
    with limited('host_vcpus', 1):
        assert 'server: 2 servers of flavor g1.nano need 2 vCPUs; 1 vCPUs of ' in refused(
            'server', count=2, **group
        )
    with limited('host_disk', 3):
        assert 'server: flavor g1.micro needs 4 GB of disk space; 3 GB of ' in refused(
            'server', **{**group, 'flavor': 'g1.micro'}
        )
        assert 'volume: 1 volume needs 4 GB of disk space; 3 GB of ' in refused(
            'volume', name='data', size=4
        )
    assert cloud.remains() == before


def test_power_and_shelving(
    run: Run, keep: Kept, refused: Refused, server: Result, limited: Limited
) -> None:
    """A server that is stopped can be started at any time, one that is shelved if it fits."""
    keep('server', name='small', state='stopped', force=True)
    with limited('host_memory', 0):
        keep('server', name='small', state='started')
        assert 'server: flavor g1.nano needs 128 MiB of memory; 0 MiB of ' in refused(
            'server', **{**server, 'name': 'other'}
        )
        run('server', name='small', state='shelved', force=True)
        keep('server', **{**server, 'name': 'other'}, state='stopped')
        assert 'server: 1 server needs 128 MiB of memory; 0 MiB of ' in refused(
            'server', name='small', state='started'
        )
        refused('server_action', action='unshelve', name='small')
        keep('server', name='other', state='absent')
        assert not run('server_action', action='unshelve', name='small').get('failed')


def test_resize(run: Run, refused: Refused, server: Result, limited: Limited) -> None:
    """What it needs more has to be free; what it gives back is held until it is confirmed."""
    with limited('host_memory', 383):
        text = refused('server_action', action='resize', name='small', flavor='g1.micro')
        assert 'server: 1 server needs 384 MiB of memory; 383 MiB of ' in text
        resized = run('server_action', action='resize', name='large', flavor='g1.nano', force=True)
        if resized.get('failed'):  # the disk of a server that boots from a volume stays as it is
            assert 'cannot shrink' in resized['msg']
            return
        refused('server_action', action='resize', name='small', flavor='g1.micro')
        run('server_action', action='confirm_resize', name='large')
        assert run('server_action', check=True, action='resize', name='small', flavor='g1.micro')[
            'changed'
        ]


def test_host_that_is_over_its_limits(
    run: Run, keep: Kept, server: Result, limited: Limited
) -> None:
    """What needs nothing more is done."""
    with limited('host_memory', -1), limited('host_vcpus', -1), limited('host_disk', -1):
        keep('server', name='small', description='over')
        keep('server', name='small', state='stopped', force=True)
        keep('server', name='small', state='started')
        rebuilt = run('server_action', action='rebuild', name='small')
        assert rebuilt['changed'], rebuilt


def test_capacity_info(
    cloud: CloudUnderTest, run: Run, keep: Kept, server: Result, limited: Limited
) -> None:
    """What is left of each resource, and the number of servers of a flavor that still fit."""
    with limited('host_memory', 700):
        memory = run('capacity_info')['capacity']['memory']
        fits = run('capacity_info')['capacity']['fits']
        assert memory['free'] == 700
        assert memory['limit'] == memory['used'] + 700
        assert (fits['g1.nano'], fits['g1.micro']) == (5, 1)
        run('server', name='small', state='shelved', force=True)
        shelved = run('capacity_info')['capacity']['memory']
        assert (shelved['used'], shelved['free']) == (memory['used'] - 128, 828)
    with limited('host_memory', -1):
        assert run('capacity_info')['capacity']['memory']['free'] == 0
        assert run('capacity_info')['capacity']['fits']['g1.nano'] == 0


def test_volume_types(run: Run, keep: Kept, refused: Refused, limited: Limited) -> None:
    """Each has what is free of its own."""
    with limited('host_disk:fast', 3), limited('host_disk', 2):
        text = refused('volume', name='data', size=4, volume_type='fast')
        assert 'volume: 1 volume needs 4 GB of disk space of volume type fast; 3 GB of ' in text
        keep('volume', name='data', size=3, volume_type='fast')
        found = run('capacity_info')['capacity']
        assert found['volume_types']['fast']['free'] == 0
        assert found['disk']['free'] == 2
        refused('volume', name='data', size=4)
        keep('volume', name='data', state='absent')


def test_volumes_of_other_projects_count(
    run: Run, keep: Kept, refused: Refused, limited: Limited
) -> None:
    """They share the host."""
    with limited('host_disk', 4):
        assert run('volume', check=True, name='data', size=3)['changed']
        keep('volume', name='data', size=2, project='blue')
        assert '; 2 GB of ' in refused('volume', name='data', size=3)
        keep('volume', name='data', size=2)
        keep('volume', name='data', state='absent')
        keep('volume', name='data', state='absent', project='blue')
