# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What another run is working on is awaited; what an earlier run left unfinished is completed."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from glob import escape
from itertools import zip_longest

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.status import TaskState
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

BEGUN = (TaskState.CREATING, TaskState.UPDATING, TaskState.POWERING_OFF, TaskState.DELETING)
UNKNOWN = '(known after apply)'
Keep = Callable[..., Result]


def is_prediction(predicted: str, done: str) -> bool:
    """Whether a text is another one, as far as it is known before: addresses may not be."""
    pairs = zip_longest(predicted.splitlines(), done.splitlines(), fillvalue='')
    return all(fnmatchcase(two, escape(one).replace(UNKNOWN, '*')) for one, two in pairs)


@pytest.mark.parametrize('state', ['present', 'stopped', 'absent'])
@pytest.mark.parametrize('task_state', BEGUN)
def test_another_run(
    cloud: CloudUnderTest, run: Run, server: Keep, task_state: TaskState, state: str
) -> None:
    """Check mode predicts what follows when it has ended, and says so; a run waits for it."""
    if cloud.other_run is None:
        pytest.skip(f'what others do in {cloud.name} cannot be held up')
    made = server('begun')['server']
    options = {'name': 'begun', 'image': made['image'], 'flavor': cloud.flavor, 'state': state}
    with cloud.other_run('begun', task_state):
        (shown,) = run('server_info', name='begun')['servers']
        assert (shown['task_state'], shown['unfinished']) == (task_state.value, None)
        predicted = run('server', check=True, **options)
        assert f'another run is working on it ({task_state})' in str(predicted['warnings'])
        if cloud.memory is None:  # the one in memory waits for nothing
            text = run('server', **options, wait_timeout=1)['msg']
            assert 'timed out after 1 s (wait_timeout) waiting for ' in text
            assert 'server begun' in text
    done = run('server', **options)
    assert predicted['changed'] == done['changed']
    for side, text in predicted['diff'].items():
        assert is_prediction(text, done['diff'][side])
    assert 'interrupted' not in done['diff']['after']
    assert not run('server', **options)['changed']


@pytest.mark.parametrize('state', ['present', 'stopped', 'absent'])
@pytest.mark.parametrize('unfinished', BEGUN)
def test_an_earlier_run(
    cloud: CloudUnderTest, keep: Keep, run: Run, server: Keep, unfinished: TaskState, state: str
) -> None:
    """The next task completes it, as check mode predicts."""
    if cloud.interrupt is None:
        # A run that is killed leaves what it has not requested: test_requests.py.
        pytest.skip(f'{cloud.name} itself completes what it began')
    made = server('begun')['server']
    cloud.interrupt('begun', unfinished)
    (shown,) = run('server_info', name='begun')['servers']
    assert (shown['status'], shown['task_state'], shown['unfinished']) == (
        'ERROR',
        None,
        unfinished.value,
    )
    options = {'image': made['image'], 'flavor': cloud.flavor, 'state': state}
    assert keep('server', name='begun', **options)['changed']
