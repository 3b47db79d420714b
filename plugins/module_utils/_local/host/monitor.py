# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The QEMU monitor of a running machine: what libvirt has no call for (QEMU machine protocol)."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, FrozenSet, Sequence, Tuple

from ..._cloud import CloudError


class Monitor:
    """The monitor of a running machine.

    libvirt marks the machine as tainted (custom-monitor), which has no effect.
    """

    def __init__(self, domain: Any) -> None:
        """Send no command yet."""
        self._domain = domain

    def execute(self, command: str, **arguments: Any) -> Any:
        """Execute a command; return its result. Raises CloudError."""
        import libvirt_qemu

        request: Dict[str, Any] = {'execute': command}
        if arguments:
            named = {name.replace('_', '-'): value for name, value in arguments.items()}
            request['arguments'] = named
        answer = json.loads(libvirt_qemu.qemuMonitorCommand(self._domain, json.dumps(request), 0))
        if 'error' in answer:
            raise CloudError(f'QEMU: {command}: {answer["error"].get("desc")}')
        return answer['return']

    def nodes(self, paths: Sequence[str]) -> Tuple[str, ...]:
        """The names of the block nodes of disks, by the paths of their files.

        Raises CloudError for one that the machine does not have.
        """
        found = self.disks()
        for path in paths:
            if os.path.realpath(path) not in found:
                raise CloudError(f'its machine does not have the disk {path}')
        return tuple(found[os.path.realpath(path)]['node-name'] for path in paths)

    def disks(self) -> Dict[str, Dict[str, Any]]:
        """The disks of the machine (BlockDeviceInfo), by the real paths of their files."""
        devices = self.execute('query-block')
        found = [device['inserted'] for device in devices if device.get('inserted')]
        return {os.path.realpath(disk['file']): disk for disk in found}

    def snapshots(self, node: str) -> FrozenSet[str]:
        """The names of the snapshots in a disk."""
        for one in self.execute('query-named-block-nodes', flat=True):
            if one['node-name'] == node:
                found = one['image'].get('snapshots', ())
                return frozenset(snapshot['name'] for snapshot in found)
        return frozenset()

    def job(self, name: str) -> Dict[str, Any] | None:
        """The state of a job; None if there is no such job."""
        jobs = self.execute('query-jobs')
        return next((job for job in jobs if job['id'] == name), None)
