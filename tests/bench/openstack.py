# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of make bench-openstack: 20 servers in an OpenStack, beside openstack.cloud.

It runs in scripts/world, with the OpenStack of tests/openstack. A row has the requests to the
cloud, the CPU time of ansible-playbook with its modules, and the time from start to end, of a play
with one task; openstack.cloud has a loop. Nothing is judged: goals are only shown. The services run
on the same machine, so times from start to end are mostly theirs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.hanok.cloud.tests.openstack.running import (
    recorded_calls,
    running_openstack,
)

ROOT = Path(__file__).resolve().parents[2]
NUMBER = int(os.environ.get('BENCH_SERVERS', '20'))
CLOUD, IMAGE, FLAVOR = 'devstack', 'Debian 13', 'g1.nano'
PEER = ROOT / 'build' / 'bench-openstack'  # its collection, and an SDK that it works with
TURNS = 3


class Row(NamedTuple):
    """A play. ``cpu``, ``seconds``: in seconds."""

    what: str
    requests: int
    cpu: float
    seconds: float
    changed: int
    aim: str = ''


def play(what: str, task: dict[str, Any], python: str, aim: str = '') -> Row:
    """Run a play with one task."""
    variables = {'ansible_python_interpreter': python}
    book = [{'hosts': 'localhost', 'gather_facts': False, 'vars': variables, 'tasks': [task]}]
    words = ['ansible-playbook', '--inventory', 'localhost,', '--connection', 'local']
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file, recorded_calls() as calls:
        json.dump(book, file)
        file.flush()
        before, began = _cpu(), time.monotonic()
        ran = subprocess.run([*words, file.name], capture_output=True, text=True, check=False)
        seconds, cpu = time.monotonic() - began, _cpu() - before
    if ran.returncode:
        raise SystemExit(f'{what}: {ran.stdout[-3000:]}{ran.stderr[-1000:]}')
    changed = int(ran.stdout.rpartition('changed=')[2].split()[0])
    ours = [call for call in calls if 'openstacksdk/' in call.agent]
    row = Row(what, len(ours), cpu, seconds, changed, aim)
    print('  '.join(map(_shown, row)), flush=True)
    return row


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shown(value: object) -> str:
    return f'{value:.2f}' if isinstance(value, float) else str(value)


def ours(**options: Any) -> dict[str, Any]:
    """One task for all servers."""
    return {'hanok.cloud.server': {'cloud': CLOUD, 'name': 'bench', **options}}


def theirs(**options: Any) -> dict[str, Any]:
    """A loop over the servers."""
    module = {'cloud': CLOUD, 'name': 'peer-{{ item }}', 'auto_ip': False, **options}
    return {'openstack.cloud.server': module, 'loop': list(range(1, NUMBER + 1))}


def rows() -> Iterator[Row]:
    """All plays, in turns."""
    python, peer = sys.executable, str(PEER / 'venv' / 'bin' / 'python')
    new = {'count': NUMBER, 'image': IMAGE, 'flavor': FLAVOR}
    loop = {'image': IMAGE, 'flavor': FLAVOR, 'network': 'default'}
    for _turn in range(TURNS):
        yield play('an empty task', {'ansible.builtin.ping': {}}, python)
    yield play('hanok.cloud: create 20', ours(**new), python, 'at most 60 requests')
    for _turn in range(TURNS):
        aim = 'at most 6 requests; 0.9 s CPU above an empty task'
        yield play('hanok.cloud: no change', ours(**new), python, aim)
    yield play('openstack.cloud: create 20', theirs(**loop), peer)
    for _turn in range(TURNS):
        aim = '5 times the CPU time, 4 times the time of hanok.cloud'
        yield play('openstack.cloud: no change', theirs(**loop), peer, aim)
    absent = ours(count=0, state='absent')
    yield play('hanok.cloud: delete 20', absent, python)
    yield play('openstack.cloud: delete 20', theirs(state='absent'), peer)


def main(report: str) -> None:
    """Measure, print, and write a report."""
    del os.environ['PYTHONPATH']  # it is for this program, not for the plays
    os.environ['OS_CLIENT_CONFIG_FILE'] = str(running_openstack())
    paths = [os.environ['ANSIBLE_COLLECTIONS_PATH'], str(PEER)]
    os.environ['ANSIBLE_COLLECTIONS_PATH'] = os.pathsep.join(paths)
    found = [row._asdict() for row in rows()]
    Path(report).write_text(json.dumps(found, indent=1), encoding='utf-8')


if __name__ == '__main__':
    main(sys.argv[1])
