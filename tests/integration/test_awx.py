# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks of the job templates, run by ansible-runner with answers of their surveys.

AWX runs them so. What they do is read from the events of their jobs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from ansible_collections.hanok.cloud.tests import awx_server

from .conftest import (
    OVERCOMMITTED,
    ROOT,
    TREE,
    backup_stores,
    inventory,
    keep,
    keep_packed,
    packed_modules,
    pretended_systemd,
    run,
)

Answers = dict[str, Any]
SERVE = '#!/bin/sh\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n'
GROUP = {
    'server_name': 'shop',
    'server_count': 1,
    'server_image': 'small',
    'server_flavor': 'g1.nano',
    'server_allow': ['ssh', 'http'],
    'server_user_data': SERVE,
    'server_key_name': '',  # as AWX sends a question without an answer
    'server_network': 'shop',
    'server_cidr': '10.61.0.0/24',
}
CONFIGURE = {
    'server_name': 'shop',
    'configure_script': (  # a text area of a browser may end lines so
        '#!/bin/sh\r\necho "shop of $(hostname)" >/var/www/index.html\r\ntouch /root/done\r\n'
    ),
    'configure_creates': '/root/done',
}
BALANCE = {'server_name': 'shop', 'lb_network': 'shop', 'lb_wait_for_healthy': True}
PATTERN = '../extensions/patterns/provision_servers/playbooks/site'
SETTINGS = {'awx_scm_branch': 'stable', 'hanok_hosts': ''}
PATH = f'{Path(sys.executable).parent}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin'
# As the credential of an AWX sets it.
ACCESS = {'CONTROLLER_OAUTH_TOKEN': 'token', 'CONTROLLER_VERIFY_SSL': 'false'}
SCALE = {
    'server_name': 'shop',
    'server_count': 2,
    'server_wait_for': 'init',
    'server_user_data': SERVE,
}


