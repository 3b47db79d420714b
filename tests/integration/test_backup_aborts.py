# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups that are aborted while another task makes them: nothing of them is left anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .conftest import STATE, Result, backup_stores, keep, run
from .test_ground import eventually

# Programs that copy, in the place of the real ones: they say that they began, and never end.
HELD = Path('/run/held')
PROGRAM = """#!/bin/sh
case "{program} $*" in
"qemu-img convert "* | "tar "*) echo >>{folder}/began; exec sleep infinity ;;
esac
exec {path} "$@"
"""
Making = Callable[..., Any]


@pytest.fixture(scope='module')
def store(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store for backups."""
    path = tmp_path_factory.mktemp('store')
    with backup_stores(disk=path):
        yield path


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    """Return a task that makes a backup and is copying now."""
    HELD.mkdir()
    (HELD / 'began').touch()
    (HELD / 'began').chmod(0o666)  # the users of a container write there
    for program in ('qemu-img', 'tar'):
        path = HELD / program
        path.write_text(
            PROGRAM.format(program=program, folder=HELD, path=shutil.which(program)), 'utf-8'
        )
        path.chmod(0o755)
    with ThreadPoolExecutor(1) as pool:

        def begin(**options: Any) -> Any:
            with monkeypatch.context() as patched:
                patched.setenv('PATH', f'{HELD}:{os.environ["PATH"]}')
                task = pool.submit(run, 'backup', **options)
                eventually(lambda: task.done() or (HELD / 'began').stat().st_size > 0)
            assert not task.done(), task.result()
            return task

        yield begin
    shutil.rmtree(HELD)


def abort(task: Any, **options: Any) -> Result:
    """Abort what a task makes, as check mode predicts; return the result of that task."""
    options = {'name': 'b', 'state': 'aborted', 'actor': 'lee', **options}
    predicted = run('backup', check=True, **options)
    assert not task.done()
    done = run('backup', **options)
    assert not done.get('failed'), done['msg']
    assert predicted['changed'] is done['changed'] is True
    assert predicted['diff'] == done['diff']
    assert predicted['msg'] == 'would abort backup b'
    assert (done['msg'], done['backup']) == ('aborted backup b', None)
    assert not run('backup', **options)['changed']
    assert run('backup_info', name='b')['backups'] == []
    found: Result = task.result()
    assert found['failed']
    (error,) = [one for one in found['errors'] if one['name'] == 'b']
    assert error['msg'].startswith('aborted by lee (state: aborted); ')
    last, first = run('history_info', name='b')['history'][:2]
    assert (last['verb'], last['changed_by'], last['result']) == ('abort', 'lee', 'ok')
    assert (first['verb'], first['result']) == ('create', 'failed')
    assert 'aborted by lee' in first['error']
    return found


def remains(server: str) -> list[str]:
    """What there is of backups in the disks of a virtual machine, beside these, and in it."""
    (found,) = run('server_info', name=server)['servers']
    folder = STATE / 'servers' / found['id']
    words = ['qemu-img', 'snapshot', '-U', '-l', str(folder / 'root.qcow2')]
    left = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    left += [path.name for path in folder.glob('*.part*')]
    words = ['virsh', '--quiet', 'checkpoint-list', '--name', found['id']]
    if found['status'] == 'ACTIVE':
        left += subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return left


def status(server: str) -> str:
    """The status of a server."""
    found: str = run('server_info', name=server)['servers'][0]['status']
    return found


@pytest.mark.parametrize('options', [{}, {'mode': 'stop'}, {'incremental': True}])
def test_virtual_machine(
    store: Path, no_guest: str, making: Making, options: dict[str, Any]
) -> None:
    """It runs, its disk has no snapshot, and nothing keeps track of what changes."""
    keep('server', name='web', image=no_guest, flavor='g1.nano')
    try:
        task = making(name='b', server='web', **options)
        assert run('backup_info', name='b')['backups'][0]['status'] == 'creating'
        abort(task)
        assert (status('web'), remains('web'), os.listdir(store)) == ('ACTIVE', [], [])
        keep('backup', name='b', server='web', **options)
        keep('backup', name='b', state='absent')
    finally:
        keep('server', name='web', state='absent')


def test_incremental(store: Path, no_guest: str, making: Making) -> None:
    """The base stays one; other backups are not deleted in the place of one that was not made."""
    keep('server', name='web', image=no_guest, flavor='g1.nano')
    options = {'server': 'web', 'incremental': True}
    old = keep('backup', name='old', server='web')['backup']
    base = keep('backup', name='a', **options)['backup']
    task = making(name='b', **options, keep_last=1)
    found = abort(task)
    assert 'backup old: it is kept, because the backup b was not made' in found['msg']
    assert remains('web') == [f'hanok-{base["id"]}']
    assert {*os.listdir(store)} == {old['id'], base['id']}
    assert keep('backup', name='b', **options)['backup']['base'] == 'a'
    for name in ('b', 'a', 'old'):
        keep('backup', name=name, state='absent')
    keep('server', name='web', state='absent')


@pytest.mark.parametrize('mode', ['suspend', 'stop'])
def test_container(store: Path, root_image: str, making: Making, mode: str) -> None:
    """It is not frozen any more, or runs again."""
    keep('server', name='box', image=root_image, flavor='g1.nano', type='container')
    task = making(name='b', server='box', mode=mode, force=mode == 'stop')
    abort(task)
    assert (status('box'), os.listdir(store)) == ('ACTIVE', [])
    keep('server', name='box', state='absent')
