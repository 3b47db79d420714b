# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each module does what its `attributes` promise.

tests/unit/test_attributes.py defines the promises and tests what needs no cloud.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .clouds import CloudUnderTest
from .promises import Result, Run

Keep = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
)
INFO = [name for name in MODULES if name.endswith('_info')]
MANAGING = [name for name in MODULES if name not in (*INFO, 'server_log')]
SAMPLES: dict[str, Any] = yaml.safe_load(
    (ROOT / 'tests' / 'sample_tasks.yml').read_text(encoding='utf-8')
)
# What a cloud may lack, by the beginning of the names of modules.
NEEDS = {
    'history_info': 'history',
    'project': 'projects',
    'server_snapshot': 'snapshots of servers',
    'backup': 'backups',
    'schedule': 'schedules',
}


def _needs(module: str) -> tuple[pytest.MarkDecorator, ...]:
    for start, feature in NEEDS.items():
        if module.startswith(start):
            return (pytest.mark.needs(feature),)
    return ()


def keep_change(cloud: CloudUnderTest, keep: Keep, module: str, options: dict[str, Any]) -> Any:
    """Run a task that changes something; return the item.

    Check mode predicts the change with its diff and touches nothing.
    """
    before = cloud.state()
    predicted = cloud.run(module, check=True, **options)
    assert cloud.state() == before
    assert predicted['changed']
    assert predicted['diff']['before'] != predicted['diff']['after']
    return keep(module, **options)[module]


def with_names(cloud: CloudUnderTest, options: dict[str, Any]) -> dict[str, Any]:
    """Options with what this cloud has in place of IMAGE, FLAVOR and LARGER_FLAVOR."""
    names = {
        'IMAGE': cloud.image_path,
        'FLAVOR': cloud.flavor,
        'LARGER_FLAVOR': cloud.larger_flavor,
    }
    return {
        option: names.get(value, value) if isinstance(value, str) else value
        for option, value in options.items()
    }


@pytest.mark.parametrize('module', [pytest.param(name, marks=_needs(name)) for name in MANAGING])
def test_module_attributes(module: str, cloud: CloudUnderTest, keep: Keep, run: Run) -> None:
    """Create, update and delete: predicted by check mode, idempotent, and removed without a trace.

    The _info module returns the same item.
    """
    assert module in SAMPLES, f'add a task of the module {module} to tests/sample_tasks.yml'
    sample = SAMPLES[module]
    if 'elsewhere' in sample:
        assert (ROOT / sample['elsewhere']).exists()
        return
    name = sample['task']['name']
    for other, options in sample.get('before', []):
        keep(other, **with_names(cloud, options))
    item = keep_change(cloud, keep, module, with_names(cloud, sample['task']))
    if 'change' in sample and (module != 'keypair' or 'labels of key pairs' in cloud.can):
        item = keep_change(cloud, keep, module, with_names(cloud, sample['change']))
    if f'{module}_info' in INFO:
        listed = run(f'{module}_info')[KINDS[module].plural]
        if module == 'keypair' and 'dates of all key pairs' not in cloud.can:
            item = {**item, 'created_at': ''}
        assert item in listed
    owner = {option: sample['task'][option] for option in sample.get('of', '').split()}
    keep_change(cloud, keep, module, {'name': name, **owner, 'state': 'absent'})
    for other, options in reversed(sample.get('before', [])):
        keep(other, name=options['name'], state='absent')


@pytest.mark.parametrize('module', [pytest.param(name, marks=_needs(name)) for name in INFO])
def test_info_module_changes_nothing(module: str, cloud: CloudUnderTest, run: Run) -> None:
    """Check mode and a run return the same result, without a diff, and touch nothing."""
    before = cloud.state()
    predicted, result = run(module, check=True), run(module)
    assert cloud.state() == before
    assert not result['changed']
    assert 'diff' not in result
    assert predicted == result
