# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles on a real host: check mode, run, second run, changes and removal."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, Play, backup_stores, inventory, keep, pretended_systemd, run

Values = dict[str, Any]
Ran = Callable[..., int]
Refusal = Callable[..., str]


@pytest.fixture
def play(tmp_path: Path) -> Ran:
    """Run one role with variables; return the number of changed tasks.

    The facts of the role are written to a file.
    """

    def ran(role: str, values: Values, *words: str) -> int:
        return Play(
            str(write_play(tmp_path, role)), '-e', f'@{write_values(tmp_path, values)}', *words
        ).changed

    return ran


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """Run one role with variables that it refuses; return its message."""

    def ran(role: str, values: Values, *words: str) -> str:
        refused = Play(
            str(write_play(tmp_path, role)), '-e', f'@{write_values(tmp_path, values)}', *words
        )
        assert refused.code != 0
        return ' '.join(refused.output.split())

    return ran


def host_state() -> dict[str, Any]:
    """The inventory without two things that a role does not influence.

    The kernel takes some seconds to update the state of a bridge; the home directory of root is
    that of the machine, also in a world.
    """
    found = inventory()
    found['files'] = [path for path in found['files'] if not path.startswith('/root/')]
    return {**found, 'routes': [route.replace('linkdown', '').strip() for route in found['routes']]}


def write_play(folder: Path, role: str) -> Path:
    """Write a play that runs one role and saves its facts; return its path."""
    facts = {
        'provision': ['provision_made'],
        'scale': ['scale_members', 'scale_address'],
        'init_script': ['init_script_names'],
        'backup': ['backup_made', 'backup_next_run_at'],
    }[role]
    content = '{{ {' + ', '.join(f"'{fact}': {fact}" for fact in facts) + '} | to_json }}'
    tasks = [
        {
            'ansible.builtin.copy': {'dest': str(folder / 'facts.json'), 'content': content},
            'changed_when': False,
            'check_mode': False,
            'diff': False,
        }
    ]
    one = {
        'hosts': 'localhost',
        'become': True,
        'gather_facts': False,
        'roles': [{'role': f'hanok.cloud.{role}'}],
        'tasks': tasks,
    }
    one['module_defaults'] = {'group/hanok.cloud.all': {'actor': 'tester'}}
    path = folder / 'play.yml'
    path.write_text(yaml.safe_dump([one]), encoding='utf-8')
    return path


def write_values(folder: Path, values: Values) -> Path:
    """Write a file of variables; return its path."""
    path = folder / 'values.json'
    path.write_text(json.dumps(values), encoding='utf-8')
    return path


def facts(folder: Path) -> Values:
    """The facts of the role."""
    found: Values = json.loads((folder / 'facts.json').read_text(encoding='utf-8'))
    return found


def names(kind: str, **labels: str) -> list[str]:
    """The names of the resources of a kind with these labels."""
    return [one['name'] for one in run(f'{kind}_info', labels=labels)[f'{kind}s']]


def environment(tiny: str, folder: Path) -> Values:
    """A resource of every kind, with references; the servers are created stopped."""
    server = {
        'image': 'env',
        'flavor': 'env.small',
        'state': 'stopped',
        'networks': [{'name': 'env'}],
    }
    return {
        'provision_name': 'env',
        'provision_networks': [
            {'name': 'default'},
            {'name': 'env', 'cidr': '10.41.0.0/24', 'labels': {'tier': 'all'}},
        ],
        'provision_flavors': [{'name': 'env.small', 'vcpus': 1, 'memory': 128, 'disk': 1}],
        'provision_keypairs': [{'name': 'env', 'private_key_file': str(folder / 'env.pem')}],
        'provision_init_scripts': [{'name': 'env', 'content': '#!/bin/sh\necho env\n'}],
        'provision_images': [{'name': 'env', 'path': tiny}],
        'provision_security_groups': [
            {'name': 'default', 'rules': [{'preset': 'ssh', 'remote': 'env-web'}]},
            {
                'name': 'env-web',
                'rules': [{'preset': 'http'}, {'preset': 'ssh', 'remote': 'group:env-data'}],
            },
            {'name': 'env-data', 'rules': [{'protocol': 'tcp', 'port': 5432, 'remote': 'env-web'}]},
            {'name': 'env-bare'},
        ],
        'provision_ports': [{'name': 'env', 'network': 'env', 'security_groups': ['env-data']}],
        'provision_servers': [
            {
                'name': 'env-web',
                'count': 2,
                'key_name': 'env',
                'init_script': 'env',
                'security_groups': ['env-web'],
                **server,
            },
            {
                'name': 'env-data',
                'key_names': ['env'],
                **server,
                'networks': [{'port': 'env'}],
                'user_data': '#!/bin/sh\n# a secret of first boot\n',
            },
        ],
        'provision_volumes': [
            {'name': 'env', 'size': 1, 'server': 'env-data', 'state': 'attached'}
        ],
        'provision_floating_ips': [
            {'name': 'env', 'port': 'env', 'state': 'attached'},
            {'name': 'env-lb', 'lb': 'env', 'state': 'attached'},
        ],
        'provision_lbs': [
            {
                'name': 'env',
                'network': 'env',
                'listeners': [{'port': 80}],
                'members': ['env-web-1', 'env-web-2'],
            }
        ],
    }


