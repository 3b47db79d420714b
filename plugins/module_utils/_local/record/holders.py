# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers, load balancers and volumes of all projects hold of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Tuple

from ..._model.needs import BALANCER_MEMORY, held_by
from ..._model.server import size_of
from .database import Query
from .record import Record

if TYPE_CHECKING:
    from .row_types import DiskSpace, Holder, NetworkPorts, Number

_SERVERS: Query[Holder] = Query(
    "SELECT vcpus, memory, resized_from FROM main.server WHERE power != 'shelved'"
)
_BALANCERS: Query[Number] = Query('SELECT count(*) AS number FROM main.balancer')
_VOLUMES: Query[DiskSpace] = Query(
    'SELECT count(*) AS number, ifnull(sum(size), 0) AS size FROM main.volume WHERE volume_type = ?'
)
_ROOTS: Query[DiskSpace] = Query("""SELECT count(*) AS number, ifnull(sum(root_size), 0) AS size
  FROM main.server WHERE root_size""")
_PORTS: Query[NetworkPorts] = Query("""SELECT name, cidr, (SELECT count(*) FROM main.port
  WHERE network_id = network.id) AS number FROM network""")


class Held(NamedTuple):
    """How many servers and load balancers hold something, and what. ``memory``: MiB."""

    servers: int
    balancers: int
    vcpus: int
    memory: int


def held(record: Record) -> Held:
    """Return what is held; a shelved server holds nothing."""
    servers = record.rows(_SERVERS)
    (row,) = record.rows(_BALANCERS)
    vcpus, memory = 0, row['number'] * BALANCER_MEMORY
    for server in servers:
        before = server['resized_from']
        size = held_by(server['vcpus'], server['memory'], size_of(before) if before else None)
        vcpus, memory = vcpus + size[0], memory + size[1]
    return Held(len(servers), row['number'], vcpus, memory)


def disk_space(record: Record, volume_type: str) -> Tuple[int, int]:
    """Return how many volumes of a type there are, roots of servers too, and their GB."""
    (row,) = record.rows(_VOLUMES, volume_type)
    return row['number'], row['size']


def root_space(record: Record) -> Tuple[int, int]:
    """Return how many containers have files with a limit, and their GB."""
    (row,) = record.rows(_ROOTS)
    return row['number'], row['size']


def network_ports(record: Record) -> List[NetworkPorts]:
    """Return the networks of the project that is open, with the numbers of their ports."""
    return record.rows(_PORTS)
