# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guest agent: what can be asked of a guest without a network (QEMU guest agent protocol)."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List, Set

SECONDS = 3
MOST = 64 * 1024  # bytes that are read of a file


def ask(domain: Any, command: str, **arguments: Any) -> Any:
    """Ask one thing; None when the guest does not answer."""
    import libvirt
    import libvirt_qemu

    request: Dict[str, Any] = {'execute': command, **({'arguments': arguments} if arguments else {})}
    try:
        return json.loads(libvirt_qemu.qemuAgentCommand(domain, json.dumps(request), SECONDS, 0))['return']
    except (libvirt.libvirtError, ValueError, KeyError):
        return None


def read(domain: Any, path: str) -> str | None:
    """Read a file of the guest, of a large one the end; None when it is not there or the guest does not answer."""
    handle = ask(domain, 'guest-file-open', path=path, mode='r')
    if handle is None:
        return None
    size = (ask(domain, 'guest-file-seek', handle=handle, offset=0, whence='end') or {}).get('position', 0)
    ask(domain, 'guest-file-seek', handle=handle, offset=max(0, size - MOST), whence='set')
    answer = ask(domain, 'guest-file-read', handle=handle, count=MOST)
    ask(domain, 'guest-file-close', handle=handle)
    return None if answer is None else base64.b64decode(answer['buf-b64']).decode(errors='replace')


def mounted_serials(domain: Any) -> Set[str] | None:
    """The serials of the virtio disks on which file systems are mounted; None when the guest cannot be asked."""
    systems: List[Dict[str, Any]] | None = ask(domain, 'guest-get-fsinfo')
    if systems is None:
        return None
    names = {name for system in systems for name in _devices(system)}
    return {serial.strip('\0\n ') for serial in (read(domain, f'/sys/block/{name}/serial') for name in names) if serial}


def _devices(system: Dict[str, Any]) -> Set[str]:
    names = {str(system.get('name', '')), *(str(disk.get('dev', '')) for disk in system.get('disk', []))}
    plain = {name.rsplit('/', 1)[-1] for name in names}
    return {name.rstrip('0123456789') for name in plain if name.startswith('vd')}
