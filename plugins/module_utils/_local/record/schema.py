# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What turns the tables of an older record into those of today (rows.py), by version.

A released version is never edited: changes are added as a new version, as statements that do not
depend on what the tables are today. Indices and triggers are no part of it: they are dropped
before, and created as they are described afterwards (migrate).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .definition import creation, indices_and_triggers

if TYPE_CHECKING:
    from .database import Database

_ROW = """id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL DEFAULT 'default',
  created_by TEXT NOT NULL, created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))"""

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
    ]
    return '\n'.join(out)


_VERSION_3 = [
    "INSERT INTO meta SELECT 'metadata', EXISTS (SELECT 1 FROM server) "
    'OR EXISTS (SELECT 1 FROM balancer) '
    "UNION ALL SELECT 'metadata_written', 0;"
]

_SERVER_KEYPAIR = """server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  keypair_id INTEGER NOT NULL REFERENCES keypair, position INTEGER NOT NULL,
  UNIQUE (server_id, keypair_id), UNIQUE (server_id, position)"""

_VERSION_4 = [
    'ALTER TABLE server ADD COLUMN guest_agent INTEGER NOT NULL DEFAULT 1;',
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


def _version_5() -> str:
    out = [*RULE_CONVERSIONS]
    for table in WITHOUT_UUID:
        out += [
            f"ALTER TABLE {table} ADD COLUMN uuid TEXT NOT NULL DEFAULT '';",
            f'{set_uuid(table)};',
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
]
# The metadata of servers says whose key pairs are.
_OWNERS = [
    "UPDATE meta SET value = value + 1 WHERE key = 'metadata' AND EXISTS (SELECT 1 FROM server);"
]
# The root disk of a server is a volume, too. Its id follows from that of the server (RFC 9562,
# version 8): until a task changes something, every task migrates a copy in memory.
_SERVER = """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, member_of TEXT, flavor TEXT,
  vcpus INTEGER NOT NULL, memory INTEGER NOT NULL, image_id INTEGER NOT NULL REFERENCES image,
  key_name TEXT, user_data TEXT, power TEXT NOT NULL, delete_protection INTEGER NOT NULL,
  description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT, init_script TEXT,
  guest_agent INTEGER NOT NULL DEFAULT 1, init_script_seal TEXT, UNIQUE (project, name),
  FOREIGN KEY (project, key_name) REFERENCES keypair (project, name)"""
_SERVER_COLUMNS = """id, project, created_by, created_at, uuid, name, member_of, flavor, vcpus,
  memory, image_id, key_name, user_data, power, delete_protection, description, labels, task_state,
  init_script, guest_agent, init_script_seal"""
_ROOT_VOLUMES = [
    'ALTER TABLE volume ADD COLUMN bootable INTEGER NOT NULL DEFAULT 0;',
    """INSERT INTO volume (project, created_by, created_at, uuid, name, size, server_id,
  description, labels, bootable) SELECT project, created_by, created_at,
  substr(uuid, 1, 14) || '8' || substr(uuid, 16), name || '/root', volume_size, id, '', '{}', 1
  FROM server ORDER BY id;""",
    # The size is in the volume from now on. SQLite before 3.35 cannot drop a column; a table that
    # others refer to is not renamed, but filled again (sqlite.org/lang_altertable.html, section 7).
    # Foreign keys are not enforced during a migration. Ids are not used again.
    "CREATE TABLE old_sequence AS SELECT * FROM sqlite_sequence WHERE name = 'server';",
    'CREATE TABLE old_server AS SELECT * FROM server;',
    'DROP TABLE server;',
    f'CREATE TABLE server ({_ROW}, {_SERVER});',
    f'INSERT INTO server ({_SERVER_COLUMNS}) SELECT {_SERVER_COLUMNS} FROM old_server;',
    "DELETE FROM sqlite_sequence WHERE name = 'server';",
    'INSERT INTO sqlite_sequence SELECT * FROM old_sequence;',
    'DROP TABLE old_server;',
    'DROP TABLE old_sequence;',
]
_VERSION_6 = [*_HISTORY, *_OWNERS, *_ROOT_VOLUMES]

# Version 7: snapshots of servers.
_SERVER_SNAPSHOT = """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  parent_id INTEGER REFERENCES server_snapshot ON DELETE SET NULL, memory INTEGER NOT NULL,
  hardware TEXT, current INTEGER NOT NULL DEFAULT 0, description TEXT NOT NULL,
  labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)"""
_SNAPSHOT_DISK = """snapshot_id INTEGER NOT NULL REFERENCES server_snapshot ON DELETE CASCADE,
  volume_id INTEGER NOT NULL REFERENCES volume, size INTEGER NOT NULL,
  UNIQUE (snapshot_id, volume_id)"""
_SNAPSHOTS = [
    f'CREATE TABLE server_snapshot ({_ROW}, {_SERVER_SNAPSHOT});',
    f'CREATE TABLE server_snapshot_disk ({_ROW}, {_SNAPSHOT_DISK});',
]
# Servers are resized in two steps, and rescued.
_ACTIONS = [
    'ALTER TABLE server ADD COLUMN rescue_image_id INTEGER REFERENCES image;',
    'ALTER TABLE server ADD COLUMN resized_from TEXT;',
]
_VERSION_7 = [*_SNAPSHOTS, *_ACTIONS]

# Version 8: servers of a flavor with room get more while they run, and are started after a crash.
# Their hardware is recorded.
_ROOM = [
    f'ALTER TABLE {table} ADD COLUMN {column} INTEGER;'
    for table in ('flavor', 'server')
    for column in ('max_vcpus', 'max_memory')
]
_PHASE = ['ALTER TABLE server ADD COLUMN phase TEXT;']  # of a creation
_CRASH = ["ALTER TABLE server ADD COLUMN on_crash TEXT NOT NULL DEFAULT 'restart';"]
_HARDWARE = ["ALTER TABLE server ADD COLUMN hardware TEXT NOT NULL DEFAULT '{}';"]
# Limits of flavors.
_LIMITS = [
    "ALTER TABLE flavor ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';",
    'ALTER TABLE flavor ADD COLUMN task_state TEXT;',
]
# The order in which servers are started with the host.
_START = [
    f'ALTER TABLE server ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0;'
    for column in ('start_order', 'start_delay')
]
# Network interfaces on bridges of the host.
_BRIDGE_PORT = """server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  bridge TEXT NOT NULL, mac TEXT NOT NULL, vlan INTEGER NOT NULL DEFAULT 0,
  UNIQUE (bridge, vlan, mac)"""
_BRIDGE_PORTS = [f'CREATE TABLE bridge_port ({_ROW}, {_BRIDGE_PORT});']
# Images for the CD drives of servers.
_ISO = ["ALTER TABLE image ADD COLUMN disk_format TEXT NOT NULL DEFAULT 'qcow2';"]
# Who logs in to the servers of an image.
_USER = ['ALTER TABLE image ADD COLUMN os_admin_user TEXT;']
# Images and flavors that other projects see.
_VISIBILITY = [
    f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '{value}';"
    for table in ('image', 'flavor')
    for column, value in (('visibility', 'private'), ('shared_with', '[]'))
]
# Projects with quotas and members.
_PROJECT = """uuid TEXT NOT NULL DEFAULT '', name TEXT NOT NULL UNIQUE,
  quotas TEXT NOT NULL DEFAULT '{}', members TEXT, description TEXT NOT NULL, labels TEXT NOT NULL,
  UNIQUE (project, name)"""
_PROJECTS = [f'CREATE TABLE project ({_ROW}, {_PROJECT});']
# Servers that are containers.
_TYPES = ["ALTER TABLE server ADD COLUMN type TEXT NOT NULL DEFAULT 'vm';"]
# Volumes that are copies.
_SOURCES = ["ALTER TABLE volume ADD COLUMN source TEXT NOT NULL DEFAULT '';"]
# Images that run an application.
_APPLICATION = ['ALTER TABLE image ADD COLUMN application TEXT;']
# Resources that are protected from deletion, as servers are.
_PROTECTED = [
    f'ALTER TABLE {table} ADD COLUMN delete_protection INTEGER NOT NULL DEFAULT 0;'
    for table in ('image', 'network', 'floating_ip', 'volume')
]
# Where the disks of volumes are.
_VOLUME_TYPES = [
    "ALTER TABLE volume ADD COLUMN volume_type TEXT NOT NULL DEFAULT 'default';",
]
# Snapshots of volumes.
_VOLUME_SNAPSHOT = """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  volume_id INTEGER NOT NULL REFERENCES volume, size INTEGER NOT NULL,
  description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT, UNIQUE (project, name)"""
_VOLUME_SNAPSHOTS = [f'CREATE TABLE volume_snapshot ({_ROW}, {_VOLUME_SNAPSHOT});']
# Backups of servers, which outlive them.
_BACKUP = """uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, server TEXT NOT NULL,
  server_uuid TEXT NOT NULL, store TEXT NOT NULL, mode TEXT NOT NULL,
  volume_size INTEGER NOT NULL, config TEXT NOT NULL, size INTEGER, checksum TEXT,
  application TEXT, description TEXT NOT NULL, labels TEXT NOT NULL, task_state TEXT,
  delete_protection INTEGER NOT NULL DEFAULT 0, volumes TEXT, base TEXT, UNIQUE (project, name)"""
_BACKUPS = [f'CREATE TABLE backup ({_ROW}, {_BACKUP});']
# Schedules.
_SCHEDULE = """uuid TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, action TEXT NOT NULL,
  on_calendar TEXT NOT NULL, servers TEXT NOT NULL, server_labels TEXT NOT NULL,
  options TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL,
  UNIQUE (project, name)"""
_SCHEDULES = [f'CREATE TABLE schedule ({_ROW}, {_SCHEDULE});']
# How containers resolve names, the password of their root, their swap, the limit of their files,
# and their volumes.
_OF_CONTAINERS = [
    "ALTER TABLE server ADD COLUMN dns_servers TEXT NOT NULL DEFAULT '[]';",
    "ALTER TABLE server ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';",
    'ALTER TABLE server ADD COLUMN root_password TEXT;',
    'ALTER TABLE server ADD COLUMN swap INTEGER NOT NULL DEFAULT 0;',
    'ALTER TABLE server ADD COLUMN root_size INTEGER NOT NULL DEFAULT 0;',
    "ALTER TABLE volume ADD COLUMN file_system TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE volume ADD COLUMN mount_point TEXT NOT NULL DEFAULT '';",
]
# Servers that have volumes read-only.
_VOLUME_READER = """volume_id INTEGER NOT NULL REFERENCES volume,
  server_id INTEGER NOT NULL REFERENCES server ON DELETE CASCADE,
  task_state TEXT, UNIQUE (volume_id, server_id)"""
_VOLUME_READERS = [f'CREATE TABLE volume_reader ({_ROW}, {_VOLUME_READER});']
_VERSION_8 = [
    *_ROOM,
    *_PHASE,
    *_CRASH,
    *_HARDWARE,
    *_LIMITS,
    *_START,
    *_BRIDGE_PORTS,
    *_ISO,
    *_USER,
    *_APPLICATION,
    *_PROJECTS,
    *_VISIBILITY,
    *_TYPES,
    *_SOURCES,
    *_VOLUME_SNAPSHOTS,
    *_PROTECTED,
    *_BACKUPS,
    *_VOLUME_TYPES,
    *_VOLUME_READERS,
    *_SCHEDULES,
    *_OF_CONTAINERS,
]

VERSIONS = {
    2: _version_2(),
    3: '\n'.join(_VERSION_3),
    4: '\n'.join(_VERSION_4),
    5: _version_5(),
    6: '\n'.join(_VERSION_6),
    7: '\n'.join(_VERSION_7),
    8: '\n'.join(_VERSION_8),
}
# Indices and triggers, without those of constraints.
_DERIVED = """SELECT type, name FROM sqlite_master
  WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"""


def migrate(database: Database) -> None:
    """Create the tables of an empty database, or those of today in an older one."""
    newest = max(VERSIONS)
    statements = [creation()]
    if database.version:
        statements = [f'DROP {row["type"]} {row["name"]};' for row in database.fetch(_DERIVED)]
        statements += [VERSIONS[number] for number in range(database.version + 1, newest + 1)]
        # A newer version may render other rules: they are loaded again.
        statements += ["UPDATE meta SET value = value + 1 WHERE key = 'revision';"]
        statements += [indices_and_triggers()]
    statements += [f'PRAGMA user_version = {newest};']
    try:
        database.sql.executescript('\n'.join(['BEGIN IMMEDIATE;', *statements, 'COMMIT;']))
    except sqlite3.Error as error:
        raise database.access_error(error) from error
    database.version = newest
