# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What reads and writes the record sees one project, except what has to see all of them."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.tables import TABLES

LOCAL = Path(__file__).resolve().parents[2] / 'plugins' / 'module_utils' / '_local'
# They project all projects on the host, count what they hold of it, or keep, export, check and
# rebuild the record.
OF_ALL_PROJECTS = {
    'bridges',
    'vlans',
    'damage',
    'datapaths',
    'denied_flows',
    'dhcp',
    'dhcp_texts',
    'floating_routes',
    'flows',
    'holders',
    'lb_config',
    'lb_configs',
    'leases',
    'metadata',
    'pending_flows',
    'project_usage',
    'projects',
    'timer_recovery',
    'volume_limits',
    'database',
    'record',
    'export',
    'recovery',
}
# What resources share with those of other projects: a query that reads it there.
SHARED = {
    'pool_addresses': ('SELECT address FROM main.floating_ip',),
    'host': ('SELECT cidr FROM main.network',),
    'networks': ('SELECT project, name, cidr FROM main.network',),
    'images': ('FROM main.server s, opened o WHERE',),
    'flavor_rows': ('FROM main.flavor x WHERE x.project = s.project',),
    'flavors': ('FROM main.server s WHERE {USED_BY_OTHERS}',),
    'flavor_writer': (
        'SELECT flavor.project FROM main.flavor, opened o',
        'FROM main.server s, main.flavor f, opened o\n  WHERE f.id = ? AND',
    ),
    'record_writer': ('SELECT 1 FROM main.{user} s',),
    # a server keeps its image, whatever its project sees
    'image_writer': ('FROM server s JOIN main.image i ON',),
    'server_guests': ('FROM server s LEFT JOIN main.image i ON',),
    'server_queries': ('JOIN main.image i ON i.id = s.image_id\n  LEFT JOIN main.image r',),
}
READ = re.compile(r'(?<!DELETE )\b(?:FROM|JOIN) main\.')


@pytest.mark.parametrize('path', sorted(LOCAL.rglob('*.py')), ids=lambda path: path.stem)
def test_only_projections_read_all_projects(path: Path) -> None:
    """Every other query reads the views, which have the rows of one project."""
    text = path.read_text('utf-8')
    for known in SHARED.get(path.stem, ()):
        text = text.replace(known, '')
    assert path.stem in OF_ALL_PROJECTS or not READ.search(text)


def test_a_record_is_opened_for_a_project(tmp_path: Path) -> None:
    """Reads do not see the rows of others; what does not name the row's id cannot write."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    with record.writer.transaction():
        ours = record.writer.insert_row('keypair', {'name': 'same', 'public_key': 'ours'})
        record.project = 'other'
        record.writer.insert_row('keypair', {'name': 'same', 'public_key': 'theirs'})
    assert [row['id'] for row in record.rows('SELECT id FROM keypair')] == [ours]
    assert record.value('SELECT count(*) FROM main.keypair') == 2
    views = record.rows("SELECT name FROM temp.sqlite_master WHERE type = 'view'")
    assert {row['name'] for row in views} == set(TABLES)
    for table in TABLES:
        for statement in (f'DELETE FROM {table}', f'UPDATE {table} SET created_by = 1'):
            with pytest.raises(sqlite3.OperationalError, match='it is a view'):
                record.sql.execute(statement)
