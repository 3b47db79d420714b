# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over ssh, as a user who may become root: what plays of users have. No guest boots."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import keep, run
from .test_inventory import Ran, ansible, hypervisors

__all__ = ['hypervisors']
SECRET = 'a secret from the vault'  # noqa: S105
SERVER = {'name': 'remote', 'image': 'small', 'flavor': 'g1.nano', 'state': 'stopped'}
PLAY = [
    {
        'hosts': 'kvm1,twin',  # the same host, under two names
        'serial': 1,
        'become': True,
        'gather_facts': False,
        'vars': {
            'ansible_python_interpreter': '/usr/bin/python3',
            'ansible_remote_tmp': '/run/of-kim/tmp',  # the home of this user is /run
        },
        'tasks': [
            {
                'name': 'Create a security group',
                'hanok.cloud.security_group': {'name': 'remote', 'rules': [{'preset': 'ssh'}]},
            },
            {
                'name': 'Create a server in the background',
                'hanok.cloud.server': {
                    **SERVER,
                    'security_groups': ['remote'],
                    'user_data': '#!/bin/sh\n# {{ secret }}\n',
                    'actor': 'kim',
                },
                'async': 300,
                'poll': 1,
                'register': 'created',
            },
            {
                'name': 'Look at it from the controller',
                'hanok.cloud.server_info': {'name': 'remote'},
                'delegate_to': 'localhost',
                'vars': {'ansible_connection': 'local', 'ansible_become': False},
                'register': 'seen',
            },
            {
                'name': 'Compare',
                'ansible.builtin.assert': {'that': 'seen.servers[0].id == created.server.id'},
            },
        ],
    }
]


def vaulted(folder: Path) -> tuple[str, ...]:
    """Encrypt a variable; return the words that let a play read it."""
    password, values = folder / 'password', folder / 'secret.yml'
    password.write_text('open\n', 'utf-8')
    values.write_text(yaml.safe_dump({'secret': SECRET}), 'utf-8')
    vault = Path(sys.executable).with_name('ansible-vault')
    words = [vault, 'encrypt', '--vault-password-file', password, values]
    subprocess.run(words, check=True, capture_output=True)
    assert SECRET not in values.read_text('utf-8')
    return ('--vault-password-file', str(password), '-e', f'@{values}')


def recaps(ran: Ran) -> dict[str, int]:
    """Return the number of changed tasks by host, of a run that succeeded."""
    assert ran.code == 0, ran.output[-5000:] + ran.warnings
    found = re.findall(r'^(\w+) +: ok=\d+ +changed=(\d+)', ran.output, re.MULTILINE)
    return {host: int(changed) for host, changed in found}


@pytest.fixture
def words(hypervisors: str, tmp_path: Path) -> tuple[str, ...]:
    """What the play is run with: a second name for the hypervisor, and the vault."""
    source: dict[str, Any] = yaml.safe_load(Path(hypervisors).read_text('utf-8'))
    hosts = source['all']['children']['kvm']['hosts']
    hosts['twin'] = hosts['kvm1']
    home = Path('/run/of-kim')
    home.mkdir()
    shutil.chown(home, 'kim')
    inventory = tmp_path / 'hosts.yml'
    inventory.write_text(yaml.safe_dump(source), 'utf-8')
    play = tmp_path / 'play.yml'
    play.write_text(yaml.safe_dump(PLAY), 'utf-8')
    return ('-i', str(inventory), str(play), '-e', 'who=kim', *vaulted(tmp_path))


def test_plays(image: str, words: tuple[str, ...]) -> None:
    """With serial, async, delegate_to, a vault, and another start; with and without pipelining.

    The second host of the batch finds what the first has created.
    """
    fast = {'ANSIBLE_PIPELINING': 'true', 'ANSIBLE_CALLBACK_RESULT_FORMAT': 'json'}
    slow = {'ANSIBLE_PIPELINING': 'false', 'ANSIBLE_CALLBACK_RESULT_FORMAT': 'yaml'}
    try:
        first = ansible('ansible-playbook', *words, '-vvv', **fast)
        assert recaps(first) == {'kvm1': 2, 'twin': 0}
        assert SECRET not in first.output + first.warnings
        later = ('--start-at-task', 'Create a server in the background', '--diff')
        second = ansible('ansible-playbook', *words, *later, **slow)
        assert recaps(second) == {'kvm1': 0, 'twin': 0}
        # Of the first batch only: Ansible starts the next one with its first task.
        assert second.output.count('TASK [Create a security group]') == 1
        (server,) = run('server_info', name='remote')['servers']
        assert server['created_by'] == 'kim'
        assert SECRET not in json.dumps(server)
    finally:
        keep('server', name='remote', state='absent')
        keep('security_group', name='remote', state='absent')
