# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What plans have to know of the cloud itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Tuple

HOST = 'host'  # the host of the servers, as the source of packets; not a possible address


class UnsupportedOption(NamedTuple):
    """An option of a module that a cloud does not support, but for some values, and the way out."""

    kind: str
    option: str
    supported: Tuple[object, ...]
    reason: str


class Profile(NamedTuple):
    """How a cloud differs from others.

    ``here``: where the module runs, as security groups see it: HOST, an address outside the cloud,
    or None if that is unknown. ``default_network``: of what is created without a network.
    ``max_user_data``, ``max_init_script``: in bytes. ``max_label``: characters of the value of a
    label. ``max_key_names``: key pairs of a server. ``more_addresses``: how to get more floating
    addresses. ``poll_interval``: seconds between two checks of a condition. ``place``: what
    messages call the cloud. ``volumes_of_running``: whether volumes are copied while their server
    runs. ``sees_guests``: whether it can tell what guests have mounted. ``has_hardware``: whether
    tasks decide about the hardware of servers. ``rebuild_resizes``: whether a server can have a
    smaller root disk after a rebuild. ``bridges``: those for servers, and whether each has
    VLANs (None: it does not exist); ``more_bridges``: how to get more. ``aliases``: by kind (and
    ``pool``), the names in this cloud for names in tasks. ``node``: of new servers.
    ``default_volume_type``: of new volumes.
    """

    here: str | None = None
    default_network: str = 'default'
    max_user_data: int = 2**20
    max_init_script: int = 2**20
    max_label: int = 255
    max_key_names: int = 20
    more_addresses: str = 'ask the operator for more'
    poll_interval: float = 1.0
    place: str = 'the cloud'
    volumes_of_running: bool = False
    sees_guests: bool = True
    has_hardware: bool = True
    rebuild_resizes: bool = True
    bridges: Mapping[str, bool | None] = {}
    more_bridges: str = 'use networks (name)'
    unsupported: Tuple[UnsupportedOption, ...] = ()
    aliases: Mapping[str, Mapping[str, str]] = {}
    node: str | None = None
    default_volume_type: str = 'default'

    def name_of(self, kind: str, name: str) -> str:
        """Return the name in this cloud for a name in a task."""
        return self.aliases.get(kind, {}).get(name, name)


UNKNOWN = Profile()
