# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every state that a task requests in every status of a server: done, as it is, or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

Keep = Callable[..., Result]
Refused = Callable[..., str]
STATES = ('present', 'started', 'stopped', 'restarted', 'paused', 'shelved', 'absent')
# For each of the states: the status after the task; '': refused. A server that is absent has none.
NOWHERE = ('', '', '', '', '', None)
PAUSED, SHELVED = 'PAUSED', 'SHELVED_OFFLOADED'
EXPECTED: dict[Status, tuple[str | None, ...]] = {
    Status.ACTIVE: ('ACTIVE', 'ACTIVE', 'SHUTOFF', 'ACTIVE', PAUSED, SHELVED, None),
    Status.SHUTOFF: ('SHUTOFF', 'ACTIVE', 'SHUTOFF', 'ACTIVE', PAUSED, SHELVED, None),
    Status.PAUSED: (PAUSED, 'ACTIVE', '', '', PAUSED, '', None),
    Status.SUSPENDED: ('SUSPENDED', 'ACTIVE', '', '', PAUSED, '', None),
    Status.RESCUE: ('RESCUE', *NOWHERE),
    Status.SHELVED: ('SHELVED', 'ACTIVE', '', '', PAUSED, 'SHELVED', None),
    Status.SHELVED_OFFLOADED: (SHELVED, 'ACTIVE', '', '', PAUSED, SHELVED, None),
    Status.VERIFY_RESIZE: ('VERIFY_RESIZE', *NOWHERE),
    Status.BUILD: ('BUILD', *NOWHERE),
    Status.ERROR: ('', *NOWHERE),
    Status.UNMANAGED: ('', *NOWHERE),
}


@pytest.mark.parametrize('status', Status)
def test_status(
    cloud: CloudUnderTest, keep: Keep, refused: Refused, run: Run, server: Keep, status: Status
) -> None:
    """In each status, each state is kept or refused; refusals touch nothing."""
    if status not in cloud.statuses:
        pytest.skip(f'no server of {cloud.name} can be set to {status}')
    server('one')
    keep('volume', name='data', size=1)
    for state, expected in zip(STATES[:-1], EXPECTED[status][:-1], strict=True):
        cloud.set_status('one', status)
        if expected == '':
            check_refused(refused, run, status, state)
        else:
            check_kept(cloud, keep, run, status, state, expected)
    cloud.set_status('one', status)
    check_updates(keep, refused, status)
    keep('server', name='one', state='absent')
    keep('volume', name='data', state='absent')


def check_refused(refused: Refused, run: Run, status: Status, state: str) -> None:
    """A refusal has what the user can do, and touches nothing."""
    before = run('server_info', name='one')['servers']
    text = refused('server', name='one', state=state)
    assert text.startswith(f'refused: server one is {status}')
    if status in (Status.SHELVED, Status.SHELVED_OFFLOADED):
        assert text == f'refused: server one is {status}; possible: detach, unshelve, delete'
    assert run('server_info', name='one')['servers'] == before


def check_kept(
    cloud: CloudUnderTest, keep: Keep, run: Run, status: Status, state: str, expected: str | None
) -> None:
    """The server has the status that follows, after one task."""
    options = {'name': 'one', 'state': state}
    if status in (Status.ACTIVE, Status.SHUTOFF) and 'power off' in cloud.can:
        options['force'] = True  # the guest has not booted yet
    if state == 'restarted':  # once more would be another restart
        predicted, done = (run('server', check=check, **options) for check in (True, False))
        assert (predicted['changed'], predicted['diff']) == (done['changed'], done['diff'])
    else:
        # Nothing builds the server, so that waiting for the end of that would be in vain.
        done = keep('server', **options, wait=status != Status.BUILD)
    assert done['changed'] is (state == 'restarted' or expected != status)
    assert done['server']['status'] == expected


def check_updates(keep: Keep, refused: Refused, status: Status) -> None:
    """Options change and volumes are attached where that is possible, else the task is refused."""
    attached = {'name': 'data', 'state': 'attached', 'server': 'one'}
    if status in (Status.ACTIVE, Status.SHUTOFF, Status.PAUSED):
        keep('server', name='one', labels={'a': 'b'})
        keep('volume', **attached)
    else:
        assert f'server one is {status}' in refused('server', name='one', labels={'a': 'b'})
        assert f'one is {status}' in refused('volume', **attached)
