# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role image_builder: the path of an image, and descriptions that are refused."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROLE = Path(__file__).resolve().parents[2] / 'roles' / 'image_builder'
NAME = '__image_builder_path'


def paths(folder: Path, *cases: dict[str, Any]) -> list[str]:
    """The paths of the image tiny, with the variables of each case."""
    output = run_play(folder, [{'debug': {'var': NAME}, 'vars': case} for case in cases])
    found = [line.partition(': ')[2] for line in output.splitlines() if f'{NAME}: ' in line]
    assert len(found) == len(cases)
    return found


def run_play(folder: Path, tasks: list[dict[str, Any]]) -> str:
    """Run tasks with the variables of the role; the output."""
    play = {
        'hosts': 'localhost',
        'gather_facts': False,
        'vars_files': [f'{ROLE}/{name}/main.yml' for name in ('defaults', 'vars')],
        'vars': {'ansible_facts': {'distribution': 'Debian', 'distribution_release': 'bookworm'}},
        'tasks': tasks,
    }
    (folder / 'files').symlink_to(ROLE / 'files')
    (folder / 'play.yml').write_text(json.dumps([play]), 'utf-8')
    words = [sys.executable, '-m', 'ansible', 'playbook', '-i', 'localhost,', '-c', 'local']
    return subprocess.run(
        [*words, str(folder / 'play.yml')], capture_output=True, text=True, check=True
    ).stdout


def test_path_of_an_image(tmp_path: Path) -> None:
    """A number may be text, as in a template of another Ansible; comments do not count."""
    text = (ROLE / 'files' / 'tiny-image.sh').read_text('utf-8')
    begin, line, rest = text.partition('\nset ')
    scripts = [tmp_path / name for name in ('same', 'commented', 'changed')]
    for script, more in zip(scripts, ('', '\n  # another comment\n', '\ntrue'), strict=True):
        script.write_text(begin + more + line + rest, 'utf-8')
    same, commented, changed = (str(script) for script in scripts)
    path, *found = paths(
        tmp_path,
        {'image_builder_size': 96, '__image_builder_script': same},
        {'image_builder_size': '96', '__image_builder_script': same},
        {'image_builder_size': 96, '__image_builder_script': commented},
        {'image_builder_size': 97, '__image_builder_script': same},
        {'image_builder_size': 96, '__image_builder_script': changed},
    )
    assert '/tiny-' in path
    assert [other == path for other in found] == [True, True, False, False]


FILE = {'path': '/etc/motd', 'content': 'text\n'}
INVALID = [
    ({'image_builder_users': [{'name': 'A b'}]}, 'A b: names of users and groups'),
    ({'image_builder_users': [{'name': 'a', 'groups': ['-x']}]}, '-x: names of users and groups'),
    ({'image_builder_files': [{**FILE, 'owner': '../a'}]}, '../a: names of users and groups'),
    ({'image_builder_files': [{**FILE, 'path': 'etc/motd'}]}, 'etc/motd is no absolute path'),
    (
        {'image_builder_files': [{**FILE, 'mode': 0o644}]},
        '420 is no text; set the octal mode in quotes',
    ),
    ({'image_builder_files': [{**FILE, 'path': '/dev/x'}]}, '/dev/x: what is in /dev'),
    ({'image_builder_files': [{**FILE, 'path': '/sys'}]}, '/sys: what is in /dev, /proc and /sys'),
    ({'image_builder_files': [{**FILE, 'content': 5}]}, 'content: 5 is no text'),
    ({'image_builder_files': [{**FILE, 'content': None}]}, 'content: null is no text'),
    ({'image_builder_files': [{**FILE, 'content': {'a': 1}}]}, 'content: {"a": 1} is no text'),
    ({'image_builder_users': [{'name': 'a', 'shell': None}]}, 'shell: null is no text'),
    ({'image_builder_users': [{'name': 'a', 'ssh_keys': None}]}, 'null is no text; groups and ssh'),
    ({'image_builder_users': [{'name': 'a', 'ssh_keys': ['k', 5]}]}, '5 is no text; groups and'),
    ({'image_builder_scripts': '#!/bin/sh'}, '"#!/bin/sh" is no list; begin each element with'),
    ({'image_builder_extra_packages': 'nginx'}, '"nginx" is no list'),
    ({'image_builder_users': None}, 'null is no list'),
    ({'image_builder_files': FILE}, '"path": "/etc/motd", "content": "text\\n"} is no list'),
    ({'image_builder_files': ['path=/a']}, '"path=/a" is no mapping'),
    ({'image_builder_files': [{**FILE, 'mode': 'rw'}]}, 'rw is no octal mode'),
    ({'image_builder_files': [{**FILE, 'content': "'" * 20000}]}, 'at most 65536 are passed on'),
    ({'image_builder_scripts': ['echo']}, 'a script begins with "#!"'),
    (
        {'image_builder_image': 'tiny', 'image_builder_scripts': ['#!/bin/sh\n']},
        'supported by the Debian image only; set image_builder_image: debian',
    ),
]


KINDS_ARE_VALID = "__image_builder_kind_checks | rejectattr('is_valid') | list == []"


def test_invalid_descriptions(tmp_path: Path) -> None:
    """Each is refused with the option and the way out; a valid one is not."""
    user = {'name': 'a', 'ssh_keys': 'ssh-ed25519 AAAA', 'groups': ['b']}
    valid = {'image_builder_users': [user], 'image_builder_files': [FILE]}
    cases = [({**valid, 'image_builder_scripts': ['#!/bin/sh\n']}, ''), *INVALID]
    tasks = []
    for number, (case, _text) in enumerate(cases):
        values = {'image_builder_image': 'debian', **case}
        for what, when in (('kind', 'true'), ('value', KINDS_ARE_VALID)):
            shown = f'CHECK {number} {{{{ __image_builder_{what}_checks | to_json | b64encode }}}}'
            tasks.append({'debug': {'msg': shown}, 'vars': values, 'when': when})
    failed: list[list[dict[str, Any]]] = [[] for _case in cases]
    for number, text in re.findall(r'CHECK (\d+) ([\w+/=]+)', run_play(tmp_path, tasks)):
        checks = json.loads(base64.b64decode(text))
        failed[int(number)] += [check for check in checks if not check['is_valid']]
    for (case, message), found in zip(cases, failed, strict=True):
        assert len(found) == bool(message), found
        for check in found:
            assert message in check['way_out']
            assert set(check['option'].split(', ')) & set(case)
