# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of connections that are requested to bridges of the host, as in checks.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from .checks import reference_problems
from .interface_checks import mac_problems
from .problem import Problem, invalid

if TYPE_CHECKING:
    from .nic_request import NicRequest

MAX_VLAN = 4094  # IEEE 802.1Q


def bridge_problems(nic: NicRequest, place: str) -> List[Problem]:
    """Check a requested connection to a bridge of the host."""
    problems = reference_problems(nic.bridge or '', f'{place}.bridge')
    problems += mac_problems(nic.mac, f'{place}.mac')
    if nic.name or nic.port:
        text = 'an interface is in a network or on a bridge; set either bridge, or name or port'
        problems.append(invalid(place, text))
    if nic.vlan is not None and not 1 <= nic.vlan <= MAX_VLAN:
        text = f'{nic.vlan} is out of range; use 1 to {MAX_VLAN}'
        problems.append(invalid(f'{place}.vlan', text))
    if nic.fixed_ip:
        text = 'nothing gives addresses on a bridge of the host; omit it, and set one in the guest'
        problems.append(invalid(f'{place}.fixed_ip', text))
    if nic.security_groups is not None:
        text = (
            'no security group applies on a bridge of the host; omit it, and filter in the guest, '
            'or use a network (name)'
        )
        problems.append(invalid(f'{place}.security_groups', text))
    return problems
