# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delete connections that were allowed when they began and that the current rules deny.

This is done for security groups that request it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, AbstractSet, NamedTuple, Set

from ..._cloud.programs import run
from ..._model.datapath import Datapath
from ..._model.profile import HOST
from ..._model.verdict import evaluate
from ..host.netlink import addresses
from ..record.database import Query
from ..record.host import Host

if TYPE_CHECKING:
    from ..record.rows import SecurityGroupRow

_REQUESTS: Query[SecurityGroupRow] = Query('SELECT * FROM main.security_group WHERE to_cut')

_LINE = re.compile(
    r'(?P<protocol>tcp|udp|icmp) +\d+ .*?src=(?P<source>[\d.]+) dst=(?P<target>[\d.]+)'
    r'(?: sport=\d+ dport=(?P<port>\d+))?.*? src=(?P<replier>[\d.]+) dst='
)


class Connection(NamedTuple):
    """A connection in its original direction, and the address that replies.

    ``port``: the port of the target, None for ICMP.
    """

    protocol: str
    source: str
    target: str
    port: int | None
    replier: str

    def options(self) -> list[str]:
        """Options of conntrack(8) that select it and its likes from other source ports."""
        options = ['-p', self.protocol, '--orig-src', self.source, '--orig-dst', self.target]
        return options if self.port is None else [*options, '--orig-port-dst', str(self.port)]


def parse(listing: str) -> Set[Connection]:
    """Return the connections of a conntrack(8) listing whose protocols rules support."""
    found = set()
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match:
            protocol, source, target, port, replier = match.groups()
            number = None if port is None else int(port)
            found.add(Connection(protocol, source, target, number, replier))
    return found


def denied(
    connections: Iterable[Connection],
    path: Datapath,
    groups: AbstractSet[str],
    host_addresses: AbstractSet[str],
) -> Set[Connection]:
    """Return the connections of members of the groups that the current rules deny."""
    members = {port.address for port in path.ports if groups & set(port.groups)}
    return {
        connection
        for connection in connections
        if {connection.source, connection.replier} & members
        and connection.target not in host_addresses
        and not _is_allowed(connection, path, host_addresses)
    }


def _is_allowed(connection: Connection, path: Datapath, host_addresses: AbstractSet[str]) -> bool:
    source = connection.source
    host_address = None
    if source in host_addresses:
        source = HOST
        host_address = connection.source
    try:
        return evaluate(
            path, source, connection.target, connection.protocol, connection.port, host_address
        ).allowed
    except ValueError:  # an address unknown to the rules
        return True


def delete_denied(host: Host, path: Datapath, lock: int) -> None:
    """Delete the denied connections of the groups that request it, then clear the requests.

    The programs inherit the lock of the firewall.
    """
    requests = host.record.rows(_REQUESTS)
    groups = {str(row['id']) for row in requests}
    host_addresses = {address.partition('/')[0] for _device, address in addresses()}
    connections = parse(host.work.run('conntrack', '-L', locks=[lock]))
    for connection in sorted(denied(connections, path, groups, host_addresses), key=str):
        # It exits with 1 if the connection has ended meanwhile.
        run(['conntrack', '-D', *connection.options()], locks=[lock])
    with host.record.writer.transaction() as sql:
        for row in requests:  # a request that was repeated meanwhile remains
            sql.execute(
                'UPDATE main.security_group SET to_cut = 0 WHERE id = ? AND to_cut = ?',
                (row['id'], row['to_cut']),
            )
