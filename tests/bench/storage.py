# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks that are made and copied: tasks, and what qemu-img does alone."""

from __future__ import annotations

import glob
import subprocess
from typing import Any

# Writes the same 5 MB all the time.
WRITER = """#!/bin/sh
(while :; do dd if=/dev/urandom of=/root/five bs=1M count=5 conv=notrunc,fsync; sleep 1; done \\
  >/dev/null 2>&1 </dev/null &)
"""
STORE = '/var/lib/hanok-bench-backups'
_COPY = f'{STORE}/bare.qcow2'
# Runs a program, and waits until what it wrote is on the disk, as the modules do.
_SYNCED = ('sh', '-ec', '"$@"; sync "$0"', _COPY)
_ZSTD = 'compression_type=zstd'
_START, _SIZE, _STEP = 1024, 2048, 256  # MiB
Task = tuple[str, dict[str, Any]]
Pair = tuple[Task, Task, Task, str]  # what is made, how it is deleted, its peer, the aim


def fill() -> str:
    """Write 2 GB to the only disk, behind the file system of its image; return its path."""
    (disk,) = glob.glob('/var/lib/hanok/servers/*/*.qcow2')
    writes = [
        f'--cmd=write -q -P 165 {place}M {_STEP}M' for place in range(_START, _START + _SIZE, _STEP)
    ]
    subprocess.run(['qemu-io', '-f', 'qcow2', *writes, disk], check=True)
    return disk


def pairs(server: str, disk: str) -> list[Pair]:
    """What is made of a server that runs, and of nothing; each beside qemu-img."""
    image = {'name': 'copy', 'server': server}
    backup = {'name': 'copy', 'server': server, 'store': 'bench'}
    convert = (*_SYNCED, 'qemu-img', 'convert', '-q', '-U', '-f', 'qcow2', '-O', 'qcow2')
    return [
        (
            *_made('a volume of 100 GB', 'volume', name='big', size=100),
            _command('qemu-img create', 'qemu-img', 'create', '-q', '-f', 'qcow2', _COPY, '100G'),
            '1.3',
        ),
        (
            *_made('an image of a running server with 2 GB', 'image', **image),
            _command('qemu-img convert and sync', *convert, '-o', _ZSTD, disk, _COPY),
            '1.1',
        ),
        (
            *_made('a full backup of it', 'backup', **backup),
            _command('qemu-img convert -c and sync', *convert, '-c', '-o', _ZSTD, disk, _COPY),
            '1.1',
        ),
    ]


def increment(server: str, name: str) -> tuple[Task, Task]:
    """A backup of what changed since the one before, and how it is deleted."""
    options = {'name': name, 'server': server, 'store': 'bench', 'incremental': True}
    return _made(f'an incremental backup ({name})', 'backup', **options)


def removal() -> Task:
    """Delete what qemu-img made."""
    return _command('removal', 'rm', _COPY)


def _made(what: str, module: str, **options: Any) -> tuple[Task, Task]:
    made = {f'hanok.cloud.{module}': options}
    deleted = {f'hanok.cloud.{module}': {'name': options['name'], 'state': 'absent'}}
    return (what, made), (f'{what}, deleted', deleted)


def _command(what: str, *words: str) -> Task:
    return what, {'ansible.builtin.command': {'argv': list(words)}}
