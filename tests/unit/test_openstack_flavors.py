# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits of flavors as extra specifications of Nova, in its units."""

from __future__ import annotations

from ansible_collections.hanok.cloud.plugins.module_utils._openstack.catalogue.flavors import (
    limits_of,
    specs_of,
)

LIMITS = {'disk_write_mib': 5, 'disk_iops': 500, 'network_in_mbit': 8}
SPECS = {
    'quota:disk_write_bytes_sec': '5242880',
    'quota:disk_total_iops_sec': '500',
    'quota:vif_inbound_average': '1000',
}


def test_both_ways() -> None:
    """What was written is read."""
    assert specs_of(LIMITS) == SPECS
    assert limits_of(SPECS) == LIMITS


def test_what_others_have_written() -> None:
    """Less than one of our units is no zero; what is no number, or another limit, is none."""
    assert limits_of({'quota:disk_read_bytes_sec': '1000'}) == {'disk_read_mib': 1}
    assert limits_of({'quota:disk_read_bytes_sec': '0', 'quota:disk_total_iops_sec': 'x'}) == {}
    assert limits_of({'quota:cpu_quota': '5', 'hw:cpu_policy': 'dedicated'}) == {}
