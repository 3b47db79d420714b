# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The profile of the local cloud."""

from __future__ import annotations

import os

from .._model.profile import HOST, Profile

PROFILE = Profile(
    here=HOST,
    max_user_data=512 * 1024,
    max_init_script=64 * 1024,
    more_addresses='enlarge the pool (host_floating_pools of the role hanok.cloud.host)',
    poll_interval=0.25,
    place='this host',
    node=os.uname().nodename,
    more_bridges='list it in host_bridges of the role hanok.cloud.host',
)