def test_provision(play: Ran, host: None, tiny: str, tmp_path: Path) -> None:
    """A complete environment: predicted on an empty host, created, idempotent, removed.

    It shrinks only with provision_prune.
    """
    before, values = host_state(), environment(tiny, tmp_path)
    first = Play(
        str(write_play(tmp_path, 'provision')),
        '-e',
        f'@{write_values(tmp_path, values)}',
        '--check',
        '-vv',
    )
    predicted = first.changed
    assert 'env-web' in first.output
    assert 'a secret of first boot' not in first.output
    assert host_state() == before
    assert set(facts(tmp_path)['provision_made']['servers']) == {
        'env-web-1',
        'env-web-2',
        'env-data',
    }
    assert play('provision', values) == predicted
    created = facts(tmp_path)['provision_made']
    assert (
        created['servers']['env-data']['floating_ip'] == created['floating_ips']['env']['address']
    )
    assert created['lbs']['env']['floating_ip'] == created['floating_ips']['env-lb']['address']
    assert created['servers']['env-web-2']['created_by'] == 'tester'
    assert run('network_info', name='env')['networks'][0]['labels'] == {
        'tier': 'all',
        'provision': 'env',
    }
    assert names('network', provision='env') == ['env']
    assert (
        run('init_script_info', name='env')['init_scripts'][0]['content']
        == values['provision_init_scripts'][0]['content']
    )
    assert play('provision', values) == 0

    keep('volume', name='other', size=1)
    # A root volume with the label of the environment is left to its server.
    keep('volume', name='env-data/root', labels={'provision': 'env'})
    emptied = [{**values['provision_lbs'][0], 'members': []}]
    # Only the members of the balancer change: what is not specified is left alone.
    assert play('provision', {'provision_name': 'env', 'provision_lbs': emptied}) == 1
    assert names('server', provision='env') == ['env-data', 'env-web-1', 'env-web-2']
    fewer = {
        **values,
        'provision_volumes': [],
        'provision_floating_ips': values['provision_floating_ips'][:1],
        'provision_lbs': emptied,
    }
    fewer['provision_security_groups'] = values['provision_security_groups'][:3]
    fewer['provision_servers'] = values['provision_servers'][1:]
    predicted = play('provision', {**fewer, 'provision_prune': True}, '--check')
    assert play('provision', {**fewer, 'provision_prune': True}) == predicted == 5
    assert (
        list(facts(tmp_path)['provision_made']['servers'])
        == names('server', provision='env')
        == ['env-data']
    )
    assert names('security_group', provision='env') == ['env-data', 'env-web']
    assert names('volume') == ['env-data/root', 'other']
    keep('volume', name='other', state='absent')

    absent = {**fewer, 'provision_state': 'absent'}
    predicted = play('provision', absent, '--check')
    assert play('provision', absent) == predicted > 10
    assert facts(tmp_path)['provision_made'] == {'servers': {}, 'lbs': {}, 'floating_ips': {}}
    assert host_state() == before
    assert play('provision', absent) == 0


