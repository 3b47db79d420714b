# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checkpoints of machines: what tells QEMU which parts of disks changed since a backup.

libvirt keeps one as a bitmap in each disk. Ours have the names of the snapshots of their backups
(tag_of); those of other programs are left alone. A bitmap does not outlive a disk that is replaced
or rolled back, and not a crash of QEMU, which leaves none, or an inconsistent one.
"""

from __future__ import annotations

import contextlib
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Dict, FrozenSet, List

from ..._cloud import CloudError
from ..host.hypervisor import tolerate
from ..host.monitor import Monitor

_OURS = re.compile(r'hanok-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z')
_LOST = 'a disk was replaced or restored since, or QEMU crashed'
_METADATA_ONLY = 2  # VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY


class Checkpoints:
    """The checkpoints of a machine that runs."""

    def __init__(self, domain: Any) -> None:
        """Look at nothing yet."""
        self.domain = domain
        self.monitor = Monitor(domain)

    def ours(self) -> FrozenSet[str]:
        """The names of those of backups of this collection, whole or not."""
        found = {one.getName() for one in self.domain.listAllCheckpoints()}
        found.update(name for bitmaps in self._bitmaps().values() for name in bitmaps)
        return frozenset(filter(_OURS.match, found))

    def problem(self, name: str, paths: Sequence[str]) -> str:
        """Why it does not tell what changed in disks; empty: it does."""
        if name not in {one.getName() for one in self.domain.listAllCheckpoints()}:
            return 'it has no checkpoint'
        bitmaps = self._bitmaps()
        for path in paths:
            bitmap = bitmaps.get(os.path.realpath(path), {}).get(name, {})
            if bitmap.get('inconsistent') or not bitmap.get('recording'):
                return _LOST
        return ''

    def create(self, name: str, paths: Sequence[str]) -> None:
        """Keep track of what changes from now on."""
        self.domain.checkpointCreateXML(self.xml(name, paths))

    def xml(self, name: str, paths: Sequence[str]) -> str:
        """A checkpoint of disks, and of no other ones."""
        disks = ''.join(
            f"<disk name='{escape(target)}' checkpoint='bitmap'/>" for target in self.targets(paths)
        )
        return f'<domaincheckpoint><name>{name}</name><disks>{disks}</disks></domaincheckpoint>'

    def targets(self, paths: Sequence[str]) -> List[str]:
        """The names that disks have in the machine, by the paths of their files."""
        found: Dict[str, str] = {}
        for disk in ET.fromstring(self.domain.XMLDesc()).iterfind('devices/disk'):  # noqa: S314
            source, target = disk.find('source'), disk.find('target')
            if source is not None and target is not None:
                found[os.path.realpath(source.get('file', ''))] = target.get('dev', '')
        missing = [path for path in paths if os.path.realpath(path) not in found]
        if missing:
            raise CloudError(f'its machine does not have the disk {missing[0]}')
        return [found[os.path.realpath(path)] for path in paths]

    def delete(self, names: Iterable[str]) -> None:
        """Delete checkpoints of ours that exist, also broken ones."""
        for name in names:
            with tolerate('NO_DOMAIN_CHECKPOINT'):
                self._delete(self.domain.checkpointLookupByName(name))
            for node in self._nodes(name):
                self.monitor.execute('block-dirty-bitmap-remove', node=node, name=name)

    def _delete(self, checkpoint: Any) -> None:
        import libvirt

        with contextlib.suppress(libvirt.libvirtError):
            checkpoint.delete()
            return
        checkpoint.delete(_METADATA_ONLY)  # it lacks a bitmap

    def _nodes(self, name: str) -> List[str]:
        """The disks that have a bitmap, by their names in QEMU."""
        return [
            disk['node-name'] for disk in self.monitor.disks().values() if name in _bitmaps_of(disk)
        ]

    def _bitmaps(self) -> Dict[str, Dict[str, Any]]:
        """The bitmaps of each disk by name, by the paths of the disks."""
        return {path: _bitmaps_of(disk) for path, disk in self.monitor.disks().items()}


def _bitmaps_of(disk: Dict[str, Any]) -> Dict[str, Any]:
    """The bitmaps of a disk by name; one of QEMU itself has none."""
    return {one['name']: one for one in disk.get('dirty-bitmaps', ()) if one.get('name')}
