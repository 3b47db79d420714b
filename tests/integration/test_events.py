# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The example rulebook, run by ansible-rulebook; tests/unit/test_events.py tests its source."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .conftest import TREE, run

PROGRAM = TREE / 'events' / 'bin' / 'ansible-rulebook'


def delete_a_server(name: str) -> None:
    """Create a server that is never started, and delete it."""
    options = {'name': name, 'actor': 'kim'}
    made = run('server', image='small', flavor='g1.nano', state='stopped', **options)
    gone = run('server', state='absent', **options)
    assert made['changed'], made
    assert gone['changed'], gone


def printed(variables: Path, last: str) -> list[str]:
    """What the rules print, up to a line; then the rulebook is killed."""
    words = [PROGRAM, '--rulebook', 'hanok.cloud.history', '--inventory', 'localhost,']
    environment = {
        **os.environ,
        'ANSIBLE_COLLECTIONS_PATH': str(TREE),
        'PATH': f'{PROGRAM.parent}:/usr/bin:/bin',
        'PYTHONUNBUFFERED': '1',
    }
    lines = []
    with subprocess.Popen(
        [*words, '--vars', variables], env=environment, stdout=subprocess.PIPE, text=True
    ) as rulebook:
        assert rulebook.stdout is not None
        for line in rulebook.stdout:
            lines.append(line.strip())
            if lines[-1] == last:
                break
        rulebook.kill()
    assert lines[-1] == last, lines
    return [line for line in lines if 'deleted' in line]


@pytest.mark.timeout(300)
def test_rulebook(image: str, soak: bool, tmp_path: Path) -> None:
    """It sees what real tasks have changed, and goes on after it was killed."""
    if not soak:
        pytest.skip('it needs Java: make soak runs it')
    variables = tmp_path / 'vars.json'
    state = {'hanok_state_file': str(tmp_path / 'state.json'), 'hanok_first': 'oldest'}
    variables.write_text(json.dumps(state), 'utf-8')
    delete_a_server('one')
    assert printed(variables, 'kim deleted server one') == ['kim deleted server one']
    delete_a_server('two')
    assert printed(variables, 'kim deleted server two')[-1] == 'kim deleted server two'
