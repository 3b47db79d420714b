# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The devices and stores that settings name: checked before the role host writes these."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List

from .kernel import device_exists, devices, is_bridge
from .mounts import is_mounted
from .settings_volume_types import unusable

if TYPE_CHECKING:
    from .settings import Settings

# Of the role host. It puts taps in their VLANs when libvirt has made them.
_VLAN_HOOK = '/etc/libvirt/hooks/qemu.d/hanok'


def missing(raw: Dict[str, Any]) -> List[str]:
    """Return the problems of devices, directories and mounts in settings that do not exist.

    A device that disappears later causes a warning only (floating_routes.py).
    """
    return [
        *_missing_uplinks(raw.get('floating_pools', [])),
        *_missing_devices(raw.get('outside_devices', [])),
        *_missing_bridges(raw.get('bridges', [])),
        *_missing_mounts(raw.get('backup_stores', [])),
        *unusable(raw.get('volume_types', [])),
    ]


def _missing_uplinks(pools: List[Dict[str, Any]]) -> List[str]:
    """Return the problems of pools whose uplink does not exist."""
    problems = []
    for number, pool in enumerate(pools):
        uplink = pool.get('uplink')
        if uplink is not None and not device_exists(uplink):
            existing = ', '.join(devices()) or 'none'
            problems.append(
                f'floating_pools[{number}]: uplink: {uplink} does not exist on this host; '
                f'existing devices: {existing}'
            )
    return problems


def _missing_devices(names: List[str]) -> List[str]:
    """Return the problems of outside devices that do not exist."""
    existing = ', '.join(devices()) or 'none'
    return [
        f'outside_devices: {device} does not exist on this host; existing devices: {existing}'
        for device in names
        if not device_exists(device)
    ]


def separates_vlans(bridge: str) -> bool:
    """Whether a bridge keeps VLANs apart (vlan_filtering of ip-link(8))."""
    try:
        with open(f'/sys/class/net/{bridge}/bridge/vlan_filtering', encoding='ascii') as file:
            return file.read().strip() == '1'
    except OSError:
        return False


def existing_bridges(settings: Settings) -> Dict[str, bool | None]:
    """Return the bridges for servers, and whether each has VLANs; None: it does not exist.

    It has them for servers only if libvirt puts their devices there.
    """
    has_hook = os.path.exists(_VLAN_HOOK)
    return {
        name: has_hook and separates_vlans(name) if is_bridge(name) else None
        for name in settings.bridges
    }


def _missing_mounts(stores: List[Dict[str, Any]]) -> List[str]:
    """Return the problems of stores at which nothing is mounted."""
    return [
        f'backup_stores: {store["path"]} is not mounted; mount it, or set mounted: false'
        for store in stores
        if store.get('mounted') and not is_mounted(store['path'])
    ]


def _missing_bridges(names: List[str]) -> List[str]:
    """Return the problems of bridges that do not exist."""
    existing = ', '.join(filter(is_bridge, devices())) or 'none'
    return [
        f'bridges: {name} is no bridge of this host; existing bridges: {existing}'
        for name in names
        if not is_bridge(name)
    ]
