# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clouds that cannot be used: what is wrong is told in plain words, and without a secret."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .clouds import CloudUnderTest
from .promises import Result, Run

SECRET = 'correct-horse-battery'  # noqa: S105 (a password that is none)
Entry = dict[str, Any]
pytestmark = pytest.mark.needs('credentials')


def wrong_password(entry: Entry) -> None:
    """The user exists."""
    entry['auth']['password'] = SECRET


def wrong_project(entry: Entry) -> None:
    """The user is no member of it, or it does not exist: Keystone does not tell which."""
    entry['auth']['project_name'] = 'nowhere'


def no_password(entry: Entry) -> None:
    """It cannot even be tried."""
    del entry['auth']['password']


def no_address(entry: Entry) -> None:
    """Nothing listens at this port."""
    entry['auth'].update(auth_url='http://127.0.0.1:1/v3', password=SECRET)


def no_keystone(entry: Entry) -> None:
    """It is no address at all."""
    entry['auth'].update(auth_url='mycloud', password=SECRET)


@pytest.fixture
def broken(
    cloud: CloudUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Entry], None]], str]:
    """Write a clouds.yaml with an entry that has a fault; return its name."""

    def written(fault: Callable[[Entry], None]) -> str:
        known = Path(os.environ['OS_CLIENT_CONFIG_FILE']).read_text(encoding='utf-8')
        entry = copy.deepcopy(yaml.safe_load(known)['clouds'][cloud.name])
        fault(entry)
        path = tmp_path / 'clouds.yaml'
        path.write_text(yaml.safe_dump({'clouds': {fault.__name__: entry}}), encoding='utf-8')
        monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
        return fault.__name__

    return written


@pytest.mark.parametrize(
    ('fault', 'words'),
    [
        (wrong_password, 'does not accept the credentials'),
        (wrong_project, 'does not accept the credentials'),
        (no_password, 'is incomplete: password'),
        (no_address, 'no sign-in at http://127.0.0.1:1/v3'),
        (no_keystone, 'no sign-in at mycloud'),
    ],
)
def test_entry(
    run: Run, broken: Callable[..., str], fault: Callable[..., None], words: str
) -> None:
    """Of check mode and of a run, for what only reads and for what writes."""
    name = broken(fault)
    tasks: list[tuple[str, Result]] = [
        ('server_info', {}),
        ('network', {'name': 'new'}),
        ('keypair', {'name': 'new', 'state': 'absent'}),
    ]
    for module, options in tasks:
        for check in (True, False):
            done = run(module, check=check, cloud=name, **options)
            assert done['failed'], done
            assert words in done['msg']
            assert name in done['msg']
            assert 'defect of hanok.cloud' not in done['msg']
            assert SECRET not in str(done)
            (error,) = done['errors']
            assert (error['code'], error['option']) in (
                ('unsupported', 'cloud'),
                ('failed', 'cloud'),
            )


def test_unknown_cloud(run: Run, cloud: CloudUnderTest) -> None:
    """The message has those that there are, and where they were looked for."""
    done = run('server_info', cloud='nowhere')
    assert done['failed']
    for word in ("'nowhere' is unknown", 'local', cloud.name, os.environ['OS_CLIENT_CONFIG_FILE']):
        assert word in done['msg']
    (error,) = done['errors']
    assert (error['code'], error['option']) == ('unsupported', 'cloud')


def test_unknown_project(run: Run, cloud: CloudUnderTest) -> None:
    """A project is no secret, so that its name is in the message."""
    done = run('server_info', project='nowhere')
    assert done['failed']
    assert 'nowhere' in done['msg']
    assert cloud.name in done['msg']


def test_missing_service(run: Run, broken: Callable[..., str]) -> None:
    """A catalogue without it: nothing is listed, and what needs it says so."""

    def no_balancers(entry: Entry) -> None:
        entry['load_balancer_interface'] = 'internal'  # the catalogue has the public one only

    name = broken(no_balancers)
    assert run('lb_info', cloud=name)['lbs'] == []
    assert not run('topology_info', cloud=name).get('failed')
    for check in (True, False):
        done = run('lb', check=check, cloud=name, name='new', listeners=[{'port': 80}])
        assert done['failed'], done
        assert f'the cloud {name} has no' in done['msg']
        (error,) = done['errors']
        assert error['code'] == 'unsupported'
