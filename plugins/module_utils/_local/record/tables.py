# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the record: their rows, their constraints, and whose metadata they are in."""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Tuple

from . import rows, storage_rows


class Table(NamedTuple):
    """A table.

    ``owners``: the tables of those whose metadata its rows are in (server, balancer), with a query
    of the ids that a row concerns. ``with_rows``: also inserts and deletes change the metadata.
    """

    row: type
    constraints: Tuple[str, ...] = ()
    owners: Mapping[str, str] = {}
    with_rows: bool = False


_NAMED = ('UNIQUE (project, name)',)
_PORT_OWNERS = {
    owner: f'SELECT {owner}_id FROM port WHERE id = {{row}}.port_id'
    for owner in ('server', 'balancer')
}
# The tables of resources, whose rows belong to projects and are exported. Rows refer to those of
# tables before, so that new tables are filled in the reverse order.
TABLES: Dict[str, Table] = {
    'keypair': Table(
        rows.KeypairRow,
        _NAMED,
        {
            'server': 'SELECT id FROM server WHERE key_name = {row}.name UNION ALL '
            'SELECT server_id FROM server_keypair WHERE keypair_id = {row}.id'
        },
    ),
    'flavor': Table(rows.FlavorRow, _NAMED),
    'image': Table(
        storage_rows.ImageRow,
        _NAMED,
        {
            'server': 'SELECT id FROM server WHERE image_id = {row}.id OR project = {row}.project '
            "AND {row}.name IN (SELECT value FROM json_each(hardware, '$.cdroms'))"
        },
    ),
    'network': Table(
        rows.NetworkRow,
        _NAMED,
        {
            owner: f'SELECT {owner}_id FROM port WHERE network_id = {{row}}.id'
            for owner in ('server', 'balancer')
        },
    ),
    'security_group': Table(rows.SecurityGroupRow, _NAMED),
    'security_group_rule': Table(rows.SecurityGroupRuleRow),
    'server': Table(
        rows.ServerRow,
        (*_NAMED, 'FOREIGN KEY (project, key_name) REFERENCES keypair (project, name)'),
        {'server': '{row}.id'},
    ),
    'balancer': Table(rows.BalancerRow, _NAMED, {'balancer': '{row}.id'}),
    'balancer_member': Table(
        rows.BalancerMemberRow,
        ('UNIQUE (balancer_id, server_id)',),
        {'balancer': '{row}.balancer_id'},
        with_rows=True,
    ),
    'port': Table(
        rows.PortRow,
        (
            *_NAMED,
            'UNIQUE (network_id, address)',
            'UNIQUE (network_id, mac)',
            'CHECK (server_id IS NULL OR balancer_id IS NULL)',
            'CHECK (name IS NOT NULL OR server_id IS NOT NULL OR balancer_id IS NOT NULL)',
        ),
        {'server': '{row}.server_id'},
    ),
    'port_security_group': Table(
        rows.PortSecurityGroupRow,
        ('UNIQUE (port_id, group_id)',),
        {'server': _PORT_OWNERS['server']},
        with_rows=True,
    ),
    'floating_ip': Table(rows.FloatingIpRow, _NAMED, _PORT_OWNERS, with_rows=True),
    'volume': Table(
        storage_rows.VolumeRow,
        _NAMED,
        {
            'server': 'SELECT {row}.server_id UNION ALL '
            'SELECT server_id FROM volume_reader WHERE volume_id = {row}.id'
        },
    ),
    'volume_reader': Table(storage_rows.VolumeReaderRow, ('UNIQUE (volume_id, server_id)',)),
    'init_script': Table(rows.InitScriptRow, _NAMED),
    'server_keypair': Table(
        rows.ServerKeypairRow, ('UNIQUE (server_id, keypair_id)', 'UNIQUE (server_id, position)')
    ),
    'bridge_port': Table(
        rows.BridgePortRow,
        ('UNIQUE (bridge, vlan, mac)',),
        {'server': '{row}.server_id'},
        with_rows=True,
    ),
    'server_snapshot': Table(storage_rows.ServerSnapshotRow, _NAMED),
    'server_snapshot_disk': Table(
        storage_rows.ServerSnapshotDiskRow, ('UNIQUE (snapshot_id, volume_id)',)
    ),
    'volume_snapshot': Table(storage_rows.VolumeSnapshotRow, _NAMED),
    'backup': Table(storage_rows.BackupRow, _NAMED),
    'schedule': Table(rows.ScheduleRow, _NAMED),
    'project': Table(rows.ProjectRow, _NAMED),
}
ALL_TABLES = {**TABLES, 'history': Table(rows.HistoryRow)}
