# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a project holds, and that its transactions stay within its quotas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, Mapping

from ..._cloud import Refused
from .database import Database

if TYPE_CHECKING:
    from .record import Record

_OF_SERVERS = 'SELECT ifnull(sum({}), 0) FROM main.server WHERE project = ?1'
_COUNT = 'SELECT count(*) FROM main.{} WHERE project = ?1'
# By what may be limited (QUOTAS of _model/project.py), and by the plurals of the other kinds. The
# group default is in each project. A balancer has no port of its own in the limits of a plan.
_QUERIES: Mapping[str, str] = {
    'servers': _COUNT.format('server'),
    'vcpus': _OF_SERVERS.format('vcpus'),
    'memory': _OF_SERVERS.format('memory'),
    'volumes': _COUNT.format('volume') + ' AND NOT bootable',
    'volume_size': 'SELECT ifnull(sum(size), 0) + '
    '(SELECT ifnull(sum(root_size), 0) FROM main.server WHERE project = ?1) '
    'FROM main.volume WHERE project = ?1',
    'volume_snapshots': _COUNT.format('volume_snapshot'),
    'server_snapshots': _COUNT.format('server_snapshot'),
    'backups': _COUNT.format('backup'),
    'schedules': _COUNT.format('schedule'),
    'networks': _COUNT.format('network'),
    'ports': _COUNT.format('port') + ' AND balancer_id IS NULL',
    'security_groups': _COUNT.format('security_group') + " AND name != 'default'",
    'security_group_rules': _COUNT.format('security_group_rule'),
    'floating_ips': _COUNT.format('floating_ip'),
    'lbs': _COUNT.format('balancer'),
    'images': _COUNT.format('image'),
    'flavors': _COUNT.format('flavor'),
    'keypairs': _COUNT.format('keypair'),
    'init_scripts': _COUNT.format('init_script'),
}
_USAGE = 'SELECT ' + ', '.join(f'({query}) AS {name}' for name, query in _QUERIES.items())


def usage(database: Database, project: str) -> Dict[str, int]:
    """Return what a project holds, without what it has none of."""
    (row,) = database.fetch(_USAGE, project)
    return {name: row[name] for name in _QUERIES if row[name]}


def quotas(record: Record) -> Mapping[str, int]:
    """Return the quotas of the project that is open."""
    text = record.value('SELECT quotas FROM main.project WHERE name = ?', record.project)
    found: Dict[str, Any] = json.loads(text) if text else {}
    return found


class Within:
    """The quotas of the project for one transaction, which it begins and may end.

    Plans are compared with them before; this is for tasks that run at the same time.
    """

    def __init__(self, record: Record) -> None:
        """Look what is used at the beginning."""
        self.record = record
        self.quotas = quotas(record)
        self.before = usage(record, record.project) if self.quotas else {}

    def check(self) -> None:
        """Raise Refused if the transaction uses more of something than there is."""
        after = usage(self.record, self.record.project) if self.quotas else {}
        for quota, most in self.quotas.items():
            used = after.get(quota, 0)
            if used > most and used > self.before.get(quota, 0):
                raise Refused(
                    f'the project {self.record.project} has a quota of {most} for {quota}, and '
                    f'would have {used}: another task has used it up meanwhile; run the task again '
                    'to see what is left'
                )
