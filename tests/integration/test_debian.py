# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real distribution with the real cloud-init and udev.

Its first-boot content is that of the user's guide: a volume that the first boot formats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import SEEN, keep, refused, run

SSH = {'wait_for': 'ssh', 'wait_timeout': 300}


def test_debian(debian_server: dict[str, Any], ssh: Callable[..., str]) -> None:
    """Host name, key, user data and root file system are as requested."""
    output = ssh(
        debian_server['fixed_ip'],
        'hostname; findmnt -no FSTYPE /srv/photos; cloud-init status',
        user='debian',
    ).splitlines()
    assert output == ['real', 'ext4', 'status: done']


# The kernel of this image, which is for clouds, has no driver for SATA.
@pytest.mark.parametrize('bus', ['scsi', 'virtio'])
def test_disks_by_their_paths(
    bus: str, soak: bool, debian_server: dict[str, Any], ssh: Callable[..., str]
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
    ssh(debian_server['fixed_ip'], '; '.join((*paths, mount)), user='debian')
    assert 'is mounted in real' in refused('volume', name='plain', state='detached')
    ssh(debian_server['fixed_ip'], 'sudo umount /mnt', user='debian')
    keep('volume', name='plain', state='detached')
    keep('volume', name='plain', state='absent')
