# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""File systems of guests, frozen for a moment by the guest agent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from ..._cloud.programs import meanwhile
from ..host.agent import Agent
from ..host.hypervisor import URIS

_SECONDS = 6  # for the agent, to answer and to freeze
_THAW = 'read -r _; exec timeout 20 virsh --quiet --connect "$1" domfsthaw "$2"'


@contextlib.contextmanager
def frozen(domain: Any) -> Iterator[None]:
    """Freeze the file systems of a guest meanwhile, if its agent answers in time.

    A process thaws them as soon as this one lets it, or has ended in any way.
    """
    agent = Agent(domain, time.monotonic() + _SECONDS)
    if agent.execute('guest-ping') is None:
        yield
        return
    words = ['sh', '-c', _THAW, 'thaw', URIS['qemu'], domain.UUIDString()]
    with meanwhile(words):
        agent.execute('guest-fsfreeze-freeze')
        yield
