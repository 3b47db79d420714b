# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real distribution with the real cloud-init and udev.

Its first-boot content is that of the user's guide: a volume that the first boot formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.tools.examples import fences

from .conftest import ROOT, SEEN, keep, refused, run

SCSI = 'scsi-0QEMU_QEMU_HARDDISK_'
SSH = {'wait_for': 'ssh', 'wait_timeout': 300}


@pytest.fixture(scope='module')
def server(debian_image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server whose first boot is done, and has formatted its volume."""
    volume = keep('volume', name='photos', size=1)['volume']
    device = volume['device'].replace('virtio-', SCSI)
    wanted = {
        'name': 'real',
        'image': debian_image,
        'flavor': 'g1.micro',
        'hardware': {'disk_bus': 'scsi'},
        'key_name': 'test',
        'security_groups': ['open'],
        'user_data': user_data_of_the_guide(device),
    }
    keep('server', **wanted)
    attached = keep('volume', name='photos', server='real', state='attached')['volume']
    assert attached['device'] == device
    yield run('server', **wanted, wait_for='init', wait_timeout=300)['server']
    keep('server', name='real', state='absent')
    keep('volume', name='photos', state='absent')


def user_data_of_the_guide(device: str) -> str:
    """The first-boot content of the user's guide, for a volume that has this device."""
    text = (ROOT / 'docs' / 'guide.md').read_text(encoding='utf-8')
    entries = [entry for _line, block in fences(text) for entry in yaml.safe_load(block)]
    tasks = [task for entry in entries for task in entry.get('tasks', ())]
    (user_data,) = [
        task['hanok.cloud.server']['user_data']
        for task in tasks
        if task.get('name') == 'Create the server'
    ]
    assert '{{ photos.volume.device }}' in user_data
    return str(user_data).replace('{{ photos.volume.device }}', device)


def test_debian(server: dict[str, Any], ssh: Callable[..., str]) -> None:
    """Host name, key, user data and root file system are as requested."""
    output = ssh(
        server['fixed_ip'],
        'hostname; findmnt -no FSTYPE /srv/photos; cloud-init status',
        user='debian',
    ).splitlines()
    assert output == ['real', 'ext4', 'status: done']


# The kernel of this image, which is for clouds, has no driver for SATA.
@pytest.mark.parametrize('bus', ['scsi', 'virtio'])
def test_disks_by_their_paths(
    bus: str, soak: bool, server: dict[str, Any], ssh: Callable[..., str]
) -> None:
    """On each bus udev has the paths that are shown, and a mounted volume is not detached."""
    if bus != 'scsi':
        if not soak:
            pytest.skip('it takes a boot: make soak runs it')
        keep('server', name='real', state='stopped')
        keep('server', name='real', hardware={'disk_bus': bus})
    device = keep('volume', name='plain', size=1, server='real', state='attached')['volume'][
        'device'
    ]
    run('server', name='real', state='started', **SSH)
    (root,) = run('volume_info', name='real/root')['volumes']
    paths = (SEEN.format(root['device']), SEEN.format(device))
    mount = f'sudo mkfs.ext4 -q {device} && sudo mount {device} /mnt'
    ssh(server['fixed_ip'], '; '.join((*paths, mount)), user='debian')
    assert 'is mounted in real' in refused('volume', name='plain', state='detached')
    ssh(server['fixed_ip'], 'sudo umount /mnt', user='debian')
    keep('volume', name='plain', state='detached')
    keep('volume', name='plain', state='absent')