def test_provision_delete_protection(play: Ran, refusal: Refusal, host: None, image: str) -> None:
    """A protected server stops a removal before its first step.

    Resources that others use are kept, and check mode predicts that.
    """
    before = host_state()
    values: Values = {
        'provision_networks': [{'name': 'kept'}],
        'provision_servers': [
            {
                'name': 'kept',
                'image': image,
                'flavor': 'g1.nano',
                'state': 'stopped',
                'delete_protection': True,
                'networks': [{'name': 'kept'}],
            }
        ],
        'provision_lbs': [
            {'name': 'front', 'network': 'kept', 'listeners': [{'port': 80}], 'members': ['kept']}
        ],
    }
    play('provision', values)
    absent = {**values, 'provision_state': 'absent'}
    assert 'server kept is protected' in refusal('provision', absent)
    assert names('lb') == ['front']
    absent['provision_servers'][0]['delete_protection'] = False
    keep('network', name='kept', delete_protection=True)
    assert 'networks kept: protected; set delete_protection: false in' in refusal(
        'provision', absent
    )
    assert names('lb') == ['front']
    absent['provision_networks'][0]['delete_protection'] = False
    keep('port', name='foreign', network='kept')
    message = refusal('provision', absent, '--check')
    assert 'port foreign; delete or change those first' in message
    keep('port', name='foreign', state='absent')
    assert play('provision', absent) == 3
    assert host_state() == before


def write_readme_example(role: str, folder: Path) -> Path:
    """Write the example of a role's README to a file; return its path."""
    (text,) = re.findall(
        r'```yaml\n(.*?)```',
        (ROOT / 'roles' / role / 'README.md').read_text(encoding='utf-8'),
        re.DOTALL,
    )
    path = folder / f'{role}.yml'
    path.write_text(text, encoding='utf-8')
    return path


