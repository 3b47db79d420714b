# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to libvirt: one per thread and driver, because one connection runs at most five calls at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Dict, List, NamedTuple

from .._cloud import CloudError

URIS = {'qemu': 'qemu:///system', 'lxc': 'lxc:///system'}


class Machine(NamedTuple):
    """A virtual machine in libvirt, its power (started, stopped or paused), and whether it is defined, or only runs."""

    domain: Any
    power: str
    defined: bool


class Hypervisor:
    """libvirt, imported and opened when it is first needed."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._mine = threading.local()
        self._all: List[Any] = []

    @property
    def qemu(self) -> Any:
        """This thread's connection to the QEMU driver."""
        return self._connection('qemu')

    @property
    def lxc(self) -> Any:
        """This thread's connection to the LXC driver."""
        return self._connection('lxc')

    def _connection(self, driver: str) -> Any:
        opened: Dict[str, Any] = self._mine.__dict__
        if driver not in opened:
            opened[driver] = self._open(URIS[driver])
            self._all.append(opened[driver])
        return opened[driver]

    @staticmethod
    def _open(uri: str) -> Any:
        try:
            import libvirt
        except ImportError as error:
            raise CloudError('python3-libvirt is not installed on this host; the role hanok.cloud.host installs it') from error
        libvirt.registerErrorHandler(lambda context, error: None, None)
        try:
            return libvirt.open(uri)
        except libvirt.libvirtError as error:
            raise CloudError(f'libvirt does not answer at {uri}: {error}; start it, or run the role hanok.cloud.host, which does') from error

    def machines(self) -> Dict[str, Machine]:
        """All virtual machines by their UUIDs."""
        import libvirt

        found = {domain.UUIDString(): domain for domain in self.qemu.listAllDomains()}
        active, paused, transient = (
            {domain.UUIDString() for domain in self.qemu.listAllDomains(getattr(libvirt, f'VIR_CONNECT_LIST_DOMAINS_{flag}'))}
            for flag in ('ACTIVE', 'PAUSED', 'TRANSIENT')
        )
        return {
            identity: Machine(domain, 'paused' if identity in paused else 'started' if identity in active else 'stopped', identity not in transient)
            for identity, domain in found.items()
        }

    def close(self) -> None:
        """Close what was opened."""
        while self._all:
            self._all.pop().close()


@contextmanager
def tolerate(*codes: str) -> Iterator[None]:
    """Let these libvirt errors pass (names without VIR_ERR_): what was to be done is done already."""
    import libvirt

    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in [getattr(libvirt, 'VIR_ERR_' + code) for code in codes]:
            raise
