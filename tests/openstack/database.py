# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The MariaDB of all services: only a socket in a directory of ours, and nothing is synced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import layout
import processes
import pymysql
from layout import DATABASE, DATABASES, LOGS, SOCKET

NAMES = {'nova': ['nova_api', 'nova', 'nova_cell0']}
TABLES = Path('/usr/share/mysql/mysql_system_tables.sql')
TIMEOUT = 60
OPTIONS = (
    '--skip-log-bin',
    '--skip-name-resolve',
    '--innodb-flush-method=nosync',
    '--debug-no-sync',
    # Making a table is cheaper without a file and without statistics of its own.
    '--innodb-file-per-table=OFF',
    '--innodb-stats-persistent=OFF',
    '--innodb-log-file-size=32M',
)
SERVER_OPTIONS = (
    '--skip-networking',
    '--skip-grant-tables',
    # Nothing is written while it is paused.
    '--innodb-use-native-aio=OFF',
    '--performance-schema=OFF',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-doublewrite=0',
    '--innodb-buffer-pool-size=128M',
    '--max-connections=500',
    '--character-set-server=utf8mb3',
)


def start() -> None:
    """Start it if it does not run, with the databases of all services."""
    if not DATABASES.exists():
        _install()
    os.chdir(DATABASES)  # see SOCKET
    if pid := processes.pid_of(DATABASE):
        os.kill(pid, signal.SIGCONT)  # see paused
    else:
        command = ['mariadbd', '--no-defaults', f'--user={os.getuid()}', f'--datadir={DATABASES}']
        command += [f'--socket={SOCKET}', *OPTIONS, *SERVER_OPTIONS]
        processes.start(DATABASE, lambda: os.execvp(command[0], command))  # noqa: S606
    with connection() as opened, opened.cursor() as cursor:
        for service in layout.SERVICES:
            # Migrations that were interrupted begin again.
            is_new = not layout.migrated(service).exists() and not processes.pid_of(service)
            for name in NAMES.get(service, [service]):
                if is_new:
                    cursor.execute(f'DROP DATABASE IF EXISTS {name}')
                    cursor.execute(f'CREATE DATABASE {name} CHARACTER SET utf8mb3')


@contextmanager
def paused() -> Iterator[None]:
    """Stop it while the context lasts, with files from which it would recover."""
    with connection() as opened, opened.cursor() as cursor:
        cursor.execute('FLUSH ENGINE LOGS')
    pid = processes.pid_of(DATABASE)
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _install() -> None:
    """Do what mariadb-install-db does, which is in the package of the client."""
    new = DATABASES.with_suffix('.new')
    shutil.rmtree(new, ignore_errors=True)
    (new / 'mysql').mkdir(parents=True)
    command = ['mariadbd', '--no-defaults', '--bootstrap', f'--user={os.getuid()}']
    command += [f'--datadir={new}', f'--lc-messages-dir={TABLES.parent}', *OPTIONS]
    log = LOGS / 'mariadb-install.out'
    with log.open('wb') as output:
        text = f'USE mysql;\n{TABLES.read_text()}'.encode()
        done = subprocess.run(command, input=text, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise SystemExit(f'mariadbd --bootstrap failed: {log}')
    new.rename(DATABASES)


def connection() -> pymysql.Connection:
    """Return a connection, as soon as it answers; to be called in DATABASES, see SOCKET."""
    deadline = time.monotonic() + TIMEOUT
    while processes.pid_of(DATABASE) and time.monotonic() < deadline:
        try:
            return pymysql.connect(unix_socket=str(SOCKET), user='root')
        except pymysql.err.OperationalError:
            time.sleep(0.05)
    raise SystemExit(f'mariadbd does not answer: {LOGS / DATABASE}.out')