def test_scale_readme(host: None, tiny: str, soak: bool, tmp_path: Path) -> None:
    """The play of the README: its servers answer at the reported address."""
    if not soak:
        pytest.skip('it takes half a minute of CPU time: make soak runs it')
    before, example = host_state(), str(write_readme_example('scale', tmp_path))
    first = Play(example)
    assert first.changed == 4
    (address,) = re.findall(r'http://([0-9.]+)/ is answered by shop-1, shop-2', first.output)
    answers = subprocess.run(
        ['curl', '-s', '--retry', '10', '--fail', *[f'http://{address}/'] * 4],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert set(answers.stdout.split()) == {'shop-1', 'shop-2'}
    assert Play(example).changed == 0
    assert Play(example, '-e', 'scale_state=absent').changed == 2
    for kind in ('security_group', 'image'):
        keep(kind, name='shop', state='absent')
    assert host_state() == before


def test_scale(play: Ran, refusal: Refusal, host: None, image: str, tmp_path: Path) -> None:
    """One variable updates servers, members and address: up, down, to zero, and absent.

    A refusal removes no member.
    """
    before = host_state()
    server = {'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    values: Values = {
        'scale_name': 'walk',
        'scale_count': 2,
        'scale_server': server,
        'scale_lb': {'listeners': [{'port': 80}], 'labels': {'for': 'tests'}},
    }

    def scaled(count: int, *words: str) -> int:
        return play('scale', {**values, 'scale_count': count}, *words)

    def members() -> tuple[list[str], list[str]]:
        (lb,) = run('lb_info', name='walk', labels={'for': 'tests', 'scale': 'walk'})['lbs']
        servers = run('server_info', name='walk')['servers']
        return [server['name'] for server in servers], lb['members']

    assert scaled(2, '--check') == scaled(2) == 2
    address = facts(tmp_path)['scale_address']
    assert scaled(3, '--check') == scaled(3) == 2
    assert members() == (['walk-1', 'walk-2', 'walk-3'],) * 2
    assert [one['name'] for one in facts(tmp_path)['scale_members']] == members()[0]
    assert scaled(1, '--check') == scaled(1) == 2
    assert members() == (['walk-1'],) * 2
    assert scaled(1) == 0
    keep('server', name='walk-1', delete_protection=True)
    assert 'server walk-1 is protected' in refusal('scale', {**values, 'scale_count': 0})
    assert members() == (['walk-1'],) * 2
    keep('server', name='walk-1', delete_protection=False)
    assert scaled(0) == 2
    assert members() == ([], [])
    assert facts(tmp_path) == {'scale_members': [], 'scale_address': address}
    absent = {**values, 'scale_state': 'absent'}
    assert play('scale', absent, '--check') == play('scale', {**absent, 'scale_count': 1}) == 1
    assert host_state() == before


def test_init_script_catalogue(play: Ran, refusal: Refusal, host: None, tmp_path: Path) -> None:
    """From the list, from files and from a directory, byte by byte.

    Scripts that are no longer there are deleted only with prune, and only those of the role.
    """
    folder = tmp_path / 'scripts'
    folder.mkdir()
    (folder / 'web.sh').write_text(
        '#!/bin/sh\necho {{ this }} is no template\n\n', encoding='utf-8'
    )
    (folder / 'report.py').write_text('#!/usr/bin/python3\n', encoding='utf-8')
    (folder / '.hidden').write_text('', encoding='utf-8')
    (folder / 'deeper').mkdir()
    (tmp_path / 'one.pl').write_text('#!/usr/bin/perl\n', encoding='utf-8')
    keep('init_script', name='other', content='#!/bin/sh\n')
    scripts = [
        {'name': 'inline', 'content': '#!/bin/sh\ntrue\n', 'labels': {'for': 'tests'}},
        {'name': 'one', 'file': 'one.pl', 'description': 'of a file'},
    ]
    values: Values = {
        'init_script_list': scripts,
        'init_script_folder': 'scripts',
        'init_script_catalogue': 'tests',
    }
    assert play('init_script', values, '--check') == 2
    assert names('init_script', catalogue='tests') == []
    assert play('init_script', values) == 2
    assert play('init_script', values) == 0
    assert (
        sorted(facts(tmp_path)['init_script_names'])
        == names('init_script', catalogue='tests')
        == ['inline', 'one', 'report', 'web']
    )
    assert run('init_script_info', name='web')['init_scripts'][0]['content'] == (
        folder / 'web.sh'
    ).read_text(encoding='utf-8')
    assert [
        one['language']
        for one in run('init_script_info', labels={'catalogue': 'tests'})['init_scripts']
    ] == ['shell', 'perl', 'python', 'shell']
    (folder / 'report.py').unlink()
    assert play('init_script', {**values, 'init_script_list': scripts[:1]}) == 0
    assert (
        play('init_script', {**values, 'init_script_list': scripts[:1], 'init_script_prune': True})
        == 1
    )
    assert names('init_script') == ['inline', 'other', 'web']
    assert 'is not a directory' in refusal(
        'init_script', {'init_script_folder': 'nowhere', 'init_script_prune': True}
    )
    assert 'named web' in refusal(
        'init_script', {**values, 'init_script_list': [{'name': 'web', 'content': '#!/bin/sh\n'}]}
    )
    assert play('init_script', {'init_script_prune': True, 'init_script_catalogue': 'tests'}) == 1
    keep('init_script', name='other', state='absent')


@pytest.fixture
def backed_up(host: None, no_guest: str, tmp_path: Path) -> Iterator[None]:
    """A server of the stage live, another one with a long name, a store, and schedules."""
    before, store = host_state(), tmp_path / 'store'
    store.mkdir()
    server = {'image': no_guest, 'flavor': 'g1.nano', 'state': 'stopped'}
    with backup_stores(disk=store), pretended_systemd():
        keep('server', name='shop', labels={'stage': 'live'}, **server)
        keep('server', name=LONG, **server)
        yield
        for name in names('backup'):
            keep('backup', name=name, state='absent', delete_protection=False)
        for name in ('shop', LONG):
            keep('server', name=name, state='absent')
    assert host_state() == before


LONG = f'other-{"o" * 57}'


def test_backup(play: Ran, refusal: Refusal, backed_up: None, tmp_path: Path) -> None:
    """Backups now are an event, and expire; the schedule is declared.

    What is wrong is refused before a backup is made.
    """
    values: Values = {
        'backup_name': 'nightly',
        'backup_servers': [LONG],
        'backup_server_labels': {'stage': 'live'},
        'backup_keep_last': 1,
    }
    schedule = {**values, 'backup_schedule': '02:30', 'backup_mode': 'stop'}
    schedule |= {'backup_include_volumes': True, 'backup_incremental': True}
    assert play('backup', schedule, '--check') == play('backup', schedule) == 1
    assert play('backup', schedule) == 0
    (made,) = run('schedule_info')['schedules']
    assert (made['action'], made['on_calendar'], made['mode']) == ('backup', '02:30', 'stop')
    assert made['include_volumes']
    assert made['incremental']
    assert (made['servers'], made['server_labels']) == ([LONG], {'stage': 'live'})
    assert (made['keep_last'], made['keep_daily']) == (1, None)
    assert facts(tmp_path) == {'backup_made': [], 'backup_next_run_at': made['next_run_at']}

    now = {**values, 'backup_now': True}
    assert play('backup', {**now, 'backup_delete_protection': True}, '--check') == 1
    assert names('backup') == []
    assert play('backup', {**now, 'backup_delete_protection': True}) == 1
    protected = names('backup')
    assert [one['name'] for one in facts(tmp_path)['backup_made']] == protected
    assert [one['server'] for one in facts(tmp_path)['backup_made']] == [LONG, 'shop']
    for _turn in range(2):
        assert play('backup', now) == 1
    latest = [one['name'] for one in facts(tmp_path)['backup_made']]
    assert names('backup') == protected + latest

    there = names('backup')
    keep('schedule', name='evening', action='stop', servers=['shop'], on_calendar='19:00')
    for wrong, message in (
        ({'backup_servers': ['lost', 'shop'], 'backup_now': True}, 'no server is named lost;'),
        ({'backup_server_labels': {'a': 'b'}, 'backup_now': True}, 'no server has them'),
        (schedule, 'has the action stop, not backup; use another'),
        ({'backup_state': 'absent'}, 'has the action stop, not'),
    ):
        assert message in refusal('backup', {**wrong, 'backup_name': 'evening'})
    keep('schedule', name='evening', state='absent')
    assert names('backup') == there
    assert names('schedule') == ['nightly']

    example = str(write_readme_example('backup', tmp_path))
    assert Play(example).changed == 1
    assert Play(example).changed == 0
    assert Play(example, '-e', 'backup_now=true', '-e', 'backup_schedule=').changed == 1
    for name in ('live', 'nightly'):
        absent = {'backup_name': name, 'backup_state': 'absent'}
        assert play('backup', absent, '--check') == play('backup', absent) == 1
    assert play('backup', absent) == 0


BAD = [
    (
        'provision',
        {'provision_servers': [{'name': 'a', 'flavour': 'g1.nano'}]},
        ['provision_servers', 'flavour'],
    ),
    (
        'provision',
        {'provision_servers': [{'name': 'a', 'count': 'many'}]},
        ['provision_servers', 'count', 'many'],
    ),
    (
        'provision',
        {'provision_lbs': [{'name': 'a', 'listeners': [{'prot': 80}]}]},
        ['provision_lbs', 'listeners', 'prot'],
    ),
    (
        'provision',
        {'provision_volumes': [{'name': 'a', 'size': 1}, {'name': 'a', 'size': 2}]},
        ['named more than once', 'provision_volumes: a'],
    ),
    (
        'scale',
        {'scale_name': 'a', 'scale_count': 1, 'scale_server': {'imgae': 'tiny'}},
        ['scale_server', 'imgae'],
    ),
    ('scale', {'scale_name': 'a'}, ['scale_count']),
    (
        'init_script',
        {'init_script_list': [{'name': 'a', 'content': 'x', 'file': 'y'}]},
        ['init_script_list', 'content', 'file'],
    ),
    ('backup', {'backup_servers': ['a']}, ['backup_now, backup_schedule: neither is set']),
    ('backup', {'backup_now': True}, ['backup_servers, backup_server_labels: neither is set']),
    (
        'backup',
        {'backup_servers': ['a'], 'backup_schedule': 'daily'},
        ['backup_name: it is not set'],
    ),
    ('backup', {'backup_state': 'absent'}, ['backup_name: it is not set']),
    (
        'backup',
        {'backup_name': 'a', 'backup_state': 'absent', 'backup_now': True},
        ['backup_now: it requires backup_state: present'],
    ),
    (
        'backup',
        {'backup_servers': ['a'], 'backup_now': True, 'backup_mode': 'suspended'},
        ['backup_mode', 'suspended'],
    ),
]


@pytest.mark.parametrize(('role', 'values', 'words'), BAD)
def test_bad_variables(refusal: Refusal, role: str, values: Values, words: list[str]) -> None:
    """Misspelt options and wrong types are refused by name before any module runs."""
    text = refusal(role, values)
    for word in words:
        assert word in text
