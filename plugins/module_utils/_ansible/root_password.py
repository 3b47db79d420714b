# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of root that a task of the module server gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .._cloud import Cloud
from .._plan.server_observations import ObservedServers


def with_root_password(
    cloud: Cloud, password: str, members: Iterable[str], found: ObservedServers
) -> ObservedServers:
    """What was observed, with the hash of a password, and why the cloud does not take it.

    One that all members have already is not asked for.
    """
    recorded = cloud.servers.hash_user_data(password)
    servers = [found.servers.get(name) for name in members]
    is_set = all(one and recorded.matches(one.root_password) for one in servers)
    weakness = '' if is_set else cloud.servers.password_weakness(password)
    return replace(found, root_password=recorded, weakness=weakness)
