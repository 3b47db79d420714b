# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A task that finds nothing to do on a real host imports little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.imports import check_imports

from .conftest import ROOT, backup_stores, keep

SAMPLES: dict[str, Any] = yaml.safe_load(
    (ROOT / 'tests' / 'sample_tasks.yml').read_text(encoding='utf-8')
)


@pytest.fixture
def store(host: None, module: str, tmp_path: Path) -> Iterator[None]:
    """A store, for backups."""
    with backup_stores(disk=tmp_path) if module == 'backup' else nullcontext():
        yield


@pytest.mark.parametrize(
    'module', sorted(name for name in SAMPLES if 'elsewhere' not in SAMPLES[name])
)
def test_imports(module: str, tiny: str, store: None) -> None:
    """Of every kind. tests/unit/test_imports.py does it for kinds that need no host."""
    names = {'IMAGE': tiny, 'FLAVOR': 'g1.nano'}
    sample = SAMPLES[module]
    tasks = [
        (kind, {option: names.get(str(value), value) for option, value in task.items()})
        for kind, task in [*sample.get('before', []), (module, sample['task'])]
    ]
    try:
        for kind, options in tasks:
            keep(kind, **options)
        check_imports(*tasks[-1])
    finally:
        for kind, options in reversed(tasks):
            owner = SAMPLES[kind].get('of')
            of = {owner: options[owner]} if owner else {}
            keep(kind, name=options['name'], state='absent', **of)
