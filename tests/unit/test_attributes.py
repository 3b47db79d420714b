# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each module promises under `attributes` is what it does: as far as that can be seen without libvirt, on a record in a folder of its own.

The modules are taken from the folder, their tasks from tests/sample_tasks.yml.
tests/integration/test_attributes.py does the same on a real host.
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
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.hanok.cloud.plugins.module_utils._local import hypervisor
from ansible_collections.hanok.cloud.plugins.module_utils._local.firewalls import LocalFirewalls
from ansible_collections.hanok.cloud.plugins.module_utils._local.host import Host
from ansible_collections.hanok.cloud.plugins.module_utils._local.images import LocalImages

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
)
INFO = [name for name in MODULES if name.endswith('_info')]
KEEPING = [name for name in MODULES if name not in INFO]
SAMPLES: dict[str, Any] = yaml.safe_load(
    (ROOT / 'tests' / 'sample_tasks.yml').read_text(encoding='utf-8')
)
# A module that keeps no thing of its own is tried by a test of its own, elsewhere.
TRIED = [name for name in KEEPING if 'elsewhere' not in SAMPLES.get(name, {})]
RECORD_ONLY = [name for name in KEEPING if SAMPLES.get(name, {}).get('record')]

KEEPS = {'check_mode': 'full', 'diff_mode': 'full', 'idempotent': 'full'}
TELLS = {'check_mode': 'full', 'diff_mode': 'N/A', 'idempotent': 'full'}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of which only the record is real: what writes rules and routes does nothing, and nobody asks qemu-img what an image is."""
    monkeypatch.setenv('HANOK_STATE', str(tmp_path / 'state'))
    monkeypatch.setenv('HANOK_CONFIG', str(tmp_path))
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(LocalFirewalls, 'apply', lambda _self: None)
    monkeypatch.setattr(LocalImages, 'source_problem', lambda *_names: '')
    # What check mode would do by mistake is not done to the machine that the tests run on.
    monkeypatch.setattr(
        Host, 'run', lambda _self, *words, **_options: pytest.fail(f'was run: {words}')
    )
    monkeypatch.setitem(hypervisor.URIS, 'qemu', 'qemu+unix:///system?socket=/nonexistent')
    pools = [{'name': 'host', 'addresses': ['198.18.0.0/24']}]
    (tmp_path / 'host.json').write_text(json.dumps({'floating_pools': pools}), encoding='utf-8')
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a module as Ansible does, but in this process; its result."""
    warnings: list[str] = []
    # In a process that has imported the controller, Ansible shows them instead of returning them.
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
    """The tasks of a module."""
    assert module in SAMPLES, (
        f'add a task for the module {module} to tests/sample_tasks.yml: what it promises is tried by it'
    )
    found: dict[str, Any] = SAMPLES[module]
    return found


def files(folder: Path) -> dict[str, Any]:
    """All that is in a folder, byte for byte; of the record what it says, because SQLite's own files beside it belong to readers too."""
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
    """The result of check mode, which tells of a change with its difference, and has touched nothing."""
    before = files(folder)
    told = run(module, options, check=True)
    assert files(folder) == before
    assert told['changed']
    assert told['diff']['before'] != told['diff']['after']
    return told


@pytest.mark.parametrize('module', MODULES)
def test_what_is_promised(module: str) -> None:
    """All modules that keep something promise the same, and all that only tell; the other tests try what that is."""
    path = ROOT / 'plugins' / 'modules' / f'{module}.py'
    doc = get_docstring(
        str(path), fragment_loader, collection_name='hanok.cloud', plugin_type='module'
    )[0]
    promised = {name: attribute['support'] for name, attribute in doc['attributes'].items()}
    fragment = 'hanok.cloud.attributes.info' if module in INFO else 'hanok.cloud.attributes'
    assert promised == (TELLS if module in INFO else KEEPS), (
        f'{module}: extend {fragment}; an attribute that is new there needs a test here'
    )


def test_the_samples_are_of_modules() -> None:
    """No sample is of a module that is not there any more."""
    assert set(SAMPLES) <= set(KEEPING)


@pytest.mark.parametrize('module', TRIED)
def test_check_mode_on_a_new_host(module: str, run: Run, folder: Path) -> None:
    """Where there is no record yet, check mode makes none."""
    predicted(run, folder, module, sample(module)['task'])
    assert not (folder / 'state').exists()


@pytest.mark.parametrize('module', TRIED)
def test_check_mode_beside_a_record(module: str, run: Run, folder: Path) -> None:
    """Where there is a record, check mode reads it and changes no byte."""
    run('flavor', {'name': 'another', 'vcpus': 1, 'memory': 256, 'disk': 1})
    predicted(run, folder, module, sample(module)['task'])


@pytest.mark.parametrize('module', RECORD_ONLY)
def test_check_mode_tells_what_a_run_does(module: str, run: Run, folder: Path) -> None:
    """Made, changed and removed: each told before by the same difference; and done once, it is not done again. The _info twin tells the same item."""
    task = sample(module)['task']
    for options in (task, sample(module).get('change'), {'name': task['name'], 'state': 'absent'}):
        if options is None:
            continue
        told, done = predicted(run, folder, module, options), run(module, options)
        assert (told['changed'], told['diff']) == (done['changed'], done['diff'])
        for again in (run(module, options), run(module, options, check=True)):
            assert (again['changed'], again['diff']) == (False, {'before': '', 'after': ''})
        if f'{module}_info' in INFO:
            items = run(f'{module}_info', {})[f'{module}s']
            assert [item for item in items if item['name'] == task['name']] == (
                [done[module]] if done[module] else []
            )


def test_a_reference_to_nothing(run: Run) -> None:
    """It is a warning in check mode, and refused by a run."""
    task = {**sample('server')['task'], 'image': 'nowhere'}
    told = run('server', task, check=True)
    assert told['changed']
    assert 'image nowhere does not exist' in str(told['warnings'])
    with pytest.raises(AssertionError, match='image nowhere does not exist'):
        run('server', task)


@pytest.mark.parametrize('module', INFO)
def test_info_changes_nothing(module: str, run: Run, folder: Path) -> None:
    """In check mode and out of it: the same result, without a difference to tell, and nothing touched."""
    run('flavor', {'name': 'another', 'vcpus': 1, 'memory': 256, 'disk': 1})
    before = files(folder)
    told, done = run(module, {}, check=True), run(module, {})
    assert files(folder) == before
    assert told == done
    assert not done['changed']
    assert 'diff' not in done
