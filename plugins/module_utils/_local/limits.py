# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits of this host.

Memory is used when guests touch it, and disks grow when they are written to. So only what can never
work is refused: more memory than the host has with its swap space. The rest is advice.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import List

from .._model.checks import GIB
from .._model.needs import Limit
from .host.settings import Settings

_OWNER = 'the host'


def limits(settings: Settings, resources: Collection[str]) -> List[Limit]:
    """Return the limits of some resources."""
    found: List[Limit] = []
    if 'running_memory' in resources:
        found += memory_limits(Path('/proc/meminfo').read_text(encoding='ascii'))
    if 'volume_size' in resources:
        found.append(_disk_limit(settings))
    return found


def memory_limits(meminfo: str) -> List[Limit]:
    """Return the limits of memory by the content of /proc/meminfo."""
    mib = _mib(meminfo)
    total, swap = mib['MemTotal'], mib['SwapTotal']
    limit = Limit(
        'running_memory', total + swap, None, _OWNER, 'choose a smaller flavor or fewer servers'
    )
    if total + swap == 0:
        return []
    way_out = 'it may swap, or end servers, when the guests use all of theirs; stop some'
    used = total - mib['MemAvailable']
    return [limit, Limit('running_memory', total, used, _OWNER, way_out, is_advice=True)]


def _mib(meminfo: str) -> Mapping[str, int]:
    lines = [line.split() for line in meminfo.splitlines()]
    return {words[0].rstrip(':'): int(words[1]) // 1024 for words in lines}


def _disk_limit(settings: Settings) -> Limit:
    """The size of the file system: a volume that is larger can never be full."""
    folder = Path(settings.state)
    while not folder.exists():  # on a new host
        folder = folder.parent
    system = os.statvfs(folder)
    total = system.f_blocks * system.f_frsize // GIB
    way_out = 'the guests cannot use all of it; add disk space'
    return Limit('volume_size', total, None, f'{_OWNER} (disk)', way_out, is_advice=True)
