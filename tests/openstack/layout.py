# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where everything of the OpenStack is: its directories, its services and their ports."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ['OPENSTACK_HOME'])
VENV = Path(os.environ.get('OPENSTACK_VENV', HOME / 'venv'))
CONF = HOME / 'conf'
LOGS = HOME / 'logs'
RUN = HOME / 'run'
# Every process has it open, and a shared lock on it.
RUNNING = HOME / 'running'
STATE = HOME / 'state'
# Beside the packages, which clouds may share that are in worlds.
TEMPLATE = VENV.parent / 'template'
DATABASES = STATE / 'mysql'
CLOUDS = HOME / 'clouds.yaml'
BASE_PORT = HOME / 'base-port'
# A disk without content, for images of the tests.
IMAGE = STATE / 'small.qcow2'
# Relative to the directory of the databases, in which all processes run: the path of a socket has
# 107 characters at most, that of a clone may have more.
SOCKET = 'mariadb.sock'
# It is there as soon as users and endpoints are as this run needs them.
IDENTITY_READY = RUN / 'identity-ready'

# In the order of their ports: the service listens on the base port plus its index.
SERVICES = ('keystone', 'glance', 'placement', 'nova', 'neutron', 'cinder', 'octavia')
DATABASE = 'mariadb'
REGION = 'RegionOne'


def base_port() -> int:
    """Return the first port."""
    return int(BASE_PORT.read_text())


def url(service: str) -> str:
    """Return the address of a service."""
    return f'http://127.0.0.1:{base_port() + SERVICES.index(service)}'


def configuration_of(service: str) -> Path:
    """Return the configuration file of a service; glance chooses the name."""
    return CONF / f'{"glance-api" if service == "glance" else service}.conf'


def forget() -> None:
    """Delete the state: at once, or, if this is interrupted, when it is called again."""
    old = STATE.with_suffix('.old')
    shutil.rmtree(old, ignore_errors=True)
    if STATE.exists():
        STATE.rename(old)
        shutil.rmtree(old)


def migrated(service: str) -> Path:
    """Return the file that is there when the database of a service is complete."""
    return STATE / service / 'migrated'


def fingerprint() -> str:
    """Return what tells this code from any other."""
    files = (path for path in HERE.rglob('*') if path.is_file() and path.suffix != '.pyc')
    contents = (path.read_bytes() for path in sorted(files))
    return hashlib.sha256(b'\0'.join(contents)).hexdigest()


def is_current(state: Path) -> bool:
    """Return whether a state was made by this code."""
    try:
        return (state / 'made-by').read_text() == fingerprint()
    except OSError:
        return False


def mark_current() -> None:
    """Record that the state was made by this code."""
    (STATE / 'made-by').write_text(fingerprint())
