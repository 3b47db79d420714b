# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Giving machines the limits of volume types."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from ..record.projects import each_named
from .server_rows import complete_rows
from .virtual_machines import VirtualMachines
from .volume_limits import KEY, WITH_TYPES, is_applied, text_of

if TYPE_CHECKING:
    from ..record.host import Host
    from .row_types import CompleteServer
    from .server_machines import ServerMachines


def limit(host: Host, machines: ServerMachines, rows: Iterable[CompleteServer]) -> None:
    """Limit the machines of servers whose volumes change; and all, if the settings changed."""
    if is_applied(host):
        _limit(host, machines, rows)
    else:
        apply(host)


def apply(host: Host) -> None:
    """Give machines the limits of the settings, also while they run, and then record that."""
    machines = VirtualMachines(host)
    names = [f'{row["project"]}/{row["name"]}' for row in host.record.rows(WITH_TYPES)]
    for own_names in each_named(host.record, names):
        _limit(host, machines, complete_rows(host.record, None, own_names).values())
    with host.record.writer.transaction() as sql:
        sql.execute('INSERT OR REPLACE INTO meta VALUES (?, ?)', (KEY, text_of(host)))


def _limit(host: Host, machines: ServerMachines, rows: Iterable[CompleteServer]) -> None:
    for row in rows:
        host.with_retry(partial(machines.limit, row))
