# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check mode oracle: random tasks on random states.

Check mode changes nothing, and predicts exactly what the run does; a second run changes nothing.
States are created by earlier tasks, by runs that were killed, and by others.
tests/reliability/test_oracle.py does the same on this host.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status
from ansible_collections.hanok.cloud.tests.reliability.predictions import (
    check_refusal,
    check_result,
    check_unchanged,
)
from ansible_collections.hanok.cloud.tests.reliability.random_tasks import (
    OPTIONS,
    Options,
    Step,
    is_event,
    one,
    tasks,
)
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

from .clouds import CloudUnderTest
from .openstack_services import await_that
from .promises import Run

# What not every cloud supports is refused by other tests; who may choose an address, the operator
# of a cloud says; and what is there from the beginning stays.
LEFT_OUT = {'repair', 'guest_agent', 'force', 'key_names', 'address', 'family'}
LEFT_OUT |= {'max_vcpus', 'max_memory', 'on_drift', 'on_crash', 'start_order', 'start_delay'}
ADDRESS = {'floating_ip': one('auto', 'none')}
OTHER_VALUES: Mapping[str, Mapping[str, Any]] = {
    'server': ADDRESS,
    'lb': ADDRESS,
    'security_group': {'name': one('red', 'blue')},
    'flavor': {'name': one('own')},
}
BUSY = ('server', 'volume', 'image', 'lb')  # kinds with a task_state
STATUSES = (Status.ACTIVE, Status.SHUTOFF, Status.PAUSED, Status.SUSPENDED, Status.ERROR)


def possible(options: Options) -> Options:
    """The tasks that each cloud can do."""

    def values(module: str, some: dict[str, Any]) -> dict[str, Any]:
        left = {key: value for key, value in some.items() if key not in LEFT_OUT}
        others = OTHER_VALUES.get(module, {})
        return {key: others.get(key, value) for key, value in left.items()}

    return {
        module: [(values(module, required), values(module, more)) for required, more in forms]
        for module, forms in options.items()
        if module not in ('server_snapshot', 'backup')
    }


TASKS = tasks(possible(OPTIONS))
KILLS = st.fixed_dictionaries(
    {'task': TASKS, 'number': st.integers(1, 3), 'is_sent': st.booleans()}
)
STATUS_CHANGES = st.fixed_dictionaries({'name': one('a', 'b'), 'status': one(*STATUSES)})


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A task, or sometimes one that is killed, or what others do with a server."""
    which = draw(st.integers(0, 9))
    if which == 0:
        return 'kill', draw(KILLS)
    if which == 1:
        return 'set status', draw(STATUS_CHANGES)
    return draw(TASKS)


class Oracle:
    """Runs each task in check mode, then really, then again; and counts."""

    def __init__(self, cloud: CloudUnderTest, run: Run) -> None:
        """Nothing is counted yet."""
        self.cloud = cloud
        self.run = run
        self.changes = self.refusals = 0
        self.existing = {kind: self._names(kind) for kind in REMOVAL}

    def _names(self, kind: str) -> set[str]:
        """The names of all items of a kind; a root volume is deleted with its server."""
        found = self.run(f'{kind}_info')[KINDS[kind].plural]
        return {item['name'] for item in found if not item['name'].endswith('/root')}

    def try_(self, step: Step) -> None:
        """Test one task."""
        module, options = step
        if module == 'kill':
            self._kill(**options)
        elif module == 'set status':
            self._set_status(**options)
        else:
            self._compare(module, options)

    def _kill(self, task: Step, number: int, is_sent: bool) -> None:
        if self.cloud.killed:
            module, options = task
            self.cloud.killed(functools.partial(self.run, module, **options), number, is_sent)
            await_that(self._is_idle, 'the cloud stays busy')

    def _is_idle(self) -> bool:
        """Whether the cloud has done what a run that was killed has requested."""
        found = [self.run(f'{kind}_info')[KINDS[kind].plural] for kind in BUSY]
        return not any(item['task_state'] for items in found for item in items)

    def _set_status(self, name: str, status: Status) -> None:
        listed = self.run('server_info', name=name)['servers']
        found = [server for server in listed if server['name'] == name]
        known = [*STATUSES, Status.RESCUE]
        if found and self.cloud.set_status and found[0]['status'] in known:
            self.cloud.set_status(name, status)

    def _compare(self, module: str, options: dict[str, Any]) -> None:
        before = self.cloud.state()
        predicted = self.run(module, check=True, **options)
        assert self.cloud.state() == before
        done = self.run(module, **options)
        if done.get('failed'):
            self.refusals += 1
            check_refusal(predicted, done)
            assert self.cloud.state() == before
            return
        self.changes += done['changed']
        check_result(predicted, done)
        if is_event((module, options)):
            return
        for check in (True, False):
            check_unchanged(self.run(module, check=check, **options))

    def delete_all(self) -> None:
        """Delete everything."""
        for one_of in self.run('volume_snapshot_info')['volume_snapshots']:
            which = {'volume': one_of['volume'], 'name': one_of['name']}
            assert not self.run('volume_snapshot', **which, state='absent').get('failed')
        for kind in REMOVAL:
            for name in sorted(self._names(kind) - self.existing[kind]):
                protection = {'delete_protection': False} if kind == 'server' else {}
                done = self.run(kind, name=name, state='absent', **protection)
                assert not done.get('failed'), done['msg']


def test_check_mode_predicts_the_run(cloud: CloudUnderTest, run: Run, soak: bool) -> None:
    """From an empty project, tasks one after the other."""
    if cloud.name == 'local':
        pytest.skip('tests/reliability/test_oracle.py')
    assert run('image', name='oracle', path=cloud.image_path)['changed']
    oracle = Oracle(cloud, run)
    # A request to an OpenStack takes its time.
    few, many = (8, 200) if cloud.name == 'memory' else (2, 10)

    # Examples are not shrunk: the message contains the failing task.
    @settings(
        max_examples=many if soak else few,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps(), min_size=20, max_size=20))
    def from_nothing(chosen: list[Step]) -> None:
        for number, step in enumerate(chosen):
            try:
                oracle.try_(step)
            except AssertionError as error:
                raise AssertionError(f'step {number}: {step}: {error}') from error
        oracle.delete_all()

    from_nothing()
    assert oracle.changes > oracle.refusals / 4
    assert run('image', name='oracle', state='absent')['changed']
