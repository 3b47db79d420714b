# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life cycle: every status and verb have an answer, and the documents have the same ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server import (
    ARGUMENTS,
)
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import contract
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_status import (
    status_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.plugins.module_utils._model.lifecycle import (
    ACTIONS,
    LATER,
    SERVER,
    TABLES,
    is_allowed,
    next_status,
    possible,
    refusal,
    status_after,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import (
    POWER,
    STATUS_OF_POWER,
    Status,
    TaskState,
    VolumeStatus,
    Word,
    is_billable,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.volume import Volume

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / 'plugins/modules'
STATUSES = {'server': Status, 'volume': VolumeStatus}
# What the documents of the Korean clouds call billed (FEATURES, V4), by status and task state.
BILLED: list[tuple[Status, str | None, bool]] = [
    (Status.ACTIVE, None, True),
    (Status.SHUTOFF, None, True),
    (Status.PAUSED, None, True),
    (Status.SHELVED_OFFLOADED, None, False),
    (Status.ERROR, None, False),
    (Status.UNMANAGED, None, False),
    (Status.VERIFY_RESIZE, None, False),
    *((Status.BUILD, state, False) for state in ('scheduling', 'block_device_mapping')),
    *((Status.BUILD, state, False) for state in ('creating', 'networking', 'spawning')),
    *((Status.ACTIVE, state, True) for state in ('rebooting', 'reboot_started')),
    *((Status.ACTIVE, state, True) for state in ('rebooting_hard', 'reboot_started_hard')),
    *((Status.ACTIVE, state, True) for state in ('shelving', 'powering-off', 'updating')),
    (Status.SHUTOFF, 'powering-on', True),
    (Status.SHELVED_OFFLOADED, 'unshelving', False),
    *((Status.ACTIVE, state, False) for state in ('resize_prep', 'resize_migrating')),
    *((Status.ACTIVE, state, False) for state in ('resize_migrated', 'resize_finish')),
    *((Status.VERIFY_RESIZE, s, False) for s in ('resize_confirming', 'resize_reverting')),
    (Status.ACTIVE, 'deleting', False),
]


@pytest.mark.parametrize(('status', 'task_state', 'billed'), BILLED)
def test_billable(status: Status, task_state: str | None, billed: bool) -> None:
    """As the documents say."""
    state = None if task_state is None else TaskState(task_state)
    assert is_billable(status, state) is billed


@pytest.mark.parametrize('verb', Verb)
@pytest.mark.parametrize(
    ('kind', 'status'),
    [(kind, status) for kind, statuses in STATUSES.items() for status in statuses],
)
def test_every_status_and_verb_have_an_answer(kind: str, status: Word, verb: Verb) -> None:
    """Either what follows, or a refusal with what is possible instead."""
    if is_allowed(kind, status, verb):
        after = next_status(kind, status, verb)
        assert after is None or after in STATUSES[kind]
        return
    text = refusal(kind, 'web', status, verb)
    assert text.startswith(f'{kind} web is {status}')
    assert 'possible: ' in text or 'state: ' in text


def test_refusal() -> None:
    """It has the words of the verbs."""
    assert refusal('server', 'web', Status.SHELVED, Verb.START) == (
        'server web is SHELVED; possible: detach, unshelve, delete'
    )
    assert refusal('volume', 'data', VolumeStatus.UPLOADING, Verb.DELETE) == (
        'volume data is uploading; possible: nothing until that ends'
    )


@pytest.mark.parametrize('kind', TABLES)
def test_every_status_is_reached_and_left(kind: str) -> None:
    """Apart from those that only an operator, a failure or a task brings about."""
    table = TABLES[kind]
    reached = {after for transition in table.values() for after in transition.after.values()}
    brought = {Status.BUILD, Status.SUSPENDED, Status.RESCUE, Status.SHELVED, Status.ERROR}
    brought |= {Status.UNMANAGED, Status.PAUSED}
    under_way = {state.value for transition in table.values() for state in transition.task_states}
    for status in STATUSES[kind]:
        is_task = kind == 'volume' and status.value in under_way
        assert status in reached or status in brought or is_task or status.value == 'reserved'
        assert possible(kind, status) or is_task, f'nothing is possible with {status}'


def test_every_task_state_belongs_to_a_verb() -> None:
    """A task state tells which verb was begun, and the status that follows."""
    states = [
        state
        for table in TABLES.values()
        for transition in table.values()
        for state in transition.task_states
    ]
    assert set(states) == set(TaskState)
    assert status_after(TaskState.SHELVING) == Status.SHELVED_OFFLOADED
    assert status_after(TaskState.RESIZE_FINISH) == Status.VERIFY_RESIZE
    assert status_after(TaskState.POWERING_OFF) == Status.SHUTOFF
    assert status_after(TaskState.CREATING) is None
    assert status_after(None) is None


def test_verbs_of_now_and_later() -> None:
    """The contract has those of now; the modules cannot request those of later."""
    of_servers, of_volumes = {*dir(contract.Servers), *dir(contract.Repairs)}, dir(contract.Volumes)
    of_others = (Verb.ATTACH, Verb.DETACH, Verb.SNAPSHOT, Verb.RESTORE)
    for kind, methods in (('server', of_servers), ('volume', of_volumes)):
        for verb in TABLES[kind]:
            if kind != 'server' or verb not in (*of_others, *ACTIONS):
                assert (verb.value in methods) is (verb not in LATER), verb
    assert not {verb.value for verb in LATER} & set(ARGUMENTS['state']['choices'])


@pytest.mark.parametrize('power', STATUS_OF_POWER)
def test_power(power: str) -> None:
    """A server of this host has the status of its power, and one that is completed too."""
    assert POWER[STATUS_OF_POWER[power]] == power
    server = Server('web').powered(power)
    assert status_of(server, None) == server.status == STATUS_OF_POWER[power]


@pytest.mark.parametrize('task_state', TaskState)
def test_completed(task_state: TaskState) -> None:
    """Power and status agree; nothing is under way."""
    begun = Server('web', Status.ERROR, unfinished=task_state, faults=('altered',), seeded=False)
    completed = begun.completed()
    assert POWER.get(completed.status, completed.power) == completed.power
    assert (completed.task_state, completed.unfinished) == (None, None)
    assert begun.settled_status == completed.status
    assert status_of(begun, None) == Status.ERROR


def test_volumes() -> None:
    """A volume has the word of its task as its status."""
    assert Volume('v').status == 'available'
    assert Volume('v', server='s').status == 'in-use'
    assert Volume('v', task_state=TaskState.EXTENDING).status == 'extending'
    assert Volume('v', unfinished=TaskState.EXTENDING).status == 'error'
    states = [state for transition in TABLES['volume'].values() for state in transition.task_states]
    for state in states:
        assert Volume('v', task_state=state).public()['status'] == state.value


# -- documents -------------------------------------------------------------------------------------


def rows(document: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    text = (ROOT / document).read_text('utf-8').split(f'\n## {heading}\n')[1].split('\n## ')[0]
    lines = [line for line in text.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def verbs_of(kind: str, status: Word) -> str:
    """The verbs that are possible in a status, those of later in italics."""
    found = [
        f'*{verb.infinitive}*' if verb in LATER else verb.infinitive
        for verb in possible(kind, status)
    ]
    return ', '.join(found) or 'nothing'


@pytest.mark.parametrize('status', Status)
def test_documented_server(status: Status) -> None:
    """docs/concepts.md has what is possible and what is billed."""
    (cells,) = [
        cells
        for cells in rows('docs/concepts.md', 'The life cycle')
        if cells[0] == f'`{status}`' and len(cells) == 4
    ]
    assert cells[2:] == [verbs_of('server', status), 'yes' if is_billable(status, None) else 'no']


@pytest.mark.parametrize('status', VolumeStatus)
def test_documented_volume(status: VolumeStatus) -> None:
    """docs/concepts.md has what is possible."""
    found = [cells for cells in rows('docs/concepts.md', 'The life cycle') if len(cells) == 2]
    (cells,) = [cells for cells in found if f'`{status}`' in cells[0]]
    assert cells[1] == verbs_of('volume', status)


def test_korean_words() -> None:
    """README.ko.md has each status of this host, and says of each whether it is billed.

    Its third column says for the status or task state in its second one whether that is billed.
    """
    found = set()
    for _words, ours, billed in rows('README.ko.md', '상태')[2:]:
        if billed not in ('예', '아니요'):
            continue
        for word in re.findall(r'`([\w-]+)`', ours.split('.')[0]):
            if word in set(Status):
                found.add(word)
                assert is_billable(Status(word), None) is (billed == '예'), word
            elif word in set(TaskState):
                found.add(word)
                assert is_billable(Status.ACTIVE, TaskState(word)) is (billed == '예'), word
    assert found >= {'BUILD', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'ERROR', 'UNMANAGED'}
    later = {state.value for verb in LATER & set(SERVER) for state in SERVER[verb].task_states}
    assert found >= {'SHELVED_OFFLOADED', 'VERIFY_RESIZE', *later}


def test_documented_statuses() -> None:
    """RETURN names each status that a server of this host can have."""
    text = (MODULES / 'server.py').read_text('utf-8')
    fields = yaml.safe_load(text.split('RETURN = r"""')[1].split('"""')[0])['server']['contains']
    description = ' '.join(fields['status']['description'])
    for status in ('BUILD', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'ERROR', 'UNMANAGED'):
        assert f'V({status})' in description
