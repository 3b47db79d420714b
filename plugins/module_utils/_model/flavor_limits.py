# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bandwidth and the operations per second that the servers of a flavor are limited to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import List, NamedTuple

from .problem import Problem

Limits = Mapping[str, int]  # those that there are, by option


class FlavorLimit(NamedTuple):
    """A limit: the largest value, its unit, and the extra spec of Nova with the factor to it."""

    most: int
    unit: str
    extra_spec: str
    factor: int = 1

    def from_spec(self, value: int) -> int:
        """A value of Nova in our unit, rounded up: 0 would be no limit."""
        return -(-value // self.factor)


# Nova gives bytes per second for each disk, and kilobytes (1,000 bytes) per second for each port
# (docs.openstack.org/nova/latest/configuration/extra-specs.html#quota); libvirt takes the same.
LIMITS: Mapping[str, FlavorLimit] = {
    'disk_read_mib': FlavorLimit(10**6, 'MiB/s', 'quota:disk_read_bytes_sec', 2**20),
    'disk_write_mib': FlavorLimit(10**6, 'MiB/s', 'quota:disk_write_bytes_sec', 2**20),
    'disk_iops': FlavorLimit(10**7, '1/s', 'quota:disk_total_iops_sec'),
    'network_in_mbit': FlavorLimit(10**5, 'Mbit/s', 'quota:vif_inbound_average', 125),
    'network_out_mbit': FlavorLimit(10**5, 'Mbit/s', 'quota:vif_outbound_average', 125),
}
OF_NETWORK = ('network_in_mbit', 'network_out_mbit')


def limit_problems(limits: Limits) -> List[Problem]:
    """Return what is wrong with the values of limits."""
    problems: List[Problem] = []
    for option, value in limits.items():
        most, unit = LIMITS[option][:2]
        if not 1 <= value <= most:
            text = f'limits: {option}: {value} is out of range; use 1 to {most} ({unit})'
            problems.append(Problem(text, 'limits', 'invalid'))
    return problems
