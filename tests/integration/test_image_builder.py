# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role image_builder: what a description does to a root file system, and not to the host."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT

FILES = ROOT / 'roles' / 'image_builder' / 'files'
LEFT = 'sleep 599.5'  # a process that no other test has


@pytest.fixture(scope='module')
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root file system: the programs of this host, and a copy of its users."""
    folder = tmp_path_factory.mktemp('tree')
    for name in ('dev', 'home', 'proc', 'root', 'sys', 'usr', 'var/mail'):
        (folder / name).mkdir(parents=True)
    for name in ('bin', 'lib', 'lib64', 'sbin'):
        (folder / name).symlink_to(f'usr/{name}')
    subprocess.run(['cp', '-a', '/etc', str(folder)], check=True)
    subprocess.run(['mount', '-o', 'bind,ro', '/usr', str(folder / 'usr')], check=True)
    yield folder
    subprocess.run(['umount', str(folder / 'usr')], check=True)


def describe(tree: Path, **description: Any) -> subprocess.CompletedProcess[str]:
    """What debian-image.sh does with a description."""
    script = (FILES / 'debian-image.sh').read_text('utf-8').replace('\nmain "$@"\n', '\ndescribe\n')
    environment = {
        **os.environ,
        'TREE': str(tree),
        'IMAGE_DESCRIBE': (FILES / 'description.py').read_text('utf-8'),
        'IMAGE_DESCRIPTION': json.dumps({'users': [], 'files': [], 'scripts': [], **description}),
    }
    words = ['bash', '-c', script, 'describe', 'unused', '1', 'bookworm']
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_users(tree: Path) -> None:
    """A group may be the own group of a later user; a key has commas in its options."""
    key = 'from="192.0.2.1,192.0.2.2" ssh-ed25519 AAAA'
    users = [{'name': 'first', 'groups': ['second', 'new'], 'ssh_keys': key}, {'name': 'second'}]
    done = describe(tree, users=users)
    assert done.returncode == 0, done.stderr
    groups = [line.split(':') for line in (tree / 'etc/group').read_text('utf-8').splitlines()]
    assert {name for name, _x, _id, members in groups if members == 'first'} == {'second', 'new'}
    assert (tree / 'home/first/.ssh/authorized_keys').read_text('utf-8') == f'{key}\n'


def test_processes_and_mounts_end(tree: Path) -> None:
    """What a script starts is gone with the description; a script may delete itself."""
    before = Path('/proc/self/mounts').read_text('utf-8')
    scripts = [
        f'#!/bin/sh -e\n{LEFT} >/dev/null 2>&1 &\nrm "$0"\n',
        f'#!/bin/sh -e\ntest "$(cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "{LEFT}")" = 1\n',
    ]
    done = describe(tree, scripts=scripts)
    assert done.returncode == 0, done.stderr
    found = [path.read_bytes() for path in Path('/proc').glob('[0-9]*/cmdline')]
    assert LEFT.encode().replace(b' ', b'\0') + b'\0' not in found
    assert Path('/proc/self/mounts').read_text('utf-8') == before


@pytest.mark.parametrize('folder', ['dev', 'proc', 'sys'])
def test_files_stay_in_the_image(tree: Path, folder: str) -> None:
    """A link leads to no file of the host."""
    (tree / 'link').unlink(missing_ok=True)
    (tree / 'link').symlink_to(f'/{folder}')
    try:
        done = describe(tree, files=[{'path': '/link/hanok', 'content': 'text'}])
        assert done.returncode == 1
        text = f'image_builder_files[0]: /link/hanok: it leads to /{folder}/hanok, which is of the'
        assert text in done.stderr
        assert not Path(f'/{folder}/hanok').exists()
    finally:
        if folder == 'dev':
            Path('/dev/hanok').unlink(missing_ok=True)
