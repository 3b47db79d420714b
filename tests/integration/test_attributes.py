# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each module promises under `attributes` is what it does on a real host; tests/unit/test_attributes.py says what that is, and does what needs no host."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, inventory, keep, run

STATE = Path('/var/lib/hanok')
MODULES = sorted(
    path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
)
INFO = [name for name in MODULES if name.endswith('_info')]
SAMPLES: dict[str, Any] = yaml.safe_load(
    (ROOT / 'tests' / 'sample_tasks.yml').read_text(encoding='utf-8')
)


def seen() -> dict[str, Any]:
    """The host, the state folder byte for byte, and what the record says: SQLite's own files beside it belong to readers too."""
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in STATE.rglob('*')
        if path.is_file()
    }
    record = sqlite3.connect(f'file:{STATE / "hanok.db"}?mode=ro', uri=True)
    try:
        rows = list(record.iterdump())
    finally:
        record.close()
    return {
        **inventory(),
        **{path: digest for path, digest in files.items() if not path.endswith(('-shm', '-wal'))},
        'record': rows,
    }


def kept(module: str, options: dict[str, Any]) -> Any:
    """Keep a task that changes something: check mode tells it with its difference and touches nothing; the item."""
    before = seen()
    told = run(module, check=True, **options)
    assert seen() == before
    assert told['changed']
    assert told['diff']['before'] != told['diff']['after']
    return keep(module, **options)[module]


def filled(options: dict[str, Any], tiny: str) -> dict[str, Any]:
    """Options with the path of a real image."""
    return {option: tiny if value == 'IMAGE' else value for option, value in options.items()}


@pytest.mark.parametrize('module', [name for name in MODULES if name not in INFO])
def test_a_module_keeps_its_promises(module: str, host: None, tiny: str) -> None:
    """Made, changed and removed: told before, done once. The _info twin tells the same item. At the end the host is as before."""
    assert module in SAMPLES, (
        f'add a task for the module {module} to tests/sample_tasks.yml: what it promises is tried by it'
    )
    sample, before = SAMPLES[module], inventory()
    if 'elsewhere' in sample:
        assert (ROOT / sample['elsewhere']).exists()
        return
    name = sample['task']['name']
    for other, options in sample.get('before', []):
        keep(other, **filled(options, tiny))
    item = kept(module, filled(sample['task'], tiny))
    if 'change' in sample:
        item = kept(module, filled(sample['change'], tiny))
    if f'{module}_info' in INFO:
        assert item in run(f'{module}_info')[f'{module}s']
    kept(module, {'name': name, 'state': 'absent'})
    for other, options in reversed(sample.get('before', [])):
        keep(other, name=options['name'], state='absent')
    assert inventory() == before


@pytest.mark.parametrize('module', INFO)
def test_an_info_module_changes_nothing(module: str, host: None) -> None:
    """In check mode and out of it: the same result, without a difference to tell, and nothing touched."""
    before = seen()
    told, done = run(module, check=True), run(module)
    assert seen() == before
    assert not done['changed']
    assert 'diff' not in done
    assert told == done
