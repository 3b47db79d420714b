# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start what is not running of the OpenStack, and make what its users need."""

from __future__ import annotations

import gc
import importlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import configuration
import database
import layout
import processes
import seed
import stop
import template
from api import Api
from layout import HERE, LOGS, STATE

# Blocks of ten ports, below those that the kernel gives to outgoing connections.
FIRST_PORT, BLOCKS = 15000, 1600
TIMEOUT = 300
FOLDERS = (
    'lock',
    'keystone/fernet',
    'keystone/receipts',
    'keystone/credential',
    'glance/images',
    'glance/staging',
    'glance/tasks',
    'placement',
    'nova/instances',
    'neutron',
    'cinder',
    'octavia',
)
# None of them may import eventlet, before a service has chosen threads.
IMPORTED_BY_MOST = (
    'alembic.command',
    'keystonemiddleware.auth_token',
    'openstack',
    'oslo_db.sqlalchemy.enginefacade',
    'oslo_log.log',
    'oslo_middleware',
    'oslo_policy.policy',
    'pymysql',
    'routes',
)
BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print it with the time since the start."""
    print(f'{time.monotonic() - BEGAN:6.1f} s  {text}', flush=True)


def make_folders() -> None:
    """Create the directories, and the authority of octavia."""
    for folder in (layout.CONF, layout.LOGS, layout.RUN, *(STATE / name for name in FOLDERS)):
        folder.mkdir(parents=True, exist_ok=True)
    key, certificate = STATE / 'octavia' / 'ca.key', STATE / 'octavia' / 'ca.pem'
    if not certificate.exists():
        command = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650']
        files = ['-subj', '/CN=tests', '-keyout', str(key), '-out', str(certificate)]
        subprocess.run([*command, *files], check=True, stderr=subprocess.DEVNULL)


def sockets_of(missing: list[str], is_running: bool) -> dict[str, socket.socket]:
    """Listen at the ports of the services that are missing.

    They get the sockets: so no other program takes a port before they listen, and a client that
    connects while they start waits. A running service keeps the ports as they are.
    """
    if is_running:
        return _listening(layout.base_port(), missing)
    for base in _bases():
        try:
            found = _listening(base, missing)
        except OSError:
            continue
        layout.BASE_PORT.write_text(f'{base}\n')
        return found
    raise SystemExit('no free ports')


def _bases() -> list[int]:
    if chosen := os.environ.get('OPENSTACK_BASE_PORT'):
        return [int(chosen)]
    first = zlib.crc32(str(layout.HOME).encode()) % BLOCKS
    derived = [FIRST_PORT + (first + block) % BLOCKS * 10 for block in range(BLOCKS)]
    return [layout.base_port(), *derived] if layout.BASE_PORT.exists() else derived


def _listening(base: int, services: list[str]) -> dict[str, socket.socket]:
    found = {}
    for service in services:
        port = base + layout.SERVICES.index(service)
        found[service] = socket.create_server(('127.0.0.1', port), backlog=128)
    return found


def set_environment() -> None:
    """Set where each service finds its configuration and drivers, and that it uses threads."""
    for service in layout.SERVICES:
        prefix = f'OS_{service.upper()}'
        os.environ[f'{prefix}_CONFIG_DIR'] = str(layout.CONF)
        os.environ[f'{prefix}_DISABLE_EVENTLET_PATCHING'] = '1'
    os.environ['EVENTLET_NO_GREENDNS'] = 'yes'  # is imported by some, used by none
    # Its pool of threads answers only the first thread that uses it: in Cinder, the second volume
    # of an image would be created for ever. Without the pool, every thread waits itself.
    os.environ['EVENTLET_THREADPOOL_SIZE'] = '0'
    os.environ['no_proxy'] = '*'  # all of it is on 127.0.0.1
    os.environ['PATH'] = f'{layout.VENV}/bin:{os.environ["PATH"]}'
    sys.path.append(str(HERE / 'drivers'))


def start(listening: dict[str, socket.socket]) -> None:
    """Start services, in forks of this process: what most of them import is imported once."""
    if not listening:
        return
    gc.disable()
    for name in IMPORTED_BY_MOST:
        importlib.import_module(name)
    service = importlib.import_module('service')
    gc.freeze()
    for name, listener in listening.items():
        processes.start(name, partial(service.serve, name), listener.fileno())
    for listener in listening.values():
        listener.close()


def wait_for(service: str) -> None:
    """Wait until a service answers."""
    try:
        urllib.request.urlopen(layout.url(service), timeout=TIMEOUT).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
    except OSError as error:
        ended = [name for name in layout.SERVICES if not processes.pid_of(name)]
        logs = ' '.join(str(LOGS / f'{name}.out') for name in ended or [service])
        raise SystemExit(f'{service} does not answer ({error}): {logs}') from error


def main() -> None:
    """Start it."""
    if not layout.is_current(STATE):
        stop.stop()
        layout.forget()
        template.use()
    is_new = not STATE.exists()
    running = [name for name in layout.SERVICES if processes.pid_of(name)]
    missing = [name for name in layout.SERVICES if name not in running]
    if not running:
        processes.refuse_others()
    make_folders()
    set_environment()
    listening = sockets_of(missing, bool(running))
    configuration.write()
    database.start()
    say('database')
    layout.mark_current()
    if not running:
        layout.IDENTITY_READY.unlink(missing_ok=True)
    start(listening)
    wait_for('keystone')
    say('keystone')
    admin = Api('admin', 'admin')
    seed.identity(admin)
    layout.IDENTITY_READY.touch()
    for service in layout.SERVICES:
        wait_for(service)
    say('all services')
    with ThreadPoolExecutor() as pool:
        for made in [pool.submit(make, admin) for make in seed.OF_SERVICES]:
            made.result()
    if is_new:
        template.keep()
    seed.image(admin)  # afterwards, because glance knows its file by the path
    say(f'ready: export OS_CLIENT_CONFIG_FILE={layout.CLOUDS} OS_CLOUD=devstack')


main()
