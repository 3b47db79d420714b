# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What plans have to know of the cloud itself."""

from __future__ import annotations

from typing import NamedTuple

HOST = 'host'  # the host of the servers, as the source of packets; not a possible address


class Profile(NamedTuple):
    """How a cloud differs from others.

    ``here``: where the module runs, as security groups see it: HOST, an address outside the cloud,
    or None if that is unknown. ``default_network``: of what is created without a network.
    ``max_user_data``, ``max_init_script``: in bytes. ``max_label``: characters of the value of a
    label. ``more_addresses``: how to get more floating addresses. ``poll_interval``: seconds
    between two checks of a condition. ``place``: what messages call the cloud.
    """

    here: str | None = None
    default_network: str = 'default'
    max_user_data: int = 2**20
    max_init_script: int = 2**20
    max_label: int = 255
    more_addresses: str = 'ask the operator for more'
    poll_interval: float = 1.0
    place: str = 'the cloud'


UNKNOWN = Profile()
