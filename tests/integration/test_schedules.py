# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules on a host without systemd: what their timers run is run by hand.

The units are made where a folder says that systemd runs, with a systemctl that only notes how it
was called: whether timers fire shows only a host with systemd.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.tests.imports import check_imports

from .conftest import TREE, backup_stores, keep, refused, run

PROGRAM = 'ansible_collections.hanok.cloud.plugins.module_utils._ansible.schedule_run'
STATE = Path('/var/lib/hanok')
UNITS = Path('/etc/systemd/system')
KEPT = Path('/usr/local/sbin/hanok-schedule.zip')


@pytest.fixture
def systemd(host: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What shows a host with systemd; the file with the calls of systemctl."""
    calls = tmp_path / 'calls'
    calls.touch()
    program = tmp_path / 'systemctl'
    program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n', 'utf-8')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    booted = Path('/run/systemd/system')
    booted.mkdir(parents=True)
    _pack(tmp_path)
    yield calls
    booted.rmdir()
    KEPT.unlink()


def _pack(folder: Path) -> None:
    """The tests run a tree, which is no package that could be kept: a small one is there."""
    from zipfile import ZipFile

    with ZipFile(KEPT, 'w') as package:
        package.writestr('kept', '')


def run_schedule(name: str) -> subprocess.CompletedProcess[str]:
    """Run what the timer runs."""
    return subprocess.run(
        ['/usr/bin/python3', '-m', PROGRAM, f'default:{name}'],
        env={**os.environ, 'PYTHONPATH': f'{TREE}:{sysconfig.get_paths()["purelib"]}'},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_without_systemd(host: None) -> None:
    """It is refused before anything is made."""
    message = refused('schedule', name='s', action='stop', servers=['a'], on_calendar='daily')
    assert 'schedules need systemd' in message
    assert not list(UNITS.glob('hanok-schedule*'))


def test_units(systemd: Path) -> None:
    """They are as recorded, valid, repaired, and removed."""
    options = {'name': 'nightly', 'action': 'stop', 'servers': ['a'], 'on_calendar': 'daily'}
    assert keep('schedule', **options)['schedule']['has_timer']
    timer = UNITS / 'hanok-schedule@default:nightly.timer'
    assert 'OnCalendar=daily\nAccuracySec=1s\nPersistent=true\n' in timer.read_text('utf-8')
    link = UNITS / 'timers.target.wants' / timer.name
    assert link.resolve() == timer
    assert systemd.read_text('utf-8').splitlines() == ['daemon-reload', f'restart {timer.name}']
    service = UNITS / 'hanok-schedule@.service'
    seen = subprocess.run(
        ['systemd-analyze', 'verify', str(timer), str(service)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'hanok' not in seen.stderr, seen.stderr
    for path in (timer, link, service):
        path.unlink()
        assert not run('schedule_info')['schedules'][0]['has_timer']
        assert keep('schedule', **options)['changed']
        assert path.exists()
    keep('schedule', name='nightly', on_calendar='Mon..Fri 19:00')
    assert 'OnCalendar=Mon..Fri 19:00\n' in timer.read_text('utf-8')
    assert 'systemd.time(7)' in refused('schedule', name='nightly', on_calendar='x y')
    check_imports('schedule', {'name': 'nightly', 'on_calendar': 'Mon..Fri 19:00'})
    keep('schedule', project='other', **options)
    assert 'holds 1 schedule;' in refused('project', name='other', state='absent')
    keep('schedule', name='nightly', project='other', state='absent')
    keep('project', name='other', state='absent')
    keep('schedule', name='nightly', state='absent')
    assert not timer.exists()
    assert not link.is_symlink()


def test_recovery(systemd: Path) -> None:
    """Timers of a rebuilt record are as recorded; one that is of no schedule is removed."""
    options = {'action': 'stop', 'servers': ['a'], 'on_calendar': 'daily'}
    for name in ('kept', 'lost'):
        keep('schedule', name=name, **options)
    timers = {name: UNITS / f'hanok-schedule@default:{name}.timer' for name in ('kept', 'lost')}
    texts = {path: path.read_bytes() for path in timers.values()}
    keep('schedule', name='lost', state='absent')
    timers['kept'].unlink()
    timers['lost'].write_bytes(texts[timers['lost']])
    for path in STATE.glob('hanok.db*'):
        path.unlink()
    text = 'schedule lost (project default): what it did is unknown; its timer is removed'
    assert keep('recover')['record']['lost'] == [text]
    assert timers['kept'].read_bytes() == texts[timers['kept']]
    assert not timers['lost'].exists()
    (schedule,) = run('schedule_info')['schedules']
    assert (schedule['name'], schedule['has_timer']) == ('kept', True)
    keep('schedule', name='kept', state='absent')


def test_runs(systemd: Path, no_guest: str, tmp_path: Path) -> None:
    """Each action once, by an actor of its own."""
    server = {'name': 'a', 'image': no_guest, 'flavor': 'g1.nano', 'labels': {'stage': 'test'}}
    keep('server', **server, state='stopped')
    store = tmp_path / 'store'
    store.mkdir()
    selection = {'server_labels': {'stage': 'test'}, 'on_calendar': 'daily'}
    with backup_stores(disk=store):
        for action, more in (
            ('backup', {'keep_last': 1}),
            ('snapshot', {'keep_last': 1}),
            ('start', {}),
            ('stop', {'force': True}),
        ):
            keep('schedule', name=action, action=action, **more, **selection)
        for _turn in range(2):
            for action in ('backup', 'snapshot', 'start'):
                ran = run_schedule(action)
                assert ran.returncode == 0, ran.stdout + ran.stderr
            assert run('server_info')['servers'][0]['status'] == 'ACTIVE'
            assert run_schedule('stop').returncode == 0
            assert run('server_info')['servers'][0]['status'] == 'SHUTOFF'
        (backup,) = run('backup_info')['backups']
        (snapshot,) = run('server_snapshot_info')['server_snapshots']
        assert (backup['created_by'], snapshot['created_by']) == (
            'schedule backup',
            'schedule snapshot',
        )
        keep('backup', name=backup['name'], state='absent')
    keep('schedule', name='gone', action='delete', servers=['a', 'b'], on_calendar='daily')
    other = {'name': 'gone', 'project': 'other'}
    keep('schedule', **other, action='stop', servers=['a'], on_calendar='daily')
    run('server_action', name='a', action='rename', new_name='c')
    shown = {one['name']: one['servers'] for one in run('schedule_info')['schedules']}
    assert (shown['gone'], shown['stop']) == (['b', 'c'], [])
    assert not keep('schedule', name='gone', servers=['c', 'b'])['changed']
    assert run('schedule_info', project='other')['schedules'][0]['servers'] == ['a']
    run('server_action', name='c', action='rename', new_name='a')
    keep('schedule', **other, state='absent')
    keep('project', name='other', state='absent')
    keep('server', name='a', delete_protection=True)
    ran = run_schedule('gone')
    assert ran.returncode == 1
    assert 'server b does not exist' in ran.stderr
    assert 'protect' in ran.stderr
    keep('server', name='a', delete_protection=False)
    assert 'set delete_snapshots: true' in run_schedule('gone').stderr
    keep('schedule', name='gone', delete_snapshots=True)
    run_schedule('gone')
    assert run('server_info')['servers'] == []
    for name in ('backup', 'snapshot', 'start', 'stop', 'gone'):
        keep('schedule', name=name, state='absent')
    assert run_schedule('gone').returncode == 1