class Job:
    """A run of a playbook: its status and its events."""

    def __init__(
        self, folder: Path, playbook: str, answers: Answers, number: int, words: str
    ) -> None:
        """``number``: of the job. ``words``: of the command line."""
        folder.mkdir()  # of its own: it keeps the words of the command line for later runs
        ran = ansible_runner.run(
            private_data_dir=str(folder),
            ident=str(number),
            project_dir=str(ROOT),
            playbook=f'playbooks/{playbook}.yml',
            inventory={'all': {'hosts': {'localhost': {'ansible_connection': 'local'}}}},
            extravars={**answers, 'awx_user_name': 'kim', 'awx_job_id': number},
            envvars={
                'ANSIBLE_COLLECTIONS_PATH': f'{TREE}:{TREE / "awx"}',
                'ANSIBLE_CONFIG': str(ROOT / 'ansible.cfg'),
                'PATH': PATH,
                **keep_packed(ROOT, packed_modules()),
                **ACCESS,
            },
            cmdline=words,
            quiet=True,
        )
        self.status = ran.status
        self.events = list(ran.events)
        self.output = ran.stdout.read()

    @property
    def changed(self) -> list[str]:
        """The names of the tasks that changed something; asserts that the job succeeded."""
        assert self.status == 'successful', self.output
        return [
            event['event_data']['task']
            for event in self.events
            if event['event'] == 'runner_on_ok' and event['event_data']['res'].get('changed')
        ]

    @property
    def refusal(self) -> str:
        """What the task said that failed."""
        assert self.status == 'failed', self.output
        (failed,) = (event for event in self.events if event['event'] == 'runner_on_failed')
        return str(failed['event_data']['res']['msg'])


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Run a playbook with answers; each run is a job of its own."""
    numbers = iter(range(41, 100))

    def start(playbook: str, answers: Answers, words: str = '') -> Job:
        number = next(numbers)
        return Job(tmp_path / str(number), playbook, answers, number, words)

    return start


@pytest.fixture
def kept(image: str) -> Iterator[None]:
    """Nothing of the group is left."""
    before = inventory()
    yield
    assert inventory() == before


def fetch(address: str) -> str:
    """The page of a web server."""
    words = ['curl', '--silent', '--fail', '--max-time', '10', f'http://{address}/']
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_configure(kept: None, job: Callable[..., Job]) -> None:
    """The job templates, surveys, workflow and schedule are in an AWX, and the choices are real."""
    keep('project', name='blue')  # nothing is in it
    with awx_server.running() as (awx, address):
        assert len(configure(job, address)) == 8
        names = {item['name'] for item in awx.items['job_templates']}
        assert names >= {f'Hanok - {name}' for name in ('provision', 'configure', 'balance')}
        survey = survey_of(awx, 'Hanok - provision')
        assert survey['server_image']['choices'] == ['small']
        assert 'g1.nano' in survey['server_flavor']['choices']
        assert survey['project']['choices'] == ['blue', 'default']
    keep('project', name='blue', state='absent')


def test_refresh(kept: None, job: Callable[..., Job], soak: bool) -> None:
    """A second run changes nothing, and one after a change only the surveys."""
    if not soak:
        pytest.skip('it takes half a minute of CPU time: make soak runs it')
    with awx_server.running() as (awx, address):
        configure(job, address)
        awx.writes.clear()
        assert configure(job, address) == []
        assert awx.writes == []
        keep('network', name='back', cidr='10.62.0.0/24', project='shop')
        assert configure(job, address) == [
            'Create or update job templates',
            'Create or update workflows',
        ]
        survey = survey_of(awx, 'Hanok - provision')
        assert survey['project']['choices'] == ['default', 'shop']
        assert survey['server_network']['choices'] == ['back', 'default']
        keep('network', name='back', project='shop', state='absent')


def test_host(host: None, job: Callable[..., Job], soak: bool) -> None:
    """The first step of the workflow changes nothing on a host that is prepared."""
    if not soak:
        pytest.skip('other tests run the role host: make soak runs it as a job')
    assert job('host', OVERCOMMITTED).changed == []


def configure(job: Callable[..., Job], address: str) -> list[str]:
    """Run the playbook against an AWX; the tasks that changed something."""
    ACCESS['CONTROLLER_HOST'] = address
    return job('awx_configure', SETTINGS).changed


def survey_of(awx: awx_server.State, template: str) -> Answers:
    """The questions of a job template by their variables."""
    (item,) = awx.find('job_templates', {'name': template})
    spec = awx.surveys[item['related']['survey_spec']]['spec']
    return {question['variable']: question for question in spec}


def test_workflow(job: Callable[..., Job], kept: None, tmp_path: Path) -> None:
    """provision, configure, balance, scale, power, backup: each works; again nothing changes."""
    assert job('provision', GROUP).changed == [
        'Create or update the network',
        'Create or update the security group',
        'Create or update the servers',
    ]
    assert job('provision', GROUP).changed == []

    assert job('configure', CONFIGURE).changed == ['Run the script']
    assert job('configure', CONFIGURE).changed == []

    predicted = job('balance', BALANCE, '--check').changed
    balanced = job('balance', BALANCE)
    assert balanced.changed == predicted == ['Create or update the load balancer']
    assert job('balance', BALANCE).changed == []
    (balancer,) = run('lb_info', name='shop')['lbs']
    assert fetch(balancer['floating_ip']) == 'shop of shop-1\n'

    assert job('scale', SCALE).changed == [
        'Create or update the servers',
        'Create or update the load balancer with its members',
    ]
    assert job('scale', SCALE).changed == []
    (balancer,) = run('lb_info', name='shop')['lbs']
    assert balancer['members'] == ['shop-1', 'shop-2']

    assert job('power', {'server_name': 'shop', 'server_action': 'stop'}).changed
    assert {server['status'] for server in run('server_info', name='shop')['servers']} == {
        'SHUTOFF'
    }
    history = run('history_info', name='shop-2', kind='server')['history']
    assert {entry['changed_by'] for entry in history} == {'kim'}
    assert {entry['job'] for entry in history} == {'48', '50'}

    _back_up(job, tmp_path)
    retired = job('provision', {'server_name': 'shop', 'server_state': 'absent'})
    assert len(retired.changed) == 4


def _back_up(job: Callable[..., Job], folder: Path) -> None:
    """Backups of a group now, by a schedule, and no more."""

    def changed(action: str) -> list[str]:
        answers = {'server_name': 'shop', 'backup_action': action, 'backup_store': ''}
        return job('backup', {**answers, 'backup_keep_last': 2}).changed

    with backup_stores(disk=folder), pretended_systemd():
        assert changed('now') == ['Back the servers up']
        made = run('backup_info')['backups']
        assert {one['server'] for one in made} == {'shop-1', 'shop-2'}
        assert {one['created_by'] for one in made} == {'kim'}
        for one in made:
            keep('backup', name=one['name'], state='absent')
        assert changed('schedule') == ['Create or update the schedule']
        assert changed('schedule') == []
        (schedule,) = run('schedule_info')['schedules']
        assert (schedule['on_calendar'], schedule['keep_last']) == ('daily', 2)
        assert changed('unschedule') == ['Delete the schedule']


@pytest.mark.parametrize(
    ('playbook', 'answers', 'refusal'),
    [
        ('provision', {}, 'missing required arguments: server_name'),
        (PATTERN, {}, 'missing required arguments: server_name'),
        (
            'provision',
            {'server_name': 'shop', 'server_count': 'two'},
            "argument 'server_count' is of type str and we were unable to convert to int",
        ),
        (
            'balance',
            {'server_name': 'shop', 'lb_protocol': 'UDP'},
            'value of lb_protocol must be one of: HTTP, TCP, got: UDP',
        ),
        (
            'configure',
            {'server_name': 'none', 'configure_script': 'true'},
            'server_name: no server has the label scale=none; provision the group first',
        ),
    ],
)
def test_refused(
    job: Callable[..., Job], host: None, playbook: str, answers: Answers, refusal: str
) -> None:
    """Answers that are missing or wrong are refused by their names, before anything is touched."""
    assert refusal in job(playbook, answers).refusal
