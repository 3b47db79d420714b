# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OpenStack for tests: started when it does not run, and what it has been asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent


class Call(NamedTuple):
    """One call of an API."""

    service: str
    method: str
    path: str
    agent: str
    began: float
    seconds: float


def home() -> Path:
    """Return the directory of everything that belongs to it."""
    default = HERE.parents[1] / 'build' / 'openstack'
    return Path(os.environ.get('OPENSTACK_HOME', default)).resolve()


def running_openstack() -> Path:
    """Start what is not running; the path of its clouds.yaml.

    Its entries are devstack and devstack-other, members of the projects demo and other, and
    devstack-admin.
    """
    started = subprocess.run([HERE / 'up.sh'], capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stdout + started.stderr
    return home() / 'clouds.yaml'


def write_state(server: str, vm_state: str, task_state: str = '') -> None:
    """Let Nova do something with a server until this is called again; it does nothing really."""
    environment = {**os.environ, 'OPENSTACK_HOME': str(home())}
    python = Path(os.environ.get('OPENSTACK_VENV', home() / 'venv')) / 'bin' / 'python'
    command = [str(python), str(HERE / 'write_state.py'), server, vm_state, task_state]
    subprocess.run(command, env=environment, check=True)


def image_path() -> Path:
    """Return the path of a small image; there is nothing on its disk."""
    return home() / 'state' / 'small.qcow2'


@contextmanager
def recorded_calls() -> Iterator[list[Call]]:
    """Fill a list with the calls that end while the context lasts.

    Those between services are among them: their agent names the service, as in nova-api.
    """
    calls: list[Call] = []
    with (home() / 'logs' / 'access.log').open() as log:
        log.seek(0, os.SEEK_END)
        yield calls
        calls += [_call(line) for line in log]


def _call(line: str) -> Call:
    began, service, seconds, method, path, agent = line.rstrip('\n').split(' ', 5)
    return Call(service, method, path, agent, float(began), float(seconds))
