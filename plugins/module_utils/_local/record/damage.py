# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look for data in the record that this collection never writes, after an unexpected error."""

from __future__ import annotations

import json
import re
import sqlite3
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Callable, Dict, Iterator

from ..._cloud import CloudError
from ..._model.access import ROLES
from ..._model.application import application_from
from ..._model.datapath import DEVICE
from ..._model.flavor_limits import LIMITS
from ..._model.hardware import hardware_from
from ..._model.image import DISK_FORMATS
from ..._model.keypair import fingerprint
from ..._model.lb import ALGORITHMS, HealthCheck, Listener
from ..._model.login_names import LOGIN_NAME
from ..._model.project import QUOTAS
from ..._model.rule import Rule
from ..._model.server_type import TYPES
from ..._model.sharing import VISIBILITIES
from ..._model.status import TaskState
from .columns import Value
from .database import RECOVER
from .definition import columns_of
from .integrity import check_integrity
from .record import Record
from .tables import ALL_TABLES


def damage(record: Record) -> str:
    """Return the first problem of the record and what to do about it; empty if none is known."""
    try:
        found = next(_problems(record), '')
    except CloudError as error:
        return str(error)
    if not found:
        return ''
    return (
        f'the record {record.path} contains data that hanok.cloud does not write: '
        f'{found}; {RECOVER}'
    )


def _problems(record: Record) -> Iterator[str]:
    check_integrity(record)
    meta = record.meta()
    for key in ('revision', 'metadata', 'metadata_written'):
        if not isinstance(meta.get(key), int):
            yield f'meta.{key} is {meta.get(key)!r}'
    yield from _problem(_matches('[0-9a-f]{12}'), meta.get('record'), 'meta.record')
    for table in ALL_TABLES:
        for row in record.fetch(f'SELECT * FROM main.{table}'):
            yield from _row_problems(table, row)
    roots = 'SELECT server_id FROM main.volume WHERE bootable'
    without = f"SELECT name FROM main.server WHERE type = 'vm' AND id NOT IN ({roots})"
    name = record.value(without)
    if name is not None:
        yield f'server {name} has no root volume'


def _row_problems(table: str, row: sqlite3.Row) -> Iterator[str]:
    columns = columns_of(table)
    missing = columns.keys() - row.keys()
    if missing:
        yield f'{table}.{min(missing)} is missing'
        return
    for name, column in columns.items():
        value = row[name]
        if value is not None and not isinstance(value, column.type):
            yield f'{table}.{name} is {value!r}'
        if value is not None and column.value:
            yield from _problem(_CHECKS[column.value], value, f'{table}.{name}')
    if table == 'security_group_rule':
        group = 'group' if row['remote_group_id'] else None
        values = {
            column: row[column]
            for column in ('direction', 'protocol', 'port_min', 'port_max', 'remote_cidr')
        }
        yield from _problem(lambda columns: Rule(**columns, remote_group=group), values, table)


def _problem(check: Callable[[Any], object], value: object, where: str) -> Iterator[str]:
    try:
        check(value)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        yield f'{where}: {type(error).__name__}: {error}'


def _labels(text: str) -> None:
    labels = json.loads(text)
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ValueError(f'{text!r} is not a mapping of labels')


def _limits(text: str) -> None:
    for option, value in json.loads(text).items():
        if option not in LIMITS or not isinstance(value, int):
            raise ValueError(f'{option}: {value!r} is not a limit')


def _quotas(text: str) -> None:
    for quota, value in json.loads(text).items():
        if quota not in QUOTAS or not isinstance(value, int):
            raise ValueError(f'{quota}: {value!r} is not a quota')


def _members(text: str) -> None:
    for name, role in json.loads(text).items():
        if role not in ROLES:
            raise ValueError(f'{name}: {role!r} is not a role')


def _listeners(text: str) -> None:
    for listener in json.loads(text):
        Listener(**listener)


def _one_of(*values: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value not in values:
            raise ValueError(f'{value!r} is not one of {", ".join(values)}')

    return check


def _matches(pattern: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f'{value!r} does not match {pattern}')

    return check


_CHECKS: Dict[Value, Callable[[Any], Any]] = {
    Value.ADDRESS: IPv4Address,
    Value.ALGORITHM: _one_of(*ALGORITHMS),
    Value.APPLICATION: application_from,
    Value.CIDR: IPv4Network,
    Value.DEVICE: _matches(DEVICE.pattern),
    Value.DISK_FORMAT: _one_of(*DISK_FORMATS),
    Value.HARDWARE: hardware_from,
    Value.HEALTH_CHECK: lambda text: HealthCheck(**json.loads(text)),
    Value.HOST_NAME: _matches('[A-Za-z0-9-]+'),
    Value.JSON: json.loads,
    Value.LABELS: _labels,
    Value.LIMITS: _limits,
    Value.LISTENERS: _listeners,
    Value.LOGIN_NAME: _matches(LOGIN_NAME.pattern),
    Value.MAC: _matches('[0-9a-f]{2}(:[0-9a-f]{2}){5}'),
    Value.MEMBERS: _members,
    Value.NAME: _matches('[A-Za-z0-9._-]+'),
    Value.ON_CRASH: _one_of('restart', 'stop'),
    Value.POWER: _one_of('started', 'stopped', 'paused', 'shelved'),
    Value.PUBLIC_KEY: fingerprint,
    Value.QUOTAS: _quotas,
    Value.SERVER_TYPE: _one_of(*TYPES),
    Value.TASK_STATE: TaskState,
    Value.VISIBILITY: _one_of(*VISIBILITIES),
}
