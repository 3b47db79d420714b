# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VLANs of taps on bridges of the host. The hook of the role host sets those of new taps."""

from __future__ import annotations

import json
from typing import Dict, Tuple

from ..host.kernel import device_exists, is_up, separates_vlans
from ..record.work import Work

Vlans = Dict[str, Tuple[str, int]]
_FLAGS = {'PVID', 'Egress Untagged'}


def astray(work: Work, wanted: Vlans) -> Vlans:
    """Return taps that are in other VLANs, or down; ``wanted``: their bridges and VLANs.

    A bridge that no longer separates VLANs is not ours to change.
    """
    there = {
        tap: place
        for tap, place in wanted.items()
        if device_exists(tap) and separates_vlans(place[0])
    }
    if not there:
        return {}
    told = {one['ifname']: one['vlans'] for one in json.loads(work.run('bridge', '-j', 'vlan'))}
    return {
        tap: place
        for tap, place in there.items()
        if not (_is_in(told.get(tap), place[1]) and is_up(tap))
    }


def _is_in(vlans: object, vlan: int) -> bool:
    """Whether a device is in one VLAN, as bridge(8) shows it."""
    if not isinstance(vlans, list) or len(vlans) != 1:
        return False
    (only,) = vlans
    return bool(only.get('vlan') == vlan and {*only.get('flags', ())} >= _FLAGS)


def put(work: Work, tap: str, vlan: int) -> None:
    """Put a tap in a VLAN and in no other, and up: it may have been down until then."""
    work.run('bridge', 'vlan', 'del', 'dev', tap, 'vid', '1-4094')
    work.run('bridge', 'vlan', 'add', 'dev', tap, 'vid', str(vlan), 'pvid', 'untagged')
    work.run('ip', 'link', 'set', tap, 'up')
