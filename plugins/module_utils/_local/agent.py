# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guest agent: what can be asked of a guest without a network (QEMU guest agent protocol)."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, FrozenSet, Set

from .._model import guest

_EACH = 3  # seconds for one answer
_ALL = 10.0  # seconds for all that is asked at once
_MOST_DISKS = 26  # a server has at most 16; each costs four questions


class Agent:
    """The agent of a machine that runs, for a few questions. Who has not answered in time is asked nothing more.

    ``until``: when all of the answers must be there (monotonic).
    """

    def __init__(self, domain: Any, until: float) -> None:
        """Nothing is asked yet."""
        self._domain = domain
        self._until = min(until, time.monotonic() + _ALL)
        self._silent = False

    def ask(self, command: str, **arguments: Any) -> object:
        """Ask one thing; None when there is no answer."""
        import libvirt
        import libvirt_qemu

        left = self._until - time.monotonic()
        if self._silent or left <= 0:
            return None
        seconds = max(1, min(_EACH, int(left)))
        request: Dict[str, Any] = {
            'execute': command,
            **({'arguments': arguments} if arguments else {}),
        }
        requested = time.monotonic()
        try:
            self._domain.agentSetResponseTimeout(
                seconds, 0
            )  # for libvirt's own question whether somebody is there
            text = libvirt_qemu.qemuAgentCommand(self._domain, json.dumps(request), seconds, 0)
        except (
            libvirt.libvirtError,
            SystemError,
            ValueError,
        ):  # libvirt-python raises the last two for an answer that is no UTF-8
            self._silent = time.monotonic() - requested >= seconds
            return None
        return guest.parse_answer(text)

    def file(self, path: str) -> bytes | None:
        """A file of the guest, of a large one the end; None when it is not there or the guest does not answer."""
        handle = guest.parse_number(self.ask('guest-file-open', path=path, mode='r'))
        if handle is None:
            return None
        size = (
            guest.parse_position(self.ask('guest-file-seek', handle=handle, offset=0, whence='end'))
            or 0
        )
        self.ask(
            'guest-file-seek', handle=handle, offset=max(0, size - guest.MAX_BYTES), whence='set'
        )
        found = guest.parse_content(
            self.ask('guest-file-read', handle=handle, count=guest.MAX_BYTES)
        )
        self.ask('guest-file-close', handle=handle)
        return found

    def addresses(self) -> Dict[str, FrozenSet[str]] | None:
        """The addresses that the guest has, by hardware address."""
        return guest.parse_addresses(self.ask('guest-network-get-interfaces'))

    def mounted_serials(self) -> Set[str] | None:
        """The serials of the virtio disks on which file systems are mounted; None when the guest cannot be asked."""
        names = guest.parse_mounted_disks(self.ask('guest-get-fsinfo'))
        if names is None or len(names) > _MOST_DISKS:
            return None
        serials = [self.file(f'/sys/block/{name}/serial') for name in names]
        if self._silent or time.monotonic() > self._until:
            return None
        return {serial.decode(errors='replace').strip('\0\n ') for serial in serials if serial}
