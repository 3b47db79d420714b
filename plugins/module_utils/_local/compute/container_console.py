# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The consoles of containers, which a hook of libvirt has read, as it has their logs written."""

from __future__ import annotations

import os
from contextlib import suppress

from ..record.host import Host

# Installed by the role host. It knows no other folder than the one for servers by default.
_HOOK, _STATE = '/etc/libvirt/hooks/lxc.d/hanok', '/var/lib/hanok'
_DAEMON = '/run/libvirtd.pid'


def is_read(host: Host) -> bool:
    """Whether libvirtd calls the hook: it looks for hooks only at its start."""
    with suppress(OSError):
        is_ours = host.settings.path() == _STATE
        return is_ours and os.stat(_HOOK).st_mtime <= os.stat(_DAEMON).st_mtime
    return False
