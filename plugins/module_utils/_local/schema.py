# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the record, by version. A version, once released, is never edited: the next one is added below it."""

from __future__ import annotations

from typing import List

_ROW = """id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL DEFAULT 'default', created_by TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))"""

_TABLES = {
    'keypair': 'name TEXT NOT NULL, public_key TEXT NOT NULL, UNIQUE (project, name)',
    'flavor': """name TEXT NOT NULL, family TEXT NOT NULL, vcpus INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL,
  description TEXT NOT NULL, UNIQUE (project, name)""",
    'image': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, source TEXT NOT NULL, checksum TEXT, size INTEGER, description TEXT NOT NULL,
  labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)""",
    'network': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, cidr TEXT NOT NULL UNIQUE, gateway TEXT NOT NULL, description TEXT NOT NULL,
  labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)""",
    'security_group': 'name TEXT NOT NULL, description TEXT NOT NULL, UNIQUE (project, name)',
    'security_group_rule': """group_id INTEGER NOT NULL REFERENCES security_group ON DELETE CASCADE, direction TEXT NOT NULL, protocol TEXT NOT NULL,
  port_min INTEGER, port_max INTEGER, remote_cidr TEXT NOT NULL, remote_group_id INTEGER REFERENCES security_group""",
    'server': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, member_of TEXT, flavor TEXT, vcpus INTEGER NOT NULL, memory INTEGER NOT NULL,
  image_id INTEGER NOT NULL REFERENCES image, key_name TEXT, user_data TEXT, volume_size INTEGER NOT NULL, power TEXT NOT NULL,
  delete_protection INTEGER NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name),
  FOREIGN KEY (project, key_name) REFERENCES keypair (project, name)""",
    'balancer': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, algorithm TEXT NOT NULL, listeners TEXT NOT NULL, health_check TEXT,
  description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)""",
    'balancer_member': """balancer_id INTEGER NOT NULL REFERENCES balancer ON DELETE CASCADE, server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  UNIQUE (balancer_id, server_id)""",
    'port': """network_id INTEGER NOT NULL REFERENCES network, server_id INTEGER REFERENCES server ON DELETE CASCADE,
  balancer_id INTEGER REFERENCES balancer ON DELETE CASCADE, position INTEGER NOT NULL, address TEXT NOT NULL, mac TEXT NOT NULL,
  UNIQUE (network_id, address), UNIQUE (network_id, mac), CHECK ((server_id IS NULL) <> (balancer_id IS NULL))""",
    'port_security_group': """port_id INTEGER NOT NULL REFERENCES port ON DELETE CASCADE, group_id INTEGER NOT NULL REFERENCES security_group,
  UNIQUE (port_id, group_id)""",
    'floating_ip': """name TEXT, address TEXT NOT NULL UNIQUE, pool TEXT NOT NULL, port_id INTEGER UNIQUE REFERENCES port ON DELETE SET NULL,
  automatic INTEGER NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (project, name)""",
    'volume': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, size INTEGER NOT NULL, server_id INTEGER REFERENCES server, description TEXT NOT NULL,
  labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)""",
}

# What the firewall, DHCP and the balancers are a function of: each change of these columns makes a
# new revision.
_FIREWALL = {
    'network': 'cidr, gateway',
    'security_group': 'name',
    'security_group_rule': 'group_id, direction, protocol, port_min, port_max, remote_cidr, remote_group_id',
    'balancer': 'name, algorithm, listeners, health_check',
    'balancer_member': 'balancer_id, server_id',
    'port': 'network_id, address, mac',
    'port_security_group': 'port_id, group_id',
    'floating_ip': 'address, port_id',
}

# What is being deleted gets no new dependents: (table, its column, the table it refers to).
_NOT_WHILE_DELETED = (
    ('server', 'image_id', 'image'),
    ('port', 'network_id', 'network'),
    ('volume', 'server_id', 'server'),
    ('balancer_member', 'server_id', 'server'),
)


def _version_1() -> str:
    out = ['CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;']
    out += [f'CREATE TABLE {name} ({_ROW}, {columns});' for name, columns in _TABLES.items()]
    out += [
        'CREATE INDEX server_member_of ON server (project, member_of);',
        'CREATE INDEX port_server ON port (server_id);',
        'CREATE INDEX port_group ON port_security_group (group_id);',
        'CREATE INDEX volume_server ON volume (server_id);',
        'CREATE INDEX rule_group ON security_group_rule (group_id);',
    ]
    for table, columns in _FIREWALL.items():
        out += _new_revision(table, columns)
    for table, column, other in _NOT_WHILE_DELETED:
        out += _not_while_deleted(table, column, other)
    out += [
        "INSERT INTO meta VALUES ('revision', 1), ('record', lower(hex(randomblob(6))));",
        "INSERT INTO security_group (created_by, name, description) VALUES ('hanok.cloud', 'default', 'the group of servers for which none is named');",
    ]
    return '\n'.join(out)


# Named ports, which may belong to nobody; init scripts; labels wherever there were none.
_INIT_SCRIPT = 'name TEXT NOT NULL, content TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (project, name)'
_PORT = """name TEXT, network_id INTEGER NOT NULL REFERENCES network, server_id INTEGER REFERENCES server ON DELETE CASCADE,
  balancer_id INTEGER REFERENCES balancer ON DELETE CASCADE, position INTEGER NOT NULL, address TEXT NOT NULL, mac TEXT NOT NULL,
  own_groups INTEGER NOT NULL DEFAULT 0, description TEXT NOT NULL DEFAULT '', labels TEXT NOT NULL DEFAULT '{}',
  UNIQUE (network_id, address), UNIQUE (network_id, mac), UNIQUE (project, name), CHECK (server_id IS NULL OR balancer_id IS NULL),
  CHECK (name IS NOT NULL OR server_id IS NOT NULL OR balancer_id IS NOT NULL)"""


def _version_2() -> str:
    kept = 'id, project, created_by, created_at, network_id, server_id, balancer_id, position, address, mac'
    out = [
        f'CREATE TABLE init_script ({_ROW}, {_INIT_SCRIPT});',
        'ALTER TABLE server ADD COLUMN init_script TEXT;',
    ]
    out += [
        f"ALTER TABLE {table} ADD COLUMN labels TEXT NOT NULL DEFAULT '{{}}';"
        for table in ('keypair', 'flavor', 'security_group')
    ]
    out += [
        "ALTER TABLE keypair ADD COLUMN description TEXT NOT NULL DEFAULT '';",
        # SQLite changes no CHECK of a table that is there (sqlite.org/lang_altertable.html, section
        # 7); foreign keys are not enforced while versions are made.
        f'CREATE TABLE new_port ({_ROW}, {_PORT});',
        f'INSERT INTO new_port ({kept}) SELECT {kept} FROM port;',
        'DROP TABLE port;',
        'ALTER TABLE new_port RENAME TO port;',
        'CREATE INDEX port_server ON port (server_id);',
        *_new_revision('port', 'network_id, address, mac, server_id'),
        *_not_while_deleted('port', 'network_id', 'network'),
        *_not_while_deleted('port', 'server_id', 'server'),
    ]
    return '\n'.join(out)


# What machines say of their servers, and containers of their balancers (metadata.py) is a function
# of: each change of these columns makes a new revision of it, where one is concerned that is
# neither being made, after which there is a new revision anyway, nor being deleted. (whose, table,
# columns, whether its rows come and go, which of those whose it is a row concerns)
_FLOATING = 'name, port_id, automatic, description, labels'
_METADATA = (
    (
        'server',
        'server',
        'member_of, flavor, vcpus, memory, volume_size, delete_protection, description, labels',
        False,
        '({row}.id)',
    ),
    (
        'server',
        'image',
        'name, source, checksum, description, labels',
        False,
        '(SELECT id FROM server WHERE image_id = {row}.id)',
    ),
    (
        'server',
        'keypair',
        'public_key, description, labels',
        False,
        '(SELECT id FROM server WHERE key_name = {row}.name)',
    ),
    (
        'server',
        'network',
        'description, labels',
        False,
        '(SELECT server_id FROM port WHERE network_id = {row}.id)',
    ),
    ('server', 'port', 'own_groups, description, labels', False, '({row}.server_id)'),
    (
        'server',
        'port_security_group',
        'port_id, group_id',
        True,
        '(SELECT server_id FROM port WHERE id = {row}.port_id)',
    ),
    (
        'server',
        'floating_ip',
        _FLOATING,
        True,
        '(SELECT server_id FROM port WHERE id = {row}.port_id)',
    ),
    ('server', 'volume', 'size, description, labels', False, '({row}.server_id)'),
    (
        'balancer',
        'balancer',
        'algorithm, listeners, health_check, description, labels',
        False,
        '({row}.id)',
    ),
    ('balancer', 'balancer_member', 'balancer_id, server_id', True, '({row}.balancer_id)'),
    (
        'balancer',
        'network',
        'description, labels',
        False,
        '(SELECT balancer_id FROM port WHERE network_id = {row}.id)',
    ),
    (
        'balancer',
        'floating_ip',
        _FLOATING,
        True,
        '(SELECT balancer_id FROM port WHERE id = {row}.port_id)',
    ),
)
_NEW_METADATA = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'metadata'; END;"


def _version_3() -> str:
    out = [
        "INSERT INTO meta SELECT 'metadata', EXISTS (SELECT 1 FROM server) OR EXISTS (SELECT 1 FROM balancer) UNION ALL SELECT 'metadata_written', 0;"
    ]
    for owner in ('server', 'balancer'):
        # What it says since it was made or changed may have been read before something else of it
        # was changed.
        out.append(
            f'CREATE TRIGGER metadata_{owner}_done AFTER UPDATE OF task_state ON {owner} WHEN NEW.task_state IS NULL '
            f"AND OLD.task_state IN ('creating', 'updating', 'repairing') {_NEW_METADATA}"
        )
    for owner, table, columns, come_and_go, concerned in _METADATA:
        for event, sides in (
            ('INSERT', ('NEW',)),
            (f'UPDATE OF {columns}', ('OLD', 'NEW')),
            ('DELETE', ('OLD',)),
        ):
            if come_and_go or event.startswith('UPDATE'):
                owners = ' OR '.join(f'id IN {concerned.format(row=side)}' for side in sides)
                out.append(
                    f'CREATE TRIGGER metadata_{owner}_{table}_{event.split()[0].lower()} AFTER {event} ON {table} '
                    f"WHEN EXISTS (SELECT 1 FROM {owner} WHERE coalesce(task_state, '') NOT IN ('creating', 'deleting') AND ({owners})) {_NEW_METADATA}"
                )
    return '\n'.join(out)


def _new_revision(table: str, columns: str) -> List[str]:
    return [
        f'CREATE TRIGGER firewall_{table}_{event.split()[0].lower()} AFTER {event} ON {table} '
        "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'revision'; END;"
        for event in ('INSERT', f'UPDATE OF {columns}', 'DELETE')
    ]


def _not_while_deleted(table: str, column: str, other: str) -> List[str]:
    return [
        f'CREATE TRIGGER {table}_{column}_{event.split()[0].lower()} BEFORE {event} ON {table} '
        f"WHEN (SELECT task_state FROM {other} WHERE id = NEW.{column}) = 'deleting' BEGIN SELECT RAISE(ABORT, '{other} is being deleted'); END;"
        for event in ('INSERT', f'UPDATE OF {column}')
    ]


_SERVER_KEYPAIR = """server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  keypair_id INTEGER NOT NULL REFERENCES keypair, position INTEGER NOT NULL,
  UNIQUE (server_id, keypair_id), UNIQUE (server_id, position)"""

_VERSION_4 = [
    # Rules that a newer version makes otherwise are loaded again.
    "UPDATE meta SET value = value + 1 WHERE key = 'revision';",
    'ALTER TABLE server ADD COLUMN guest_agent INTEGER NOT NULL DEFAULT 1;',
    'CREATE TRIGGER metadata_server_server_guest_agent AFTER UPDATE OF guest_agent ON server '
    f"WHEN coalesce(NEW.task_state, '') NOT IN ('creating', 'deleting') {_NEW_METADATA}",
    # Connections that its rules do not allow are to be ended: how often that was asked for since it
    # was done last.
    'ALTER TABLE security_group ADD COLUMN to_cut INTEGER NOT NULL DEFAULT 0;',
    # what it was made of: digests by kind, size and time of the file
    'ALTER TABLE image ADD COLUMN imported TEXT;',
    # What is kept of first-boot content is keyed from now on; machines are not to say its bare hash
    # any more.
    "INSERT INTO meta VALUES ('secret', lower(hex(randomblob(32))));",
    "UPDATE meta SET value = value + 1 WHERE key = 'metadata' AND EXISTS (SELECT 1 FROM server WHERE user_data IS NOT NULL);",
    # The text of its init script that a server was made with, sealed. Without one nothing is known
    # of it.
    'ALTER TABLE server ADD COLUMN init_script_seal TEXT;',
    # The key pairs of a server after its first, which is its key_name.
    f'CREATE TABLE server_keypair ({_ROW}, {_SERVER_KEYPAIR});',
    'CREATE INDEX server_keypair_keypair ON server_keypair (keypair_id);',
    'CREATE TRIGGER metadata_server_more_keypairs '
    'AFTER UPDATE OF public_key, description, labels ON keypair '
    'WHEN EXISTS (SELECT 1 FROM server '
    "WHERE coalesce(task_state, '') NOT IN ('creating', 'deleting') "
    'AND id IN (SELECT server_id FROM server_keypair WHERE keypair_id = NEW.id)) '
    f'{_NEW_METADATA}',
]


TABLES = (*_TABLES, 'init_script', 'server_keypair')
VERSIONS = (_version_1(), _version_2(), _version_3(), '\n'.join(_VERSION_4))
