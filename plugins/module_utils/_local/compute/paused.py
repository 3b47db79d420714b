# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why machines are paused: imported if one is."""

from __future__ import annotations

from ..host.hypervisor import Machine

_PAUSED, _BY_ERROR = 3, 5  # VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR


def reason(machine: Machine) -> str:
    """Why it takes an action of the operator to resume a machine; empty: it takes none."""
    if machine.domain.state() != [_PAUSED, _BY_ERROR]:
        return ''
    disks = ', '.join(sorted(machine.domain.diskErrors()))
    return (
        f'a disk could not be written ({disks}), probably because the host has no free space; '
        'free some, then start the server (state: started)'
    )
