# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writing the files of dnsmasq."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

from ..host.devices import bridge_name
from ..host.files import read_file, write_atomically
from ..record.host import Host
from .dhcp_texts import files, texts


def write(host: Host, networks: Iterable[int]) -> None:
    """Write the files of these networks where they differ, and have dnsmasq reload them."""
    for network in sorted(set(networks)):
        with host.locks.projection('dhcp'):
            new = texts(host, network)
            changed = [_write_changed(path, text) for path, text in zip(files(network), new)]
            if any(changed):
                _signal(network)


def remove(network: int) -> None:
    """Remove the files of a deleted network."""
    for path in files(network):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _write_changed(path: str, text: str) -> bool:
    """Write a file if its text differs; return whether it did.

    dnsmasq runs as its own user, so the file is world-readable: names and addresses are not secret.
    """
    if read_file(path) == text:
        return False
    write_atomically(path, text, 0o644)
    os.chmod(path, 0o644)
    return True


def _signal(network: int) -> None:
    try:
        with open(f'/run/libvirt/network/{bridge_name(network)}.pid', encoding='ascii') as file:
            os.kill(int(file.read()), signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass  # it is not running yet, and reads the files when it starts
