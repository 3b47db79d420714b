# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes, images, networks and floating IPs that are protected from deletion."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .clouds import CloudUnderTest
from .promises import Result

Keep = Callable[..., Result]
Refused = Callable[..., str]
pytestmark = pytest.mark.usefixtures('image')  # before the first test, as it stays


@pytest.mark.parametrize('kind', ['volume', 'image', 'network', 'floating_ip'])
def test_protected(cloud: CloudUnderTest, keep: Keep, refused: Refused, kind: str) -> None:
    """Not deleted before the protection is lifted, by another task or the same one."""
    options = {'volume': {'size': 1}, 'image': {'path': cloud.image_path}}.get(kind, {})
    made = keep(kind, name='safe', delete_protection=True, **options)[kind]
    assert made['delete_protection'] is True
    changed = keep(kind, name='safe', description='still protected')[kind]
    assert (changed['delete_protection'], changed['description']) == (True, 'still protected')
    text = (
        f'refused: {kind} safe is protected; set delete_protection: false, also in this task, to '
        'allow its deletion'
    )
    assert refused(kind, name='safe', state='absent') == text
    assert keep(kind, name='safe', delete_protection=False)[kind]['delete_protection'] is False
    assert refused(kind, name='safe', state='absent', delete_protection=True) == text
    keep(kind, name='safe', delete_protection=True)
    keep(kind, name='safe', state='absent', delete_protection=False)
    assert not keep(kind, name='safe', state='absent')['changed']


def test_address_of_a_server(keep: Keep, server: Keep) -> None:
    """A floating IP that was allocated with a server outlives it once it is protected."""
    address = server('one', floating_ip='auto')['server']['floating_ip']
    kept = keep('floating_ip', address=address, delete_protection=True)['floating_ip']
    assert (kept['automatic'], kept['server']) == (False, 'one')
    keep('server', name='one', state='absent')
    assert keep('floating_ip', address=address)['floating_ip']['server'] is None
    keep('floating_ip', address=address, state='absent', delete_protection=False)
