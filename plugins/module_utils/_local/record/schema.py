# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the record, by version.

A released version is never edited: changes are added as a new version.
"""

from __future__ import annotations

from typing import List

from .schema_metadata import DEPENDENCIES, IN_STEADY_STATE, NEW_METADATA, metadata_triggers

_ROW = """id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL DEFAULT 'default',
  created_by TEXT NOT NULL, created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))"""

_TABLES = {
    'keypair': 'name TEXT NOT NULL, public_key TEXT NOT NULL, UNIQUE (project, name)',
    'flavor': """name TEXT NOT NULL, family TEXT NOT NULL, vcpus INTEGER NOT NULL,
  memory INTEGER NOT NULL, disk INTEGER NOT NULL, description TEXT NOT NULL,
  UNIQUE (project, name)""",
    'image': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, source TEXT NOT NULL, checksum TEXT,
  size INTEGER, description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT,
  UNIQUE (project, name)""",
    'network': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, cidr TEXT NOT NULL UNIQUE,
  gateway TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT,
  UNIQUE (project, name)""",
    'security_group': 'name TEXT NOT NULL, description TEXT NOT NULL, UNIQUE (project, name)',
    'security_group_rule': """group_id INTEGER NOT NULL REFERENCES security_group ON DELETE CASCADE,
  direction TEXT NOT NULL, protocol TEXT NOT NULL, port_min INTEGER, port_max INTEGER,
  remote_cidr TEXT NOT NULL, remote_group_id INTEGER REFERENCES security_group""",
    'server': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, member_of TEXT, flavor TEXT,
  vcpus INTEGER NOT NULL, memory INTEGER NOT NULL, image_id INTEGER NOT NULL REFERENCES image,
  key_name TEXT, user_data TEXT, volume_size INTEGER NOT NULL, power TEXT NOT NULL,
  delete_protection INTEGER NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL,
  task_state TEXT, UNIQUE (project, name),
  FOREIGN KEY (project, key_name) REFERENCES keypair (project, name)""",
    'balancer': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, algorithm TEXT NOT NULL,
  listeners TEXT NOT NULL, health_check TEXT, description TEXT NOT NULL, labels TEXT NOT NULL,
  task_state TEXT, UNIQUE (project, name)""",
    'balancer_member': """balancer_id INTEGER NOT NULL REFERENCES balancer ON DELETE CASCADE,
  server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  UNIQUE (balancer_id, server_id)""",
    'port': """network_id INTEGER NOT NULL REFERENCES network,
  server_id INTEGER REFERENCES server ON DELETE CASCADE,
  balancer_id INTEGER REFERENCES balancer ON DELETE CASCADE, position INTEGER NOT NULL,
  address TEXT NOT NULL, mac TEXT NOT NULL, UNIQUE (network_id, address), UNIQUE (network_id, mac),
  CHECK ((server_id IS NULL) <> (balancer_id IS NULL))""",
    'port_security_group': """port_id INTEGER NOT NULL REFERENCES port ON DELETE CASCADE,
  group_id INTEGER NOT NULL REFERENCES security_group, UNIQUE (port_id, group_id)""",
    'floating_ip': """name TEXT, address TEXT NOT NULL UNIQUE, pool TEXT NOT NULL,
  port_id INTEGER UNIQUE REFERENCES port ON DELETE SET NULL, automatic INTEGER NOT NULL,
  description TEXT NOT NULL, labels TEXT NOT NULL, UNIQUE (project, name)""",
    'volume': """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, size INTEGER NOT NULL,
  server_id INTEGER REFERENCES server, description TEXT NOT NULL, labels TEXT NOT NULL,
  task_state TEXT, UNIQUE (project, name)""",
}

# The columns that the firewall, DHCP and the load balancers depend on: each change of them
# increments the revision.
_FIREWALL = {
    'network': 'cidr, gateway',
    'security_group': 'name',
    'security_group_rule': 'group_id, direction, protocol, port_min, port_max, remote_cidr, '
    'remote_group_id',
    'balancer': 'name, algorithm, listeners, health_check',
    'balancer_member': 'balancer_id, server_id',
    'port': 'network_id, address, mac',
    'port_security_group': 'port_id, group_id',
    'floating_ip': 'address, port_id',
}

# Rows that are being deleted get no new dependents: (table, column, the table it refers to).
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
        'INSERT INTO security_group (created_by, name, description) '
        "VALUES ('hanok.cloud', 'default', 'the group of servers for which none is named');",
    ]
    return '\n'.join(out)


# Version 2: named ports, which may belong to no server; init scripts; labels for all resources.
_INIT_SCRIPT = """name TEXT NOT NULL, content TEXT NOT NULL, description TEXT NOT NULL,
  labels TEXT NOT NULL, UNIQUE (project, name)"""
_PORT = """name TEXT, network_id INTEGER NOT NULL REFERENCES network,
  server_id INTEGER REFERENCES server ON DELETE CASCADE,
  balancer_id INTEGER REFERENCES balancer ON DELETE CASCADE, position INTEGER NOT NULL,
  address TEXT NOT NULL, mac TEXT NOT NULL, own_groups INTEGER NOT NULL DEFAULT 0,
  description TEXT NOT NULL DEFAULT '', labels TEXT NOT NULL DEFAULT '{}',
  UNIQUE (network_id, address), UNIQUE (network_id, mac), UNIQUE (project, name),
  CHECK (server_id IS NULL OR balancer_id IS NULL),
  CHECK (name IS NOT NULL OR server_id IS NOT NULL OR balancer_id IS NOT NULL)"""
_KEPT_PORT_COLUMNS = (
    'id, project, created_by, created_at, network_id, server_id, balancer_id, position, '
    'address, mac'
)


def _version_2() -> str:
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
        # SQLite cannot change a CHECK of an existing table (sqlite.org/lang_altertable.html,
        # section 7); foreign keys are not enforced during a migration.
        f'CREATE TABLE new_port ({_ROW}, {_PORT});',
        f'INSERT INTO new_port ({_KEPT_PORT_COLUMNS}) SELECT {_KEPT_PORT_COLUMNS} FROM port;',
        'DROP TABLE port;',
        'ALTER TABLE new_port RENAME TO port;',
        'CREATE INDEX port_server ON port (server_id);',
        *_new_revision('port', 'network_id, address, mac, server_id'),
        *_not_while_deleted('port', 'network_id', 'network'),
        *_not_while_deleted('port', 'server_id', 'server'),
    ]
    return '\n'.join(out)


def _version_3() -> str:
    out = [
        "INSERT INTO meta SELECT 'metadata', EXISTS (SELECT 1 FROM server) "
        'OR EXISTS (SELECT 1 FROM balancer) '
        "UNION ALL SELECT 'metadata_written', 0;"
    ]
    for owner in ('server', 'balancer'):
        # Metadata that was written during a change may have been read before other changes.
        out.append(
            f'CREATE TRIGGER metadata_{owner}_done AFTER UPDATE OF task_state ON {owner} '
            'WHEN NEW.task_state IS NULL '
            f"AND OLD.task_state IN ('creating', 'updating', 'repairing') {NEW_METADATA}"
        )
    for dependency in DEPENDENCIES:
        out += metadata_triggers(dependency)
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
        f"WHEN (SELECT task_state FROM {other} WHERE id = NEW.{column}) = 'deleting' "
        f"BEGIN SELECT RAISE(ABORT, '{other} is being deleted'); END;"
        for event in ('INSERT', f'UPDATE OF {column}')
    ]


_SERVER_KEYPAIR = """server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  keypair_id INTEGER NOT NULL REFERENCES keypair, position INTEGER NOT NULL,
  UNIQUE (server_id, keypair_id), UNIQUE (server_id, position)"""

_VERSION_4 = [
    # A newer version may render other rules: they are loaded again.
    "UPDATE meta SET value = value + 1 WHERE key = 'revision';",
    'ALTER TABLE server ADD COLUMN guest_agent INTEGER NOT NULL DEFAULT 1;',
    'CREATE TRIGGER metadata_server_server_guest_agent AFTER UPDATE OF guest_agent ON server '
    f"WHEN coalesce(NEW.task_state, '') NOT IN ('creating', 'deleting') {NEW_METADATA}",
    # The number of pending requests to end connections that the rules no longer allow.
    'ALTER TABLE security_group ADD COLUMN to_cut INTEGER NOT NULL DEFAULT 0;',
    # The source that an image was created from: digests by kind, size and time of the file.
    'ALTER TABLE image ADD COLUMN imported TEXT;',
    # Hashes of first-boot content are keyed from now on; the metadata no longer contains the plain
    # hash.
    "INSERT INTO meta VALUES ('secret', lower(hex(randomblob(32))));",
    "UPDATE meta SET value = value + 1 WHERE key = 'metadata' "
    'AND EXISTS (SELECT 1 FROM server WHERE user_data IS NOT NULL);',
    # The keyed hash of the init script that a server was created with; NULL if unknown.
    'ALTER TABLE server ADD COLUMN init_script_seal TEXT;',
    # The further key pairs of a server; its first one is key_name.
    f'CREATE TABLE server_keypair ({_ROW}, {_SERVER_KEYPAIR});',
    'CREATE INDEX server_keypair_keypair ON server_keypair (keypair_id);',
    'CREATE TRIGGER metadata_server_more_keypairs '
    'AFTER UPDATE OF public_key, description, labels ON keypair '
    f'WHEN EXISTS (SELECT 1 FROM server WHERE {IN_STEADY_STATE} '
    'AND id IN (SELECT server_id FROM server_keypair WHERE keypair_id = NEW.id)) '
    f'{NEW_METADATA}',
]

# Rules in today's form. Rows of an older export are converted by these, too.
RULE_CONVERSIONS = (
    "UPDATE security_group_rule SET remote_cidr = 'any' WHERE remote_cidr = '0.0.0.0/0';",
    # A group without egress rules allows all egress.
    """DELETE FROM security_group_rule
  WHERE direction = 'egress' AND protocol = 'any' AND remote_cidr = 'any' AND NOT EXISTS (
    SELECT 1 FROM security_group_rule other WHERE other.direction = 'egress'
    AND other.group_id = security_group_rule.group_id AND other.id <> security_group_rule.id);""",
)

# Version 5: ids for all resources, rules in today's form.
WITHOUT_UUID = ('keypair', 'flavor', 'security_group', 'port', 'floating_ip', 'init_script')
# A random UUID (RFC 9562, version 4).
_RANDOM_UUID = """lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4'
  || substr(hex(randomblob(2)), 2) || '-' || substr('89AB', 1 + (random() & 3), 1)
  || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"""


def _version_5() -> str:
    out = [*RULE_CONVERSIONS]
    for table in WITHOUT_UUID:
        out += [
            f"ALTER TABLE {table} ADD COLUMN uuid TEXT NOT NULL DEFAULT '';",
            f'{set_uuid(table)};',
            f'CREATE UNIQUE INDEX {table}_uuid ON {table} (uuid);',
            # A column that is added cannot have an expression as its default
            # (sqlite.org/lang_altertable.html, section 5).
            f"CREATE TRIGGER {table}_uuid AFTER INSERT ON {table} WHEN NEW.uuid = '' "
            f'BEGIN UPDATE {table} SET uuid = {_RANDOM_UUID} WHERE id = NEW.id; END;',
        ]
    return '\n'.join(out)


def set_uuid(table: str) -> str:
    """The statement that gives older rows UUIDs, of the record, the table and the row.

    They are not random (RFC 9562, version 8): until a task changes something, every task migrates a
    copy in memory, and all have to show the same ids. A record rebuilt from an older export has
    them, too.
    """
    return (
        f"UPDATE {table} SET uuid = (SELECT substr(value, 1, 8) || '-' || substr(value, 9, 4) || "
        f"printf('-8%03x-8000-%012x', {WITHOUT_UUID.index(table) + 1}, {table}.id) "
        "FROM meta WHERE key = 'record')"
    )


# Version 6: the history (what was changed, by whom, and how it ended). It refers to no other table:
# it outlives what it is about.
_HISTORY = [
    """CREATE TABLE history (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL,
  began_at TEXT NOT NULL, ended_at TEXT, seconds REAL, actor TEXT NOT NULL, job TEXT,
  module TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, uuid TEXT, verb TEXT NOT NULL,
  before TEXT, after TEXT, why TEXT NOT NULL, result TEXT, error TEXT);""",
    'CREATE INDEX history_began_at ON history (began_at);',
]
# The metadata of servers says whose key pairs are.
_OWNERS = [
    "UPDATE meta SET value = value + 1 WHERE key = 'metadata' AND EXISTS (SELECT 1 FROM server);"
]
_VERSION_6 = [*_HISTORY, *_OWNERS]

VERSIONS = (
    _version_1(),
    _version_2(),
    _version_3(),
    '\n'.join(_VERSION_4),
    _version_5(),
    '\n'.join(_VERSION_6),
)
