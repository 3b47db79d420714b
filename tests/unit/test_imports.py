# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A task that finds nothing to do imports little: of kinds that exist in the record only.

tests/integration/test_imports.py does it for all kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.tests.imports import check_imports, imported

TESTS = Path(__file__).resolve().parents[1]
SAMPLES: dict[str, Any] = yaml.safe_load((TESTS / 'sample_tasks.yml').read_text(encoding='utf-8'))


@pytest.mark.parametrize('module', ['flavor', 'init_script', 'keypair'])
def test_imports(module: str, tmp_path: Path) -> None:
    """In the second run of a task; the first creates the record."""
    (tmp_path / 'host.json').write_text('{}', encoding='utf-8')
    folders = {'HANOK_STATE': str(tmp_path / 'state'), 'HANOK_CONFIG': str(tmp_path)}
    task = SAMPLES[module]['task']
    assert imported(module, task, **folders)[0]
    check_imports(module, task, **folders)
