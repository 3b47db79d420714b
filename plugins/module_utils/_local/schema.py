# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the record, by version. A version, once released, is never edited: the next one is added below it."""

from __future__ import annotations

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

# What the firewall, DHCP and the balancers are a function of: each change of these columns makes a new revision.
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
        for event in ('INSERT', f'UPDATE OF {columns}', 'DELETE'):
            out.append(
                f'CREATE TRIGGER firewall_{table}_{event.split()[0].lower()} AFTER {event} ON {table} '
                "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'revision'; END;"
            )
    for table, column, other in _NOT_WHILE_DELETED:
        for event in ('INSERT', f'UPDATE OF {column}'):
            out.append(
                f'CREATE TRIGGER {table}_{column}_{event.split()[0].lower()} BEFORE {event} ON {table} '
                f"WHEN (SELECT task_state FROM {other} WHERE id = NEW.{column}) = 'deleting' BEGIN SELECT RAISE(ABORT, '{other} is being deleted'); END;"
            )
    out += [
        "INSERT INTO meta VALUES ('revision', 1), ('record', lower(hex(randomblob(6))));",
        "INSERT INTO security_group (created_by, name, description) VALUES ('hanok.cloud', 'default', 'the group of servers for which none is named');",
    ]
    return '\n'.join(out)


TABLES = tuple(_TABLES)
VERSIONS = (_version_1(),)
