# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Triggers of the record that increment the revision of the metadata of machines (metadata.py)."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple


class Dependency(NamedTuple):
    """Columns that the metadata of servers or load balancers depends on.

    ``owner``: the table server or balancer. ``ids``: a query of the owner's ids that a row of
    ``table`` concerns. ``with_rows``: whether inserts and deletes of rows change the metadata, too.
    """

    owner: str
    table: str
    columns: str
    ids: str
    with_rows: bool = False


_DESCRIPTION = 'description, labels'
_FLOATING = 'name, port_id, automatic, description, labels'
# Each change of these columns increments the revision of the metadata, if a server or load balancer
# depends on it that is neither being created, which increments it at the end, nor being deleted.
DEPENDENCIES = (
    Dependency(
        'server',
        'server',
        'member_of, flavor, vcpus, memory, volume_size, delete_protection, description, labels',
        '({row}.id)',
    ),
    Dependency(
        'server',
        'image',
        'name, source, checksum, description, labels',
        '(SELECT id FROM server WHERE image_id = {row}.id)',
    ),
    Dependency(
        'server',
        'keypair',
        'public_key, description, labels',
        '(SELECT id FROM server WHERE key_name = {row}.name)',
    ),
    Dependency(
        'server',
        'network',
        _DESCRIPTION,
        '(SELECT server_id FROM port WHERE network_id = {row}.id)',
    ),
    Dependency('server', 'port', 'own_groups, description, labels', '({row}.server_id)'),
    Dependency(
        'server',
        'port_security_group',
        'port_id, group_id',
        '(SELECT server_id FROM port WHERE id = {row}.port_id)',
        with_rows=True,
    ),
    Dependency(
        'server',
        'floating_ip',
        _FLOATING,
        '(SELECT server_id FROM port WHERE id = {row}.port_id)',
        with_rows=True,
    ),
    Dependency('server', 'volume', 'size, description, labels', '({row}.server_id)'),
    Dependency(
        'balancer',
        'balancer',
        'algorithm, listeners, health_check, description, labels',
        '({row}.id)',
    ),
    Dependency(
        'balancer',
        'balancer_member',
        'balancer_id, server_id',
        '({row}.balancer_id)',
        with_rows=True,
    ),
    Dependency(
        'balancer',
        'network',
        _DESCRIPTION,
        '(SELECT balancer_id FROM port WHERE network_id = {row}.id)',
    ),
    Dependency(
        'balancer',
        'floating_ip',
        _FLOATING,
        '(SELECT balancer_id FROM port WHERE id = {row}.port_id)',
        with_rows=True,
    ),
)
NEW_METADATA = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'metadata'; END;"
IN_STEADY_STATE = "coalesce(task_state, '') NOT IN ('creating', 'deleting')"


def metadata_triggers(dependency: Dependency) -> List[str]:
    """Return the triggers of a dependency, as statements."""
    owner, table = dependency.owner, dependency.table
    events: List[Tuple[str, Tuple[str, ...]]] = [
        (f'UPDATE OF {dependency.columns}', ('OLD', 'NEW'))
    ]
    if dependency.with_rows:
        events = [('INSERT', ('NEW',)), *events, ('DELETE', ('OLD',))]
    out = []
    for event, sides in events:
        owners = ' OR '.join(f'id IN {dependency.ids.format(row=side)}' for side in sides)
        out.append(
            f'CREATE TRIGGER metadata_{owner}_{table}_{event.split()[0].lower()} '
            f'AFTER {event} ON {table} '
            f'WHEN EXISTS (SELECT 1 FROM {owner} WHERE {IN_STEADY_STATE} AND ({owners})) '
            f'{NEW_METADATA}'
        )
    return out
