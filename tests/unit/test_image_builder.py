# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role image_builder: the path of an image depends on what determines its content only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROLE = Path(__file__).resolve().parents[2] / 'roles' / 'image_builder'
NAME = '__image_builder_path'


def paths(folder: Path, *cases: dict[str, Any]) -> list[str]:
    """The paths of the image tiny, with the variables of each case."""
    play = {
        'hosts': 'localhost',
        'gather_facts': False,
        'vars_files': [f'{ROLE}/{name}/main.yml' for name in ('defaults', 'vars')],
        'vars': {'ansible_facts': {'distribution': 'Debian', 'distribution_release': 'bookworm'}},
        'tasks': [{'debug': {'var': NAME}, 'vars': case} for case in cases],
    }
    (folder / 'play.yml').write_text(json.dumps([play]), 'utf-8')
    words = [sys.executable, '-m', 'ansible', 'playbook', '-i', 'localhost,', '-c', 'local']
    ran = subprocess.run(
        [*words, str(folder / 'play.yml')], capture_output=True, text=True, check=True
    )
    found = [line.partition(': ')[2] for line in ran.stdout.splitlines() if f'{NAME}: ' in line]
    assert len(found) == len(cases)
    return found


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
