# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documented `attributes` of each module are true, as far as can be tested without libvirt.

The tests use a record in a temporary folder, all files of plugins/modules, and the tasks of
tests/sample_tasks.yml. tests/contract/test_attributes.py does the same on a real host.
"""

from __future__ import annotations

import json
import os
import runpy
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.hanok.cloud.plugins.module_utils._local.host import hypervisor
from ansible_collections.hanok.cloud.plugins.module_utils._local.projections import LocalProjections
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.work import Work
from ansible_collections.hanok.cloud.plugins.module_utils._local.storage.images import LocalImages
from ansible_collections.hanok.cloud.tests.module_args import patch_module_args

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
)
INFO = [name for name in MODULES if name.endswith('_info')]
READING = [*INFO, 'server_log']
MANAGING = [name for name in MODULES if name not in READING]
SAMPLES: dict[str, Any] = yaml.safe_load(
    (ROOT / 'tests' / 'sample_tasks.yml').read_text(encoding='utf-8')
)
# A module without a resource of its own has a test elsewhere.
SAMPLED = [name for name in MANAGING if 'elsewhere' not in SAMPLES.get(name, {})]
RECORD_ONLY = [name for name in MANAGING if SAMPLES.get(name, {}).get('record')]

MANAGE = {'check_mode': 'full', 'diff_mode': 'full', 'idempotent': 'full'}
INFORM = {'check_mode': 'full', 'diff_mode': 'N/A', 'idempotent': 'full'}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a host of which only the record is real.

    Writing rules and routes does nothing, and images are not inspected by qemu-img.
    """
    monkeypatch.setenv('HANOK_STATE', str(tmp_path / 'state'))
    monkeypatch.setenv('HANOK_CONFIG', str(tmp_path))
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(LocalProjections, 'apply', lambda _self: None)
    monkeypatch.setattr(LocalImages, 'source_problem', lambda *_names: '')
    # A program that check mode runs by mistake must not change the machine of the tests.
    monkeypatch.setattr(
        Work, 'run', lambda _self, *words, **_options: pytest.fail(f'unexpected command: {words}')
    )
    monkeypatch.setitem(hypervisor.URIS, 'qemu', 'qemu+unix:///system?socket=/nonexistent')
    pools = [{'name': 'host', 'addresses': ['198.18.0.0/24']}]
    settings = {
        'floating_pools': pools,
        'backup_stores': [{'name': 'disk', 'path': str(tmp_path)}],
    }
    (tmp_path / 'host.json').write_text(json.dumps(settings), encoding='utf-8')
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a module in this process, and returns its result."""
    warnings: list[str] = []
    # In a process that imported the controller, Ansible displays warnings and does not return them.
    monkeypatch.setattr(AnsibleModule, 'warn', lambda _self, text: warnings.append(text))

    def ran(module: str, options: dict[str, Any], check: bool = False) -> dict[str, Any]:
        warnings.clear()
        arguments = {**options, '_ansible_check_mode': check, '_ansible_diff': True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            runpy.run_module(
                f'ansible_collections.hanok.cloud.plugins.modules.{module}', run_name='__main__'
            )
        result: dict[str, Any] = {**json.loads(capsys.readouterr().out), 'warnings': list(warnings)}
        assert not result.get('failed'), result['msg']
        return result

    return ran


def sample(module: str) -> dict[str, Any]:
    """Return the sample tasks of a module."""
    assert module in SAMPLES, (
        f'add a task for the module {module} to tests/sample_tasks.yml, to test its attributes'
    )
    found: dict[str, Any] = SAMPLES[module]
    return found


def files(folder: Path) -> dict[str, Any]:
    """Return the contents of all files in a folder.

    Of the record also its dump; the files that SQLite keeps beside it are skipped, because readers
    change them too.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob('*')):
        if path.name == 'hanok.db':
            with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as record:
                found['record'] = list(record.iterdump())
            record.close()
        if not path.name.endswith(('-shm', '-wal')):
            found[str(path)] = path.read_bytes() if path.is_file() else None
    return found


def predicted(run: Run, folder: Path, module: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the result of check mode: a change with a diff, and no file was changed."""
    before = files(folder)
    checked = run(module, options, check=True)
    assert files(folder) == before
    assert checked['changed']
    assert checked['diff']['before'] != checked['diff']['after']
    return checked


@pytest.mark.parametrize('module', MODULES)
def test_attributes(module: str) -> None:
    """All managing modules have the same attributes, and so have all that read."""
    path = ROOT / 'plugins' / 'modules' / f'{module}.py'
    doc = get_docstring(
        str(path), fragment_loader, collection_name='hanok.cloud', plugin_type='module'
    )[0]
    documented = {name: attribute['support'] for name, attribute in doc['attributes'].items()}
    fragment = 'hanok.cloud.attributes.info' if module in READING else 'hanok.cloud.attributes'
    assert documented == (INFORM if module in READING else MANAGE), (
        f'{module}: use the fragment {fragment}; a new attribute in it needs a test here'
    )


def test_samples_have_modules() -> None:
    """There are no samples for modules that do not exist."""
    assert set(SAMPLES) <= set(MANAGING)


@pytest.mark.parametrize('module', SAMPLED)
def test_check_mode_on_a_new_host(module: str, run: Run, folder: Path) -> None:
    """Check mode creates no record."""
    predicted(run, folder, module, sample(module)['task'])
    assert not (folder / 'state').exists()


@pytest.mark.parametrize('module', SAMPLED)
def test_check_mode_with_a_record(module: str, run: Run, folder: Path) -> None:
    """Check mode does not change an existing record."""
    run('flavor', {'name': 'another', 'vcpus': 1, 'memory': 256, 'disk': 1})
    predicted(run, folder, module, sample(module)['task'])


@pytest.mark.parametrize('module', RECORD_ONLY)
def test_check_mode_predicts_the_run(module: str, run: Run, folder: Path) -> None:
    """Creation, update and deletion are predicted with the same diff, and are idempotent.

    The _info module returns the same item.
    """
    task = sample(module)['task']
    for options in (task, sample(module).get('change'), {'name': task['name'], 'state': 'absent'}):
        if options is None:
            continue
        checked, result = predicted(run, folder, module, options), run(module, options)
        assert (checked['changed'], checked['diff']) == (result['changed'], result['diff'])
        for repeated in (run(module, options), run(module, options, check=True)):
            assert (repeated['changed'], repeated['diff']) == (False, {'before': '', 'after': ''})
        if f'{module}_info' in INFO:
            items = run(f'{module}_info', {})[f'{module}s']
            assert [item for item in items if item['name'] == task['name']] == (
                [result[module]] if result[module] else []
            )


def test_missing_reference(run: Run) -> None:
    """It is a warning in check mode, and refused outside of it."""
    task = {**sample('server')['task'], 'image': 'nowhere'}
    checked = run('server', task, check=True)
    assert checked['changed']
    assert 'image nowhere does not exist' in str(checked['warnings'])
    with pytest.raises(AssertionError, match='image nowhere does not exist'):
        run('server', task)


@pytest.mark.parametrize('module', INFO)
def test_info_changes_nothing(module: str, run: Run, folder: Path) -> None:
    """Same result in check mode and outside of it, without a diff; no file is changed."""
    run('flavor', {'name': 'another', 'vcpus': 1, 'memory': 256, 'disk': 1})
    before = files(folder)
    checked, result = run(module, {}, check=True), run(module, {})
    assert files(folder) == before
    assert checked == result
    assert not result['changed']
    assert 'diff' not in result
