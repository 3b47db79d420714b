# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only this collection knows of load balancers and their parts: tags of Octavia."""

from __future__ import annotations

from ..api.api import Raw
from ..api.marks import PREFIX, from_tags

# Of a balancer: by which its creator finds it; the floating IP that it has yet to be given.
TOKEN = 'token'  # noqa: S105
PENDING = 'floating_ip'
# Of a pool: the listener it was created for, and the port of its members, which may be none yet.
LISTENER = 'listener'
MEMBER_PORT = 'member_port'
# Of a monitor: the port that its members have; the path, if it checks none.
CHECK_PORT = 'port'
CHECK_PATH = 'path'
AUTO = 'auto'


def is_ours(raw: Raw) -> bool:
    """Return whether a run of this collection created a balancer."""
    return any(tag.startswith(f'{PREFIX}{TOKEN}=') for tag in raw['tags'])


def listener_of(pool: Raw) -> str:
    """Return the listener that a pool was created for; empty if others created it."""
    return own(pool, LISTENER) or ''


def own(raw: Raw, key: str) -> str | None:
    """Return the value of a mark."""
    return from_tags(raw['tags']).own.get(key)
