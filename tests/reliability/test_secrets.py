# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets: after a play with a private key, a password and an init script, all files are searched.

A private key is in its file only. A password in user_data is on the first-boot disk and in the
guest only. An init script is readable by root. While modules run, no argument of a process and no
line for syslog contains any of them, and the output of ansible-playbook at -vvv has neither key nor
password.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import stat
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import (
    PLAYBOOK,
    ROOT,
    keep_packed,
    newest_image,
    packed_modules,
)

from . import figures
from .forks import ForkServer

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
# At the arguments of a process, which starts its program soon after it exists.
LOOKS = 100
# A private /dev for the play, with a syslog socket that the test reads: modules log to /dev/log.
PRIVATE_DEV = """set -e
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
    """Records the lines to syslog, and the arguments of all processes, while a play runs."""

    def __init__(self, log: Path) -> None:
        """Start recording."""
        self.log_lines: list[bytes] = []
        self.arguments: set[bytes] = set()
        self.stopped = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(log))
        self.socket.settimeout(0.2)
        self.threads = [
            threading.Thread(target=work) for work in (self._listen, self._sample_arguments)
        ]
        for thread in self.threads:
            thread.start()

    def _listen(self) -> None:
        while not self.stopped.is_set():
            try:
                self.log_lines.append(self.socket.recv(1 << 20))
            except TimeoutError:
                continue

    def _sample_arguments(self) -> None:
        looks: Counter[str] = Counter()
        while not self.stopped.wait(0.002):
            for process in os.listdir('/proc'):
                if process.isdigit() and looks[process] < LOOKS:
                    looks[process] += 1
                    with suppress(OSError):  # it has ended
                        self.arguments.add(Path('/proc', process, 'cmdline').read_bytes())

    def end(self) -> None:
        """Stop recording."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        self.socket.close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without logging."""

    def log_message(self, format: str, *words: object) -> None:
        """Log nothing."""


