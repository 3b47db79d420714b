# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets: after a scenario with a private key made here, a password in user_data and an init script, it is looked where they are, byte by byte.

A private key is in its file only. A password is on the first-boot disk and in the guest only. An
init script is kept for root. While modules run, no argument of a process and no line for syslog has
any of them, and what ansible-playbook prints at -vvv has neither key nor password.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import secrets
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import PLAYBOOK, ROOT

from . import figures
from .forks import Forks

PLACES = (
    '/var/lib/hanok',
    '/var/lib/libvirt',
    '/var/log',
    '/var/cache/libvirt',
    '/etc/hanok',
    '/etc/libvirt',
    '/run',
    os.path.expanduser('~/.ansible'),
)
DEVICES = ('null', 'zero', 'full', 'random', 'urandom', 'tty')
# A /dev of its own for the play, with a syslog that is heard here: what a module logs goes to
# /dev/log.
OWN_DEV = """set -e
dev=$1
shift
for device in $DEVICES; do touch "$dev/$device"; mount --bind "/dev/$device" "$dev/$device"; done
mkdir "$dev/shm" "$dev/pts"
mount -t tmpfs tmpfs "$dev/shm"
mount --bind /dev/pts "$dev/pts"
ln -s /proc/self/fd "$dev/fd"
mount --rbind "$dev" /dev
exec "$@"
"""


