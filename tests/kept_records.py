# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The records of earlier versions in tests/fixtures/records, one directory each."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._local.record.schema import VERSIONS

ROOT = Path(__file__).parent / 'fixtures' / 'records'


@dataclass(frozen=True)
class KeptRecord:
    """A record and what belonged to it on its host, as an earlier version left them."""

    folder: Path

    def __str__(self) -> str:
        """Return its name, for the ids of tests."""
        return self.folder.name

    def read(self, name: str) -> Any:
        """Return the content of one of its JSON files."""
        return json.loads((self.folder / f'{name}.json').read_text('utf-8'))

    def write_database(self, path: Path, replaced: str = '', by: str = '') -> None:
        """Write the record as that version did, with one text replaced."""
        text = (self.folder / 'record.sql').read_text('utf-8')
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(path, isolation_level=None)) as sql:
            sql.execute('PRAGMA journal_mode = WAL')
            sql.executescript(text.replace(replaced, by) if replaced else text)

    def write_export(self, path: Path) -> None:
        """Write the export of the record."""
        path.write_text(json.dumps(self.read('export')), 'utf-8')
        path.chmod(0o600)


def write_version(path: Path, version: int) -> None:
    """Write an empty record with the tables of an earlier version; 0: without tables."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute('PRAGMA journal_mode = WAL')
        if version:
            sql.executescript((ROOT / '1.sql').read_text('utf-8'))
        for number in range(2, version + 1):
            sql.executescript(VERSIONS[number])
        sql.execute(f'PRAGMA user_version = {version}')


KEPT = tuple(KeptRecord(folder) for folder in sorted(ROOT.iterdir()) if folder.is_dir())


def differences(kept: Any, current: Any, where: str) -> list[str]:
    """Return what of a kept result is no longer there or another one; what is new is no difference.

    Items of a list are compared by name, if they have one.
    """
    if isinstance(kept, list) and isinstance(current, list):
        kept, current = _by_name(kept), _by_name(current)
        added = [f'{where}.{key}: added' for key in current if key not in kept]
    else:
        added = []
    if not isinstance(kept, dict) or not isinstance(current, dict):
        return [] if kept == current else [f'{where}: {kept!r} -> {current!r}']
    found = []
    for key, value in kept.items():
        if key in current:
            found += differences(value, current[key], f'{where}.{key}')
        else:
            found.append(f'{where}.{key}: lost')
    return found + added


def _by_name(items: list[Any]) -> dict[str, Any]:
    names = [item.get('name') if isinstance(item, dict) else None for item in items]
    is_named = all(names) and len(set(names)) == len(names)
    return dict(zip(names if is_named else map(str, range(len(items))), items, strict=True))
