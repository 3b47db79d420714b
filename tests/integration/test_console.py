# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The console log of a real guest: endless output, rotation, restarts, who may read it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.tests.imports import check_imports

from .conftest import CONSOLE_SIZE, Play, keep, run
from .prepared import start_daemons
from .test_ground import eventually

Guest = Callable[[str, str], str]
OLDER = 3  # files: the default of virtlogd
START = r'-- hanok\.cloud starts the server, [0-9-]{10}T[0-9:]{8}Z --'
# Prints numbered lines without end, each with what a terminal obeys and bytes that are no text.
ENDLESS = r"""
exec >/dev/ttyS0
line=$(printf '\033[2J\033[1;31m\377\r-- hanok.cloud starts the server, 2026-01-31T09:00:00Z --')
pad=$(printf '%090d' 0)
i=0
while true; do i=$((i + 1)); echo "no $i $pad$line"; done
"""


@pytest.fixture(scope='module')
def server(image: str, key: str, open_group: str) -> Iterator[dict[str, Any]]:
    """A running server whose boot prints nothing more: it asks who logs in."""
    options = {'image': image, 'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}
    created = keep('server', name='talker', **options, wait_for='init', wait_timeout=300)
    eventually(lambda: any('login:' in line for line in log_lines()))
    yield created['server']
    keep('server', name='talker', state='absent')


def log_lines(lines: int = 100) -> list[str]:
    """The newest lines of the console."""
    found = run('server_log', name='talker', lines=lines)
    assert not found.get('failed'), found['msg']
    shown: list[str] = found['log_lines']
    assert all(line.isprintable() for line in shown)
    return shown


def printed_since(line: str) -> list[str]:
    """The lines after a line, which is among the newest; none without it."""
    found = log_lines()
    return found[found.index(line) :] if line in found else []


def numbers_of(lines: int) -> list[int]:
    """The numbers of the newest lines, as far as they have one."""
    found = [re.match('no ([0-9]+) 0', line) for line in log_lines(lines)]
    return [int(match[1]) for match in found if match]


def files_of(server: dict[str, Any]) -> list[Path]:
    """The files of the log."""
    return sorted(Path('/var/lib/hanok/servers', server['id']).glob('console.*'))


def in_guest(server: dict[str, Any], ssh: Guest, command: str) -> None:
    """Run a command in the guest that goes on after the connection ends."""
    ssh(server['fixed_ip'], f'setsid sh -c {shlex.quote(command)} >/tmp/out 2>&1 </dev/null &')


def test_log_without_a_limit(host: None) -> None:
    """The role host refuses settings with which a guest could fill the disk."""
    settings = Path('/etc/libvirt/virtlogd.conf')
    before = settings.read_text('utf-8')
    settings.write_text(before + 'max_size = 0\n', 'utf-8')
    played = Play('hanok.cloud.host', '--check')
    settings.write_text(before, 'utf-8')
    assert played.code
    assert 'because of /etc/libvirt/virtlogd.conf:max_size = 0.' in played.output


def test_endless_output(server: dict[str, Any], ssh: Guest) -> None:
    """It is rotated, and read in order meanwhile; no line of it looks like one of ours."""
    in_guest(server, ssh, f'echo $$ >/tmp/pid; {ENDLESS}')
    eventually(
        lambda: any(file.name == f'console.log.{OLDER - 1}' for file in files_of(server)), 240
    )
    for lines in (50, 10_000):
        numbers = numbers_of(lines)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) > lines / 3
    imitated = [line for line in log_lines(10) if 'starts the server' in line]
    assert imitated
    assert all(line.startswith('guest: ') for line in imitated)
    start_daemons('libvirtd')
    eventually(lambda: numbers_of(10)[-1] > numbers[-1] + 2_000, 120)
    assert sum(file.stat().st_size for file in files_of(server)) <= (OLDER + 1) * CONSOLE_SIZE + 100
    assert all(file.stat().st_mode & 0o077 == 0 for file in files_of(server))
    ssh(server['fixed_ip'], 'kill $(cat /tmp/pid)')


def test_restarts(server: dict[str, Any], ssh: Guest) -> None:
    """The log goes on after the guest was rebooted and stopped.

    In test_ground.py the host is restarted.
    """
    # The printing that was killed may have left a line, or a sequence, unfinished.
    ssh(server['fixed_ip'], '(echo; echo before the reboot) >/dev/ttyS0')
    eventually(lambda: 'before the reboot' in log_lines())
    ssh(server['fixed_ip'], 'reboot')
    eventually(
        lambda: any('finished at' in line for line in printed_since('before the reboot')), 240
    )
    keep('server', name='talker', state='stopped')
    assert 'before the reboot' in log_lines()
    keep('server', name='talker', state='started')
    start = [line for line in log_lines(10_000) if line.startswith('-- hanok.cloud')][-1]
    assert re.fullmatch(START, start)
    assert start in printed_since('before the reboot')


def test_imports(server: dict[str, Any]) -> None:
    """Reading it imports little."""
    check_imports('server_log', {'name': 'talker'})
