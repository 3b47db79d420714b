# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guest agent: reads a guest without a network (QEMU guest agent protocol)."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, FrozenSet, Set

from ..._model import guest

_COMMAND_TIMEOUT = 3  # seconds
_TOTAL_TIMEOUT = 10.0  # seconds, for all commands of one Agent
_VPD_HEADER = 4  # bytes before the serial in a page of vital product data (SPC-4)
_MOST_DISKS = 26  # a server has at most 16; each costs four commands


class Agent:
    """The agent of a running machine. After one command has timed out, no other is sent.

    ``deadline``: when all responses must have arrived (monotonic). ``patience``: seconds for each
    one of a guest that may have much to do.
    """

    def __init__(self, domain: Any, deadline: float, patience: int = _COMMAND_TIMEOUT) -> None:
        """Send no command yet."""
        self._domain = domain
        self._deadline = min(deadline, time.monotonic() + max(_TOTAL_TIMEOUT, patience))
        self._patience = patience
        self._has_timed_out = False

    def execute(self, command: str, **arguments: Any) -> object:
        """Execute a command; None without a valid response."""
        import libvirt
        import libvirt_qemu

        left = self._deadline - time.monotonic()
        if self._has_timed_out or left <= 0:
            return None
        seconds = max(1, min(self._patience, int(left)))
        request: Dict[str, Any] = {'execute': command}
        if arguments:
            request['arguments'] = arguments
        started = time.monotonic()
        try:
            # for the guest-sync that libvirt itself sends first
            self._domain.agentSetResponseTimeout(seconds, 0)
            text = libvirt_qemu.qemuAgentCommand(self._domain, json.dumps(request), seconds, 0)
        except (libvirt.libvirtError, SystemError, ValueError):
            # libvirt-python raises the last two for a response that is not UTF-8
            self._has_timed_out = time.monotonic() - started >= seconds
            return None
        return guest.parse_answer(text)

    def file(self, path: str) -> bytes | None:
        """A file of the guest, of a large one the end; None if there is none or no response."""
        opened = self.execute('guest-file-open', path=path, mode='r')
        handle = guest.parse_number(opened)
        if handle is None:
            return None
        end = self.execute('guest-file-seek', handle=handle, offset=0, whence='end')
        length = guest.parse_position(end) or 0
        start = max(0, length - guest.MAX_BYTES)
        self.execute('guest-file-seek', handle=handle, offset=start, whence='set')
        answer = self.execute('guest-file-read', handle=handle, count=guest.MAX_BYTES)
        self.execute('guest-file-close', handle=handle)
        return guest.parse_content(answer)

    def addresses(self) -> Dict[str, FrozenSet[str]] | None:
        """The addresses of the guest by MAC."""
        return guest.parse_addresses(self.execute('guest-network-get-interfaces'))

    def mounted_serials(self) -> Set[str] | None:
        """The serials of the disks with mounted file systems; None if unknown."""
        systems = self.execute('guest-get-fsinfo')
        names = guest.parse_mounted_disks(systems)
        if names is None or len(names) > _MOST_DISKS:
            return None
        serials = [self._serial(name) for name in names]
        if self._has_timed_out or time.monotonic() > self._deadline:
            return None
        texts = [serial.decode(errors='replace') for serial in serials if serial]
        return {text.strip('\0\n ') for text in texts}

    def _serial(self, name: str) -> bytes | None:
        if name.startswith('vd'):
            return self.file(f'/sys/block/{name}/serial')
        page = self.file(f'/sys/block/{name}/device/vpd_pg80')
        return page and page[_VPD_HEADER:]