class Scenario:
    """A play with secrets, and where they were found."""

    def __init__(self, folder: Path, image: str) -> None:
        """Run the play."""
        self.key_file = folder / 'secret.pem'
        self.password, self.script, self.token = (
            f'{word}{secrets.token_hex(16)}' for word in ('password', 'script', 'token')
        )
        self.root_password = f'root{secrets.token_hex(16)}'
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
            unshare = [
                'unshare',
                '--mount',
                '--propagation',
                'private',
                'sh',
                '-c',
                PRIVATE_DEV,
                'sh',
                str(dev),
            ]
            packed = keep_packed(ROOT, packed_modules())
            environment = {**os.environ, **packed, 'DEVICES': ' '.join(DEVICES)}
            words = [*unshare, *PLAYBOOK, '-vvv', '--diff', str(play)]
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
        self.output, self.log_lines, self.arguments = (
            ran.stdout + ran.stderr,
            watch.log_lines,
            b'\n'.join(watch.arguments),
        )
        lines = self.key_file.read_text('ascii').splitlines()[1:-1]
        self.key = max(lines[1:], key=len)  # the first line only tells the type of the key
        self.found = dict(self._files())

    def _play(self, image: str) -> list[dict[str, Any]]:
        user_data = f'#!/bin/sh\n# {self.password}\ntrue\n'
        # With the hash a weak password could be guessed.
        self.hash = hashlib.sha256(user_data.encode()).hexdigest()
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
            # Each is refused in another way: the message does not contain the value.
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
        root = {'path': newest_image('tiny', 'tar'), 'disk_format': 'root-tar'}
        box = {'name': 'secrets-5', 'image': 'secrets-5', 'flavor': 'g1.nano', 'state': 'stopped'}
        given = {**box, 'root_password': self.root_password}
        changed = {**box, 'root_password': f'{self.root_password}changed'}
        tasks += [
            {'hanok.cloud.image': {'name': 'secrets-5', **root}},
            {'hanok.cloud.server': given},
            {'hanok.cloud.server': given, 'check_mode': True},
            {'hanok.cloud.server': changed, 'ignore_errors': True},
        ]
        repeated = [{**task, 'check_mode': True} for task in tasks[:6]]
        infos = [
            {f'hanok.cloud.{kind}_info': {}}
            for kind in ('image', 'keypair', 'init_script', 'server', 'topology', 'history')
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
                'tasks': [*tasks, *repeated, *infos],
            }
        ]

    def _files(self) -> Iterator[tuple[str, tuple[int, set[str]]]]:
        """Every file in the places that are written to: its mode, and the secrets in it."""
        for place in PLACES:
            for folder, _folders, names in os.walk(place):
                for name in names:
                    path = os.path.join(folder, name)
                    mode = os.lstat(path).st_mode
                    if stat.S_ISREG(mode):
                        yield path, (mode, self.secrets_in(Path(path).read_bytes()))

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets to search for, by name."""
        return {
            'key': self.key,
            'password': self.password,
            'script': self.script,
            'token': self.token,
            'hash': self.hash,
            'root': self.root_password,
        }

    def secrets_in(self, text: bytes) -> set[str]:
        """The names of the secrets in a text."""
        return {name for name, secret in self.secrets.items() if secret.encode() in text}

    def files_with(self, secret: str) -> set[str]:
        """The names of the files that contain a secret."""
        return {
            os.path.basename(path) for path, (_mode, found) in self.found.items() if secret in found
        }


@pytest.fixture(scope='module')
def scenario(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """The play has run, and its first server runs."""
    ran = Scenario(tmp_path_factory.mktemp('secrets'), tiny)
    yield ran
    forks = ForkServer()
    for kind, name in (
        ('image', 'secrets-2'),
        ('image', 'secrets-3'),
        ('server', 'secrets-1'),
        ('server', 'secrets-2'),
        ('server', 'secrets-5'),
        ('image', 'secrets-5'),
        ('keypair', 'secrets'),
        ('init_script', 'secrets'),
        ('image', 'secrets'),
    ):
        assert forks.run(kind, {'name': name, 'state': 'absent'}).changed
    forks.close()
    figures.add('Secrets', files=len(ran.found), processes=len(ran.arguments.split(b'\n')))


def test_search_finds_the_secrets(scenario: Scenario) -> None:
    """The search itself finds each secret where it has to be."""
    assert scenario.secrets_in(scenario.key_file.read_bytes()) == {'key'}
    assert 'seed.iso' in scenario.files_with('password') & scenario.files_with('script')
    assert {'hanok.json'} <= scenario.files_with('script')
    assert b'keypair' in b' '.join(scenario.log_lines)
    assert b'ssh-keygen' in scenario.arguments


def test_private_key_is_in_its_file_only(scenario: Scenario) -> None:
    """Only its owner may read the file."""
    assert scenario.files_with('key') == set()
    assert scenario.key_file.stat().st_mode & 0o777 == 0o600


def test_url_token_is_not_stored(scenario: Scenario) -> None:
    """The token is used to download the image only."""
    assert scenario.files_with('token') == set()


def test_password_is_on_the_first_boot_disk_only(scenario: Scenario) -> None:
    """And on the disk of the guest, which has read it."""
    assert scenario.files_with('password') - {'root.qcow2'} == {'seed.iso'}


def test_password_of_root_is_not_stored(scenario: Scenario) -> None:
    """Only its hash is with the container, whose own files others may read as they may in it."""
    assert scenario.files_with('root') == set()
    kept = [path for path in scenario.found if os.path.basename(path) == 'root-password']
    assert [scenario.found[path][0] & 0o777 for path in kept] == [0o600]


def test_plain_hash_of_user_data_is_not_stored(scenario: Scenario) -> None:
    """The hash would allow to guess the password on the first-boot disk."""
    assert scenario.files_with('hash') == set()


def test_files_with_secrets_are_readable_by_root_only(scenario: Scenario) -> None:
    """Neither group nor others may read it; and others may read nothing in the state directory.

    Members of the group hanok read the export, with the init scripts, which init_script_info shows.
    """
    export = '/var/lib/hanok/hanok.json'
    assert scenario.found[export][1] <= {'script'}
    assert [
        path
        for path, (mode, found) in scenario.found.items()
        if found and mode & 0o077 and path != export
    ] == []
    assert [
        path
        for path, (mode, _found) in scenario.found.items()
        if path.startswith('/var/lib/hanok') and '/root/' not in path and mode & 0o007
    ] == []


def test_secrets_are_not_logged(scenario: Scenario) -> None:
    """Neither at -vvv, nor to syslog, nor in the arguments of a process.

    The content of an init script is the subject of its task: it is shown in the diff.
    """
    assert scenario.secrets_in(scenario.output.encode()) <= {'script'}
    assert [output for output in scenario.log_lines if scenario.secrets_in(output)] == []
    assert scenario.secrets_in(scenario.arguments) == set()
