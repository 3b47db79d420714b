# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract of servers, whose operations are more than those of other kinds."""

from __future__ import annotations

from typing import Iterable, Mapping, Protocol, Sequence, Tuple

from .._model.change import Changes
from .._model.console_log import ConsoleLog
from .._model.first_boot import FirstBoot
from .._model.server import Server
from .._model.user_data import UserDataHash
from . import Outcomes


class Servers(Protocol):
    """Servers of a cloud."""

    def list(
        self, names: Iterable[str] | None = None, member_of: str | None = None
    ) -> Tuple[Server, ...]:
        """List all servers, or those with these names and the members of a group."""

    def hash_user_data(self, user_data: str) -> UserDataHash:
        """Return user data as it would be recorded."""

    def password_weakness(self, password: str) -> str:
        """Return why a password is none for the root of a server; empty if it is."""

    def address_owners(self, wanted: Iterable[Tuple[str, str]]) -> Mapping[Tuple[str, str], str]:
        """Return the owners of fixed IPs and MAC addresses, by network and address."""

    def dns_owners(self, names: Iterable[str]) -> Mapping[Tuple[str, str], Tuple[str, ...]]:
        """Return the servers and load balancers with these DNS names.

        The keys are network and name in lower case.
        """

    def hardware_choices(self) -> Mapping[str, Tuple[str, ...]]:
        """Return what servers can have, by option of their hardware; others are not limited."""

    def readiness(self, names: Sequence[str], wait_for: str, seconds: float) -> Mapping[str, str]:
        """Return why servers are not ready yet (running, ip, ssh, init); empty if they are.

        ``seconds``: the time for the check. Raises CloudError for a server that does not exist.
        """

    def first_boots(self, names: Sequence[str]) -> Mapping[str, FirstBoot]:
        """Return the results of the first boots of those of these servers that have a machine."""

    def console_logs(self, names: Sequence[str], lines: int) -> Mapping[str, ConsoleLog]:
        """Return the newest lines of the consoles of those of these servers that exist.

        The log of a server that has never been started is empty.
        """

    def create(self, changes: Changes) -> Outcomes:
        """Create servers."""

    def update(self, changes: Changes) -> Outcomes:
        """Update servers; those whose change has the effect restart are restarted."""

    def act(self, changes: Changes) -> Outcomes:
        """Apply an action of the life cycle (lifecycle.ACTIONS), the same to all servers.

        It has ended when this returns, or goes on by itself: ``task_state`` tells.
        """

    def delete(self, changes: Changes) -> Outcomes:
        """Delete servers."""
