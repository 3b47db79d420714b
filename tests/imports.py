# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task imports that finds its resource up to date: compiling it is most of what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[1] / 'build'
# KiB of source of ours. What only acts is imported when it acts. The aim is 100 for server, lb and
# volume, 50 for keypair, 70 for the others: a limit above that is what it takes today, and may only
# become smaller.
OTHERS = 111
LIMITS = {
    'backup': 125,
    'flavor': 123,
    'floating_ip': 182,
    'image': 136,
    'init_script': 111,
    'keypair': 121,
    'lb': 202,
    'network': 176,
    'port': 177,
    'project': 130,
    'schedule': 133,
    'security_group': 191,
    'server': 271,
    'server_log': 159,
    'server_snapshot': 138,
    'volume': 134,
    'volume_snapshot': 138,
}
# Runs a module as root would, and prints the sizes of the files that it imported.
_MEASURE = """
import atexit, json, os, runpy, sys

def report():
    paths = [getattr(module, '__file__', None) or '' for module in sys.modules.values()]
    sizes = {path: os.path.getsize(path) for path in paths if '/plugins/module_utils/_' in path}
    print(json.dumps(sizes), file=sys.stderr)

os.geteuid = lambda: 0
atexit.register(report)
runpy.run_module(sys.argv.pop(), run_name='__main__')
"""


def imported(
    module: str, options: dict[str, Any], **environment: str
) -> tuple[bool, dict[str, int]]:
    """Run a task; return whether it changed something, and the files that it imported by size."""
    name = f'ansible_collections.hanok.cloud.plugins.modules.{module}'
    path = f'{TREE}:{sysconfig.get_paths()["purelib"]}'
    ran = subprocess.run(
        ['/usr/bin/python3', '-c', _MEASURE, name],
        input=json.dumps({'ANSIBLE_MODULE_ARGS': options}),
        env={**os.environ, 'PYTHONPATH': path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return json.loads(ran.stdout)['changed'], json.loads(ran.stderr.splitlines()[-1])


def check_imports(module: str, options: dict[str, Any], **environment: str) -> None:
    """Run a task that changes nothing; assert that it imports no more than allowed."""
    changed, sizes = imported(module, options, **environment)
    assert not changed
    largest = sorted(sizes.items(), key=lambda file: -file[1])
    listed = [f'{size:6} {file.partition("/module_utils/")[2]}' for file, size in largest]
    total = sum(sizes.values()) / 1024
    assert total <= LIMITS.get(module, OTHERS), '\n'.join([f'{module}: {total:.1f} KiB', *listed])
