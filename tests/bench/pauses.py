# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long the writes of a guest stand still while a snapshot of its disks is made or deleted."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import libvirt

DEVICE = 'vdb'
# Writes without a cache, from the beginning to the end of the disk and again.
WRITER = """#!/bin/sh
(while :; do dd if=/dev/zero of=/dev/vdb bs=64k oflag=direct; done >/dev/null 2>&1 </dev/null &)
"""
_WRITES = 2  # in the statistics of a block device: the number of write requests
_CLUSTERS = 'preallocation=metadata,cluster_size=1M,extended_l2=on'


def allocate(path: str, size: int) -> None:
    """Allocate all clusters of the disk of a volume (GB), as if it had been filled."""
    command = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', _CLUSTERS, path, f'{size}G']
    subprocess.run(command, check=True)


class Watch:
    """Watches the writes of a guest from outside, every few milliseconds."""

    def __init__(self, server: str) -> None:
        """``server``: its name."""
        machines = libvirt.open('qemu:///system').listAllDomains()
        (self.domain,) = [one for one in machines if one.name().endswith(f'-{server}')]
        self.longest = 0.0
        self._ended = threading.Event()

    def during(self, work: Callable[[], Any]) -> float:
        """Return the longest time without a write while something is done (seconds)."""
        self.longest = 0.0
        self._ended.clear()
        thread = threading.Thread(target=self._watch)
        thread.start()
        work()
        self._ended.set()
        thread.join()
        return self.longest

    def _watch(self) -> None:
        last, writes = time.monotonic(), self._writes()
        while not self._ended.wait(0.002):
            current = self._writes()
            now = time.monotonic()
            if current != writes:
                self.longest = max(self.longest, now - last)
                last, writes = now, current

    def _writes(self) -> int:
        return int(self.domain.blockStats(DEVICE)[_WRITES])
