# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking without root, as a member of the group hanok: results, check mode, secrets. No guest."""

from __future__ import annotations

import grp
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, STATE, keep, run, start

NOBODY = 65534
INFOS = sorted(path.stem for path in (ROOT / 'plugins/modules').glob('*_info.py'))
FOR_ROOT = {'history_info': 'the history: for root only; set become: true in the play'}
SECRET = 'a secret of the first boot'  # noqa: S105
SERVER = {'image': 'small', 'flavor': 'g1.nano', 'state': 'stopped'}


def as_user(module: str, group: int, check: bool = False, **options: Any) -> dict[str, Any]:
    """Run a module as nobody in a group; return its result."""
    user = ('setpriv', f'--reuid={NOBODY}', f'--regid={group}', '--clear-groups')
    ran = start(module, before=user, check=check, **options)
    assert 'Traceback' not in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.fixture(scope='module')
def group() -> int:
    """The group that the role makes."""
    return grp.getgrnam('hanok').gr_gid


@pytest.fixture(scope='module', autouse=True)
def cloud(image: str, host: None) -> Iterator[None]:
    """A server that has all that is secret, and a load balancer."""
    keep('init_script', name='setup', content='#!/bin/sh\n')
    data = f'#!/bin/sh\n# {SECRET}\n'
    keep('server', name='seen', user_data=data, floating_ip='auto', **SERVER)
    keep('server', name='born', init_script='setup', **SERVER)
    keep('lb', name='front', listeners=[{'port': 80}], members=['seen'], health_check={'port': 80})
    keep('volume', name='seen', size=1, server='seen', state='attached')
    yield
    keep('lb', name='front', state='absent')
    for name in ('seen', 'born'):
        keep('server', name=name, state='absent')
    keep('volume', name='seen', state='absent')
    keep('init_script', name='setup', state='absent')


@pytest.mark.parametrize('module', INFOS)
def test_infos(module: str, group: int) -> None:
    """A member gets what root gets; what is not visible is named, and refused where it is all."""
    found = as_user(module, group)
    if module in FOR_ROOT:
        assert found['msg'] == FOR_ROOT[module]
        return
    told = run(module)
    warnings = str(found.pop('warnings', []))
    told.pop('warnings', None)
    if module == 'lb_info':
        assert 'the health of members of load balancers, is not visible without root' in warnings
        for one in (*found['lbs'], *told['lbs']):
            del one['health']
    if module == 'server_info':
        assert 'which init scripts have changed since servers were created, is not' in warnings
    if module in ('server_info', 'network_info', 'lb_info', 'topology_info'):
        assert 'whether the firewall, DHCP and load balancers are as recorded, is not' in warnings
    if module == 'capacity_info':
        found, told = found['capacity']['fits'], told['capacity']['fits']
    assert {**found, 'invocation': None} == {**told, 'invocation': None}


def test_check_mode(group: int) -> None:
    """It predicts for a member what it predicts for root."""
    for options in (
        {'name': 'seen', 'description': 'new'},
        {'name': 'other', **SERVER},
        {'name': 'seen', 'state': 'absent'},
        {'name': 'seen'},
    ):
        found = as_user('server', group, check=True, **options)
        told = run('server', check=True, **options)
        assert (found['changed'], found['diff']) == (told['changed'], told['diff']), found


def test_changes_are_refused(group: int) -> None:
    """With the way out, before anything is touched; nothing to do is no change."""
    before = (STATE / 'hanok.json').read_bytes()
    found = as_user('server', group, name='seen', description='new')
    assert found['msg'] == (
        'the local cloud is this host, which only root may change, and only members of its group '
        'hanok may look at; set become: true in the play'
    )
    assert not as_user('server', group, name='seen', labels={})['changed']
    compared = as_user('server', group, check=True, name='seen', user_data='#!/bin/sh\n')
    assert 'user data and init scripts: for root only' in compared['msg']
    logged = as_user('server_log', group, name='seen')
    assert 'for root only; set become: true' in logged['msg']
    assert (STATE / 'hanok.json').read_bytes() == before
    other = as_user('server_info', NOBODY)
    assert 'only members of its group hanok may look at; set become: true' in other['msg']


def test_secrets(group: int) -> None:
    """Of all files of the cloud a member can read one: the export, in which no secret is."""
    program = """import os, sys
for path in sys.stdin.read().split('\\n'):
    if os.access(path, os.R_OK): print(path)
    if os.access(path, os.W_OK): print('writable', path)"""
    paths = [str(path) for path in (STATE, *STATE.rglob('*'))]
    assert len(paths) > 20
    user = ('setpriv', f'--reuid={NOBODY}', f'--regid={group}', '--clear-groups')
    ran = subprocess.run(
        [*user, '/usr/bin/python3', '-c', program],
        input='\n'.join(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [str(STATE / 'hanok.json')]
    export = json.loads((STATE / 'hanok.json').read_text('utf-8'))
    assert 'secret' not in {row['key'] for row in export['meta']}
    assert SECRET not in json.dumps(export)
    kept = (STATE / 'hanok.json').stat()
    assert (kept.st_mode & 0o777, kept.st_uid, kept.st_gid) == (0o640, 0, group)


def test_inventory(group: int, tmp_path: Path) -> None:
    """A member lists the servers of this host without becoming root."""
    source = tmp_path / 'hanok.yml'
    source.write_text('plugin: hanok.cloud.servers\n', 'utf-8')
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == 0 and str(folder).startswith('/tmp/pytest'):  # noqa: S108
            folder.chmod(0o755)
    user = ('setpriv', f'--reuid={NOBODY}', f'--regid={group}', '--clear-groups')
    environment = {**os.environ, 'HOME': str(tmp_path), 'ANSIBLE_LOCAL_TEMP': '/tmp/looking'}  # noqa: S108
    program = Path(sys.executable).with_name('ansible-inventory')
    ran = subprocess.run(
        [*user, program, '-i', source, '--list'],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert {'seen', 'born'} <= set(json.loads(ran.stdout)['_meta']['hostvars']), ran.stderr
