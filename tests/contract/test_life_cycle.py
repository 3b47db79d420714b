# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every state that a task requests in every status of a server: done, as it is, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.status import POWER, Status
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
STATES = ('present', 'started', 'stopped', 'restarted', 'absent')
# For each of the states: the status after the task; '': refused. A server that is absent has none.
NOWHERE = ('', '', '', None)
EXPECTED: dict[Status, tuple[str | None, ...]] = {
    Status.ACTIVE: ('ACTIVE', 'ACTIVE', 'SHUTOFF', 'ACTIVE', None),
    Status.SHUTOFF: ('SHUTOFF', 'ACTIVE', 'SHUTOFF', 'ACTIVE', None),
    Status.PAUSED: ('PAUSED', 'ACTIVE', '', '', None),
    Status.SUSPENDED: ('SUSPENDED', 'ACTIVE', '', '', None),
    Status.RESCUE: ('RESCUE', *NOWHERE),
    Status.SHELVED: ('SHELVED', *NOWHERE),
    Status.SHELVED_OFFLOADED: ('SHELVED_OFFLOADED', *NOWHERE),
    Status.VERIFY_RESIZE: ('VERIFY_RESIZE', *NOWHERE),
    Status.BUILD: ('BUILD', *NOWHERE),
    Status.ERROR: ('', *NOWHERE),
    Status.UNMANAGED: ('', *NOWHERE),
}


@pytest.mark.parametrize(
    ('status', 'state', 'expected'),
    [
        (status, state, expected)
        for status in Status
        for state, expected in zip(STATES, EXPECTED[status], strict=True)
    ],
)
def test_state(
    cloud: CloudUnderTest,
    keep: Keep,
    refused: Refused,
    run: Run,
    server: Keep,
    status: Status,
    state: str,
    expected: str | None,
) -> None:
    """Check mode and the run agree, and the second run changes nothing."""
    if cloud.memory is None:
        pytest.skip('the statuses of this cloud cannot be set')
    server('one')
    stored = cloud.memory.kinds['server']
    there = replace(stored['one'], status=status, power=POWER.get(status) or 'started')
    stored['one'] = there
    if expected == '':
        text = refused('server', name='one', state=state)
        assert text.startswith(f'refused: server one is {status}')
        assert stored['one'] == there
        return
    if state == 'restarted':  # once more would be another restart
        predicted, done = (run('server', check=check, name='one', state=state) for check in (1, 0))
        assert (predicted['changed'], predicted['diff']) == (done['changed'], done['diff'])
    else:
        # Nothing builds the server, so that waiting for the end of that would be in vain.
        done = keep('server', name='one', state=state, wait=status != Status.BUILD)
    assert done['changed'] is (state == 'restarted' or expected != status)
    shown = done['server']
    assert (shown and shown['status']) == expected
    if shown:
        assert stored['one'].power == POWER.get(Status(expected)) or expected == 'BUILD'


@pytest.mark.parametrize('status', Status)
def test_update(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, server: Keep, status: Status
) -> None:
    """Options change and volumes are attached where that is possible, else the task is refused."""
    if cloud.memory is None:
        pytest.skip('the statuses of this cloud cannot be set')
    server('one')
    keep('volume', name='data', size=1)
    stored = cloud.memory.kinds['server']
    stored['one'] = replace(stored['one'], status=status, power=POWER.get(status) or 'started')
    is_steady = status in (Status.ACTIVE, Status.SHUTOFF, Status.PAUSED)
    if is_steady:
        keep('server', name='one', labels={'a': 'b'})
        keep('volume', name='data', state='attached', server='one')
        keep('volume', name='data', state='detached')
    else:
        assert f'server one is {status}' in refused('server', name='one', labels={'a': 'b'})
        text = refused('volume', name='data', state='attached', server='one')
        assert f'one is {status}' in text
    keep('volume', name='data', state='absent')


def test_what_is_possible(cloud: CloudUnderTest, refused: Refused, server: Keep) -> None:
    """A refusal has what the user can do."""
    if cloud.memory is None:
        pytest.skip('the statuses of this cloud cannot be set')
    server('one')
    stored = cloud.memory.kinds['server']
    stored['one'] = replace(stored['one'], status=Status.SHELVED)
    text = refused('server', name='one', state='started')
    assert text == 'refused: server one is SHELVED; possible: unshelve, delete'
