# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections that began under other rules: those that the rules would not let begin now are ended where a group asks for it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from typing import AbstractSet, NamedTuple, Set

from .._model.datapath import HOST, Datapath, evaluate
from .host import Host
from .netlink import addresses

_LINE = re.compile(
    r'(?P<protocol>tcp|udp|icmp) +\d+ .*?src=(?P<source>[\d.]+) dst=(?P<target>[\d.]+)'
    r'(?: sport=\d+ dport=(?P<port>\d+))?.*? src=(?P<answers>[\d.]+) dst='
)


class Begun(NamedTuple):
    """A connection as it began, and who answers it; ``port``: of the target, None for ICMP."""

    protocol: str
    source: str
    target: str
    port: int | None
    answers: str

    def options(self) -> list[str]:
        """It, and those like it from other ports of the source, as options of conntrack(8)."""
        words = ['-p', self.protocol, '--orig-src', self.source, '--orig-dst', self.target]
        return words if self.port is None else [*words, '--orig-port-dst', str(self.port)]


def read(text: str) -> Set[Begun]:
    """What conntrack(8) lists of the protocols that rules know."""
    found = set()
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            port = match['port']
            number = None if port is None else int(port)
            found.add(
                Begun(match['protocol'], match['source'], match['target'], number, match['answers'])
            )
    return found


def denied(
    flows: Iterable[Begun], path: Datapath, groups: AbstractSet[str], here: AbstractSet[str]
) -> Set[Begun]:
    """Those of the members of groups that may not begin any more. ``here``: the addresses of this host."""
    members = {port.address for port in path.ports if groups & set(port.groups)}
    concerned = [
        flow for flow in flows if {flow.source, flow.answers} & members and flow.target not in here
    ]
    return {flow for flow in concerned if not _is_allowed(flow, path, here)}


def _is_allowed(flow: Begun, path: Datapath, here: AbstractSet[str]) -> bool:
    is_host = flow.source in here
    source, host_address = (HOST, flow.source) if is_host else (flow.source, None)
    try:
        return evaluate(path, source, flow.target, flow.protocol, flow.port, host_address).allowed
    except ValueError:  # an address that means nothing to the rules
        return True


def cut(host: Host, path: Datapath, lock: int) -> None:
    """End them, and say that it is done; the programs inherit the lock of the firewall."""
    waiting = host.record.rows('SELECT id, to_cut FROM security_group WHERE to_cut')
    groups = {str(row['id']) for row in waiting}
    here = {address.partition('/')[0] for _device, address in addresses()}
    for flow in sorted(
        denied(read(host.run('conntrack', '-L', locks=[lock])), path, groups, here), key=str
    ):
        words = ['conntrack', '-D', *flow.options()]
        subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False, pass_fds=[lock]
        )  # 1: it has ended
    with host.record.transaction() as sql:
        for row in waiting:  # who asked once more meanwhile is not forgotten
            sql.execute(
                'UPDATE security_group SET to_cut = 0 WHERE id = ? AND to_cut = ?',
                (row['id'], row['to_cut']),
            )
