# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real distribution with the real cloud-init."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import keep


def test_debian(debian: str, key: str, open_group: str, ssh: Callable[..., str]) -> None:
    """Host name, key, user data and root file system are as requested."""
    keep('image', name='debian', path=debian)
    script = '#!/bin/sh\necho ran >> /root/first-boot\n'
    created = keep(
        'server',
        name='real',
        image='debian',
        flavor='g1.micro',
        key_name='test',
        security_groups=['open'],
        user_data=script,
        wait_for='init',
        wait_timeout=300,
    )
    output = ssh(
        created['server']['fixed_ip'],
        'hostname; sudo cat /root/first-boot; cloud-init status',
        user='debian',
    ).splitlines()
    assert output == ['real', 'ran', 'status: done']
    keep('server', name='real', state='absent')
    keep('image', name='debian', state='absent')