class Watch:
    """What is said to syslog, and the arguments of all processes, while a play runs."""

    def __init__(self, log: Path) -> None:
        """Begin to listen."""
        self.heard: list[bytes] = []
        self.arguments: set[bytes] = set()
        self.ended = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(log))
        self.socket.settimeout(0.2)
        self.threads = [threading.Thread(target=work) for work in (self._listen, self._look)]
        for thread in self.threads:
            thread.start()

    def _listen(self) -> None:
        while not self.ended.is_set():
            try:
                self.heard.append(self.socket.recv(1 << 20))
            except TimeoutError:
                continue

    def _look(self) -> None:
        while not self.ended.wait(0.002):
            for path in glob.glob('/proc/[0-9]*/cmdline'):
                try:
                    self.arguments.add(Path(path).read_bytes())
                except OSError:
                    continue  # it has ended

    def end(self) -> None:
        """Hear no more."""
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.socket.close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and keeps to itself which."""

    def log_message(self, format: str, *words: object) -> None:
        """Nothing."""


class Scenario:
    """What was secret, and what was seen of it."""

    def __init__(self, folder: Path, image: str) -> None:
        """Run the play."""
        self.key_file = folder / 'secret.pem'
        self.password, self.script, self.token = (
            f'{word}{secrets.token_hex(16)}' for word in ('password', 'script', 'token')
        )
        self.image = Path(image)
        self.server = ThreadingHTTPServer(
            ('127.0.0.1', 0), partial(Quiet, directory=str(self.image.parent))
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        play = folder / 'play.yml'
        play.write_text(json.dumps(self._play(image)), 'utf-8')
        dev = folder / 'dev'
        dev.mkdir()
        watch = Watch(dev / 'log')
        try:
            own = [
                'unshare',
                '--mount',
                '--propagation',
                'private',
                'sh',
                '-c',
                OWN_DEV,
                'sh',
                str(dev),
            ]
            environment = {**os.environ, 'DEVICES': ' '.join(DEVICES)}
            words = [*own, *PLAYBOOK, '-vvv', '--diff', str(play)]
            ran = subprocess.run(
                words,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
        finally:
            watch.end()
            self.server.shutdown()
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]
        self.said, self.heard, self.arguments = (
            ran.stdout + ran.stderr,
            watch.heard,
            b'\n'.join(watch.arguments),
        )
        lines = self.key_file.read_text('ascii').splitlines()[1:-1]
        self.key = max(lines[1:], key=len)  # the first line says only which kind of key it is
        self.found = dict(self._files())

    def _play(self, image: str) -> list[dict[str, Any]]:
        user_data = f'#!/bin/sh\n# {self.password}\ntrue\n'
        self.hash = hashlib.sha256(
            user_data.encode()
        ).hexdigest()  # by which a weak password could be guessed
        at = f'http://127.0.0.1:{self.server.server_port}'
        fetched = {'checksum': 'sha256:' + hashlib.sha256(self.image.read_bytes()).hexdigest()}
        common = {'image': 'secrets', 'flavor': 'g1.nano', 'key_name': 'secrets'}
        tasks: list[dict[str, Any]] = [
            {'hanok.cloud.image': {'name': 'secrets', 'path': image}},
            {
                'hanok.cloud.image': {
                    'name': 'secrets-2',
                    **fetched,
                    'url': f'{at}/{self.image.name}?token={self.token}',
                }
            },
            {'hanok.cloud.keypair': {'name': 'secrets', 'private_key_file': str(self.key_file)}},
            {
                'hanok.cloud.init_script': {
                    'name': 'secrets',
                    'content': f'#!/bin/sh\n# {self.script}\n',
                }
            },
            {'hanok.cloud.server': {**common, 'name': 'secrets-1', 'user_data': user_data}},
            {
                'hanok.cloud.server': {
                    **common,
                    'name': 'secrets-2',
                    'init_script': 'secrets',
                    'state': 'stopped',
                }
            },
            # Refused, each in its way: what is wrong with it is told without it.
            {
                'hanok.cloud.server': {'name': 'secrets-3', 'user_data': self.password},
                'ignore_errors': True,
            },
            {
                'hanok.cloud.image': {
                    'name': 'secrets-3',
                    **fetched,
                    'url': f'{at}/nothing?token={self.token}',
                },
                'ignore_errors': True,
            },
            {
                'hanok.cloud.image': {
                    'name': 'secrets-4',
                    **fetched,
                    'url': f'http://me:{self.token}@127.0.0.1/i',
                },
                'ignore_errors': True,
            },
            {
                'hanok.cloud.server': {
                    **common,
                    'name': 'secrets-1',
                    'user_data': f'{user_data}changed\n',
                },
                'ignore_errors': True,
            },
            {
                'hanok.cloud.keypair': {'name': 'secrets-3', 'public_key_file': str(self.key_file)},
                'ignore_errors': True,
            },
            {
                'hanok.cloud.keypair': {
                    'name': 'secrets-3',
                    'public_key': "{{ lookup('file', key_file) }}",
                },
                'ignore_errors': True,
            },
        ]
        again = [{**task, 'check_mode': True} for task in tasks[:6]]
        infos = [
            {f'hanok.cloud.{kind}_info': {}}
            for kind in ('image', 'keypair', 'init_script', 'server', 'topology')
        ]
        variables = {
            'ansible_python_interpreter': '/usr/bin/python3',
            'key_file': str(self.key_file),
        }
        return [
            {
                'hosts': 'localhost',
                'gather_facts': False,
                'vars': variables,
                'tasks': [*tasks, *again, *infos],
            }
        ]

    def _files(self) -> Iterator[tuple[str, tuple[int, set[str]]]]:
        """Every file in the places where something of ours is written: its mode, and what secrets are in it."""
        for place in PLACES:
            for folder, _folders, names in os.walk(place):
                for name in names:
                    path = os.path.join(folder, name)
                    mode = os.lstat(path).st_mode
                    if stat.S_ISREG(mode):
                        yield path, (mode, self.in_(Path(path).read_bytes()))

    @property
    def secrets(self) -> dict[str, str]:
        """What is looked for, by name."""
        return {
            'key': self.key,
            'password': self.password,
            'script': self.script,
            'token': self.token,
            'hash': self.hash,
        }

    def in_(self, text: bytes) -> set[str]:
        """Which secrets are in a text."""
        return {name for name, secret in self.secrets.items() if secret.encode() in text}

    def holding(self, secret: str) -> set[str]:
        """The names of the files that have a secret."""
        return {
            os.path.basename(path) for path, (_mode, found) in self.found.items() if secret in found
        }


@pytest.fixture(scope='module')
def scenario(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """The scenario has run, and its first server runs."""
    ran = Scenario(tmp_path_factory.mktemp('secrets'), tiny)
    yield ran
    forks = Forks()
    for kind, name in (
        ('image', 'secrets-2'),
        ('image', 'secrets-3'),
        ('server', 'secrets-1'),
        ('server', 'secrets-2'),
        ('keypair', 'secrets'),
        ('init_script', 'secrets'),
        ('image', 'secrets'),
    ):
        assert forks.run(kind, {'name': name, 'state': 'absent'}).changed
    forks.close()
    figures.add('Secrets', files=len(ran.found), processes=len(ran.arguments.split(b'\n')))


def test_what_is_looked_for_is_found(scenario: Scenario) -> None:
    """The search itself: it finds each secret where it has to be."""
    assert scenario.in_(scenario.key_file.read_bytes()) == {'key'}
    assert 'seed.iso' in scenario.holding('password') & scenario.holding('script')
    assert {'hanok.json'} <= scenario.holding('script')
    assert b'keypair' in b' '.join(scenario.heard)
    assert b'ssh-keygen' in scenario.arguments


def test_a_private_key_is_in_its_file_only(scenario: Scenario) -> None:
    """Its owner alone may read it."""
    assert scenario.holding('key') == set()
    assert scenario.key_file.stat().st_mode & 0o777 == 0o600


def test_a_token_of_a_url_is_nowhere(scenario: Scenario) -> None:
    """It is used, and that is all."""
    assert scenario.holding('token') == set()


def test_a_password_is_on_the_first_boot_disk_only(scenario: Scenario) -> None:
    """And on the disk of the guest that has read it."""
    assert scenario.holding('password') - {'root.qcow2'} == {'seed.iso'}


def test_a_hash_without_a_key_is_nowhere(scenario: Scenario) -> None:
    """Of a password on the first-boot disk it would allow to guess it."""
    assert scenario.holding('hash') == set()


def test_what_has_a_secret_is_for_root(scenario: Scenario) -> None:
    """No group and nobody else reads it; and nothing of ours is for everybody to read."""
    assert [path for path, (mode, found) in scenario.found.items() if found and mode & 0o077] == []
    assert [
        path
        for path, (mode, _found) in scenario.found.items()
        if path.startswith('/var/lib/hanok') and mode & 0o007
    ] == []


def test_nothing_is_said(scenario: Scenario) -> None:
    """Neither at -vvv, nor to syslog, nor in the arguments of a process. The text of an init script is what the task is about: it is shown as a difference."""
    assert scenario.in_(scenario.said.encode()) <= {'script'}
    assert [said for said in scenario.heard if scenario.in_(said)] == []
    assert scenario.in_(scenario.arguments) == set()
