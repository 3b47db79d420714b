# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each module does on a real host what its `attributes` promise.

tests/unit/test_attributes.py defines the promises and tests what needs no host.
"""

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


def observed_state() -> dict[str, Any]:
    """The host, the bytes of the state directory, and the content of the record.

    Without the -shm and -wal files of SQLite, which readers write too.
    """
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


def keep_change(module: str, options: dict[str, Any]) -> Any:
    """Run a task that changes something; return the item.

    Check mode predicts the change with its diff and touches nothing.
    """
    before = observed_state()
    predicted = run(module, check=True, **options)
    assert observed_state() == before
    assert predicted['changed']
    assert predicted['diff']['before'] != predicted['diff']['after']
    return keep(module, **options)[module]


def with_image(options: dict[str, Any], tiny: str) -> dict[str, Any]:
    """Options with the path of a real image in place of IMAGE."""
    return {option: tiny if value == 'IMAGE' else value for option, value in options.items()}


@pytest.mark.parametrize('module', [name for name in MODULES if name not in INFO])
def test_module_attributes(module: str, host: None, tiny: str) -> None:
    """Create, update and delete: predicted by check mode, idempotent, and removed without a trace.

    The _info module returns the same item.
    """
    assert module in SAMPLES, f'add a task of the module {module} to tests/sample_tasks.yml'
    sample, before = SAMPLES[module], inventory()
    if 'elsewhere' in sample:
        assert (ROOT / sample['elsewhere']).exists()
        return
    name = sample['task']['name']
    for other, options in sample.get('before', []):
        keep(other, **with_image(options, tiny))
    item = keep_change(module, with_image(sample['task'], tiny))
    if 'change' in sample:
        item = keep_change(module, with_image(sample['change'], tiny))
    if f'{module}_info' in INFO:
        assert item in run(f'{module}_info')[f'{module}s']
    keep_change(module, {'name': name, 'state': 'absent'})
    for other, options in reversed(sample.get('before', [])):
        keep(other, name=options['name'], state='absent')
    assert inventory() == before


@pytest.mark.parametrize('module', INFO)
def test_info_module_changes_nothing(module: str, host: None) -> None:
    """Check mode and a run return the same result, without a diff, and touch nothing."""
    before = observed_state()
    predicted, result = run(module, check=True), run(module)
    assert observed_state() == before
    assert not result['changed']
    assert 'diff' not in result
    assert predicted == result
