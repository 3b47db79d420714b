# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The devices that the settings name: checked before the role host writes these."""

from __future__ import annotations

from typing import Any, Dict, List

from .kernel import device_exists, devices


def missing_uplinks(pools: List[Dict[str, Any]]) -> List[str]:
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


def missing_devices(names: List[str]) -> List[str]:
    """Return the problems of outside devices that do not exist."""
    existing = ', '.join(devices()) or 'none'
    return [
        f'outside_devices: {device} does not exist on this host; existing devices: {existing}'
        for device in names
        if not device_exists(device)
    ]
