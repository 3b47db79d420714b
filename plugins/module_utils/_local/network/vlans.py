# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VLANs of taps on bridges of the host. The hook of the role host sets those of new taps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Dict, List, Mapping, Tuple

from ..host.devices import bridge_tap_name
from ..host.kernel import device_exists, is_up
from ..host.settings_devices import separates_vlans
from ..record.database import Query
from ..record.host import Host
from ..record.work import Work

if TYPE_CHECKING:
    from ..record.rows import BridgePortRow

_TAGGED: Query[BridgePortRow] = Query('SELECT * FROM main.bridge_port WHERE vlan')
_FLAGS = {'PVID', 'Egress Untagged'}
Vlans = Dict[str, Tuple[str, int]]


def vlan_faults(host: Host) -> List[str]:
    """Return what is not in its VLAN."""
    return [
        f'{tap} is not in VLAN {vlan} of {bridge}'
        for tap, (bridge, vlan) in astray(host.work, _wanted(host)).items()
    ]


def attach(host: Host, detached: Mapping[str, str]) -> None:
    """Attach taps to their bridges, by tap, and put those that have a VLAN there."""
    wanted = _wanted(host)
    for tap, bridge in detached.items():
        if tap in wanted:  # until it is in its VLAN
            host.work.run('ip', 'link', 'set', tap, 'down')
        host.work.run('ip', 'link', 'set', tap, 'master', bridge)
    for tap, (_bridge, vlan) in astray(host.work, wanted).items():
        put(host.work, tap, vlan)


def _wanted(host: Host) -> Vlans:
    """The bridges and VLANs of all taps that are to be in one."""
    rows = host.record.rows(_TAGGED)
    return {bridge_tap_name(row['id']): (row['bridge'], row['vlan']) for row in rows}


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
