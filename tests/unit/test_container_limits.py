# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits around containers: where they are, and what they are."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.container_limits import (
    properties,
    scope_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.control_group import group_in

SCOPE = r'machine-lxc\x2d3604\x2dhanok\x2d1\x2ddeb.scope'


@pytest.mark.parametrize(
    ('text', 'scope'),
    [
        (f'0::/machine.slice/{SCOPE}/libvirt\n', SCOPE),
        (f'0::/machine.slice/{SCOPE}/libvirt/init.scope\n', SCOPE),
        ('0::/machine/lxc-1-box.libvirt-lxc\n', ''),
        (f'4:memory:/machine.slice/{SCOPE}\n0::/\n', ''),
        ('', ''),
    ],
)
def test_scope(text: str, scope: str) -> None:
    """It is that of the host, not one that a systemd in the container has made."""
    assert scope_of(group_in(text)) == scope


def test_properties() -> None:
    """Memory, swap beyond it, and CPU time."""
    assert properties(128, 2, 0) == ('MemoryMax=128M', 'MemorySwapMax=0M', 'CPUQuota=200%')
    assert properties(128, 2, 64)[1] == 'MemorySwapMax=64M'
