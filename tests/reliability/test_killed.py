# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Killed anywhere: the next run completes a run that was killed at any step.

Nothing is duplicated, left over or lost.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import threading
import types
import typing
import zipfile
from collections.abc import Callable, Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import libvirt
import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._cloud.contract import Cloud
from ansible_collections.hanok.cloud.plugins.module_utils._model.effect import (
    COMPLETES_INTERRUPTED_RUN,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS
from ansible_collections.hanok.cloud.plugins.module_utils._model.lifecycle import ACTIONS
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import (
    ACTIONS as ACTION_OPTIONS,
)
from ansible_collections.hanok.cloud.tests import oci_archives
from ansible_collections.hanok.cloud.tests.integration.conftest import (
    PLAYBOOK,
    Play,
    backup_stores,
    keep_packed,
    newest_image,
    packed_modules,
)
from ansible_collections.hanok.cloud.tests.integration.test_ground import eventually

from . import figures, killing
from . import host as hosts
from .figures import ROOT
from .host import output_of
from .killing import Point, Runner


class Task(NamedTuple):
    """A task as in a playbook."""

    module: str
    options: dict[str, Any]

    def __str__(self) -> str:
        return f'{self.module}: {self.options}'

    @property
    def action(self) -> str:
        """The action on a server that it requests; empty for tasks of other modules."""
        return self.options['action'] if self.module == 'server_action' else ''

    @property
    def is_event(self) -> bool:
        """Whether each run of it changes something."""
        if self.action:
            return ACTION_OPTIONS[self.action].is_event
        return self.options.get('state') == 'restored'

    @property
    def names(self) -> list[tuple[str, str]]:
        """Kind and name of a server that it renames, before and after."""
        if self.action != 'rename':
            return []
        return [('server', self.options[option]) for option in ('name', 'new_name')]


class Walk(NamedTuple):
    """Tasks that lead back to the initial state.

    A function among ``steps`` is a change by others. ``given``: the resources that exist before.
    """

    name: str
    steps: Sequence[Task | Callable[[Killer], None]]
    prerequisites: Sequence[Task] = ()


def task(module: str, **options: Any) -> Task:
    """Return a task."""
    return Task(module, options)


STATE = Path(hosts.STATE)
SYSTEMD = Path('/run/systemd/system')
SYSTEMCTL = Path('/usr/local/sbin/systemctl')
SCHEDULED = Path('/usr/local/sbin/hanok-schedule.zip')
WANTS = Path('/etc/systemd/system/timers.target.wants')
PUBLIC = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKZDjBBqpX3dI4L1ZYoJWZ3WJxvGk4M3Pz1K1cVQk9f killed'
SCRIPT = '#!/bin/sh\ntrue\n'
SMALL = {'image': 'killed', 'flavor': 'g1.nano'}  # without a guest: tests/idle_machine.py
GUEST = {'image': 'guest', 'flavor': 'g1.nano'}
STOPPED = {**SMALL, 'state': 'stopped'}
CONTAINER = {'image': 'root', 'flavor': 'g1.nano'}
HTTP = [{'port': 80, 'protocol': 'HTTP'}]


def delete_key_file(killer: Killer) -> None:
    """Delete the private key file, which belongs to the user."""
    Path(killer.words['key']).unlink(missing_ok=True)


def delete_image_file(killer: Killer) -> None:
    """Delete the file of an image, which is complete, and all that is there."""
    file = Path(killer.words['file'])
    manifest = Path(f'{file}.manifest.json')
    assert sorted(file.parent.iterdir()) == [file, manifest]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert json.loads(manifest.read_bytes())['checksum'] == f'sha256:{digest}'
    for path in (file, manifest):
        path.unlink()


def undefine(killer: Killer) -> None:
    """Undefine a domain."""
    machine = subprocess.run(
        ['virsh', 'list', '--all', '--name'], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(
        ['virsh', 'undefine', next(name for name in machine if name.endswith('-power'))],
        check=True,
        capture_output=True,
    )


def change_flavor_back(killer: Killer) -> None:
    """Change the flavor of a stopped server."""
    killer.run_successfully(task('server', name='s', flavor='g1.nano'))


def create_container(killer: Killer) -> None:
    """Create a container that is off."""
    killer.run_successfully(task('server', name='d', state='stopped', **CONTAINER))


def pretend_systemd(killer: Killer) -> None:
    """Make it look as if systemd ran here, and what timers run were there."""
    SYSTEMD.mkdir(parents=True, exist_ok=True)
    SYSTEMCTL.write_text('#!/bin/sh\n', 'utf-8')
    SYSTEMCTL.chmod(0o755)
    with zipfile.ZipFile(SCHEDULED, 'w'):
        pass


def stop_pretending(killer: Killer) -> None:
    """Undo it."""
    SYSTEMD.rmdir()
    SYSTEMCTL.unlink()
    SCHEDULED.unlink()


def lose_timer(killer: Killer) -> None:
    """Delete the link that has a timer started."""
    (WANTS / 'hanok-schedule@default:s.timer').unlink()


def fail_to_create(killer: Killer) -> None:
    """Create a server with more vCPUs than QEMU allows."""
    options = {**SMALL, 'flavor': 'large'}
    ran = killer.run(task('server', name='s', **options))
    assert 'Maximum CPUs' in ran.result['msg']


def in_guest(script: str) -> None:
    """Run a script in the guest of the server up, by its agent."""

    def ask(command: str, **arguments: Any) -> Any:
        request = json.dumps({'execute': command, 'arguments': arguments})
        answer = subprocess.run(
            ['virsh', 'qemu-agent-command', name, request],
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(answer.stdout)['return']

    listed = subprocess.run(['virsh', 'list', '--name'], capture_output=True, text=True, check=True)
    name = next(one for one in listed.stdout.split() if one.endswith('-up'))
    started = ask('guest-exec', path='/bin/sh', arg=['-ec', script])
    codes: list[int] = []

    def has_ended() -> bool:
        ended = ask('guest-exec-status', pid=started['pid'])  # it is told once
        codes.append(ended.get('exitcode', -1))
        return bool(ended['exited'])

    eventually(has_ended)
    assert codes[-1] == 0, script


def make_file_system(killer: Killer) -> None:
    """Make a file system on the volume of the server up, with a file."""
    in_guest(
        'until [ -e /dev/vdb ]; do usleep 100000; done; mkfs.ext4 -q -F /dev/vdb; '
        'mount /dev/vdb /mnt; dd if=/dev/urandom of=/mnt/kept bs=1M count=5; '
        'sha256sum /mnt/kept > /tmp/sum'
    )


def check_file_system(killer: Killer) -> None:
    """Compare the file and the size of its file system, and unmount that."""
    in_guest(
        '[ "$(df -m /mnt | tail -n 1 | awk \'{print $2}\')" -gt 1800 ]; sha256sum -c /tmp/sum; '
        'umount /mnt'
    )


def delete_seeds(killer: Killer) -> None:
    """Delete the first-boot disks."""
    for path in STATE.glob('servers/*/seed.iso'):
        path.unlink()


def suspend(killer: Killer) -> None:
    """Suspend a domain."""
    (machine,) = subprocess.run(
        ['virsh', 'list', '--name', '--state-running'], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(['virsh', 'suspend', machine], check=True, capture_output=True)


def check_thawed(killer: Killer) -> None:
    """The guest runs, and none of its file systems is frozen, though the task was killed."""
    (machine,) = subprocess.run(
        ['virsh', 'list', '--name', '--state-running'], capture_output=True, text=True, check=True
    ).stdout.split()
    words = ['virsh', 'qemu-agent-command', machine, '{"execute": "guest-fsfreeze-status"}']

    def is_thawed() -> bool:
        asked = subprocess.run(words, capture_output=True, text=True, check=False)
        return 'thawed' in asked.stdout

    eventually(is_thawed)


def check_resumed(killer: Killer) -> None:
    """The container is not frozen any more, though the task was killed."""
    words = ['virsh', '-c', 'lxc:///system', 'list', '--all', '--name', '--state-paused']
    eventually(lambda: not output_of(*words).strip())


def begin_backup(killer: Killer) -> None:
    """Kill the task that makes a backup while it copies."""
    (server,) = (row['name'] for row in hosts.rows()['server'] if row['name'] in ('s', 'c', 'up'))
    kind = {'up': {'incremental': True}, 's': {'include_volumes': True}}.get(server, {})
    requested = task('backup', name='k', server=server, **kind)
    ran = killer.run_successfully(requested)
    copying = [
        point
        for point in killing.points(ran.steps)
        if point.moment == 'after' and point.step in ('start qemu-img convert', 'start nsenter')
    ]
    killer.run_successfully(*delete_tasks('backup', 'k'))
    assert killer.run(requested, copying[-1]).status == -9


def delete_bridge(killer: Killer) -> None:
    """Delete the bridge of a network."""
    number = next(row['id'] for row in hosts.rows()['network'] if row['name'] == 'default')
    subprocess.run(['ip', 'link', 'delete', f'hk{number}'], check=True)


def stop_balancer(killer: Killer) -> None:
    """Destroy a container."""
    (container,) = subprocess.run(
        ['virsh', '-c', 'lxc:///system', 'list', '--name'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    subprocess.run(
        ['virsh', '-c', 'lxc:///system', 'destroy', container], check=True, capture_output=True
    )


def add_connections(killer: Killer) -> None:
    """Add connections to all servers, by each of their addresses, to the table of the kernel."""
    tables = hosts.rows()
    fixed = {row['id']: row['address'] for row in tables['port'] if row['server_id']}
    ends = [(address, address) for address in fixed.values()]
    ends += [
        (row['address'], fixed[row['port_id']])
        for row in tables['floating_ip']
        if row['port_id'] in fixed
    ]
    for target, address in ends:
        ports = [
            '--sport',
            '1234',
            '--dport',
            '80',
            '--reply-port-src',
            '80',
            '--reply-port-dst',
            '1234',
        ]
        between = [
            '--src',
            hosts.CALLER,
            '--dst',
            target,
            '--reply-src',
            address,
            '--reply-dst',
            hosts.CALLER,
        ]
        words = [
            'conntrack',
            '-I',
            '-p',
            'tcp',
            *between,
            *ports,
            '--state',
            'ESTABLISHED',
            '--status',
            'ASSURED,SEEN_REPLY',
            '--timeout',
            '3600',
        ]
        # It ends with 1 for a connection that exists.
        subprocess.run(words, capture_output=True, check=False)


def delete_connections(killer: Killer) -> None:
    """Delete all connections."""
    subprocess.run(['conntrack', '-F'], check=True, capture_output=True)


def flush_rules(killer: Killer) -> None:
    """Flush the rules, and delete a bridge."""
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)
    subprocess.run(['ip', 'link', 'delete', 'hanok0'], check=True)


def delete_record(killer: Killer) -> None:
    """Delete the record; its export stays."""
    for path in STATE.glob('hanok.db*'):
        path.unlink()


def damage_record(killer: Killer) -> None:
    """Overwrite the record."""
    delete_record(killer)
    (STATE / 'hanok.db').write_bytes(b'garbage' * 1000)


def delete_damaged(killer: Killer) -> None:
    """Delete the damaged record, which is kept beside the new one for inspection."""
    (STATE / 'hanok.db.damaged').unlink()


def act(action: str, name: str = 's', **options: Any) -> Task:
    """Return an action on a server, which need not have booted."""
    if 'force' in ACTION_OPTIONS[action].possible and action != 'reboot_soft':
        options['force'] = True
    return task('server_action', name=name, action=action, **options)


def delete_tasks(module: str, *names: str) -> list[Task]:
    """Tasks that delete resources."""
    return [task(module, name=name, state='absent') for name in names]


WALKS = (
    Walk(
        'keypair registered',
        [
            task('keypair', name='k', public_key=PUBLIC),
            task('keypair', name='k', description='d', labels={'a': 'b'}),
            *delete_tasks('keypair', 'k'),
        ],
    ),
    Walk(
        'keypair generated',
        [
            task('keypair', name='k', private_key_file='{key}'),
            *delete_tasks('keypair', 'k'),
            delete_key_file,
        ],
    ),
    Walk(
        'flavor',
        [
            task('flavor', name='f', vcpus=1, memory=128, disk=1),
            task('flavor', name='f', description='d'),
            *delete_tasks('flavor', 'f'),
        ],
    ),
    Walk(
        'project',
        [
            task('project', name='p', quotas={'servers': 3}),
            task('project', name='p', quotas={'lbs': 1}, description='d'),
            *delete_tasks('project', 'p'),
        ],
    ),
    Walk(
        'limits of a flavor with a server that runs',
        [
            task('flavor', name='f', limits={'disk_iops': 500}),
            task('flavor', name='f', limits={}),
        ],
        prerequisites=[
            task('flavor', name='f', vcpus=1, memory=128, disk=1),
            task('server', name='s', image='killed', flavor='f'),
        ],
    ),
    Walk(
        'init script',
        [
            task('init_script', name='i', content=SCRIPT),
            task('init_script', name='i', content=SCRIPT + 'date\n', labels={'a': 'b'}),
            *delete_tasks('init_script', 'i'),
        ],
    ),
    Walk(
        'image from a path',
        [
            task('image', name='i', path='{tiny}'),
            task('image', name='i', labels={'a': 'b'}, os_admin_user='root'),
            *delete_tasks('image', 'i'),
        ],
    ),
    Walk(
        'image in a file',
        [
            task('image', name='i', path='{tiny}', export_path='{file}'),
            task('image', name='i', labels={'a': 'b'}, export_path='{file}'),
            *delete_tasks('image', 'i'),
            delete_image_file,
        ],
    ),
    Walk(
        'image from a URL',
        [task('image', name='i', url='{url}', checksum='{checksum}'), *delete_tasks('image', 'i')],
    ),
    Walk(
        'image from a server',
        [task('image', name='i', server='source'), *delete_tasks('image', 'i')],
        prerequisites=[task('server', name='source', **STOPPED)],
    ),
    Walk(
        'network',
        [
            task('network', name='n'),
            task('network', name='n', description='d', labels={'a': 'b'}),
            *delete_tasks('network', 'n'),
        ],
    ),
    Walk(
        'security group',
        [
            task('security_group', name='g', rules=[{'preset': 'ssh'}]),
            task(
                'security_group',
                name='g',
                rules=[{'preset': 'http'}, {'protocol': 'any', 'remote': 'g'}],
                labels={'a': 'b'},
            ),
            task('server', name='s', security_groups=['g'], **STOPPED),
            task(
                'security_group',
                name='g',
                rules=[{'preset': 'ssh'}, {'protocol': 'tcp', 'port': '53', 'direction': 'egress'}],
            ),
            task('security_group', name='default', rules=[{'preset': 'all_icmp'}]),
            task('security_group', name='default', rules=[]),
            *delete_tasks('server', 's'),
            task('security_group', name='g', rules=[], labels={}),
            *delete_tasks('security_group', 'g'),
        ],
    ),
    Walk(
        'port',
        [
            task('port', name='p', network='default', security_groups=['default']),
            task('port', name='p', security_groups=['killed'], labels={'a': 'b'}),
            task(
                'server',
                name='s',
                networks=[{'port': 'p'}],
                user_data=SCRIPT,
                key_name='killed',
                **STOPPED,
            ),
            task('port', name='p', security_groups=['default'], labels={}),
            *delete_tasks('server', 's'),
            *delete_tasks('port', 'p'),
        ],
        prerequisites=[task('security_group', name='killed', rules=[{'preset': 'ssh'}])],
    ),
    Walk(
        'group of servers',
        [
            task(
                'server',
                name='s',
                count=2,
                init_script='killed',
                key_name='killed',
                floating_ip='auto',
                **STOPPED,
            ),
            task(
                'server',
                name='s',
                count=3,
                init_script='killed',
                key_name='killed',
                floating_ip='auto',
                **STOPPED,
            ),
            task('server', name='s', count=1, allow_shrink=True),
            task('server', name='s', count=0, allow_shrink=True),
        ],
    ),
    Walk(
        'discs of a server',
        [
            task('image', name='disc', path='{iso}', disk_format='iso'),
            task('image', name='tools', path='{iso}', disk_format='iso'),
            task('server', name='s', hardware={'cdroms': ['disc']}, **SMALL),
            task('server', name='s', hardware={'cdroms': ['tools']}),
            task('server', name='s', state='stopped', force=True),
            task('server', name='s', hardware={'cdroms': []}),
            *delete_tasks('server', 's'),
            *delete_tasks('image', 'tools'),
            *delete_tasks('image', 'disc'),
        ],
    ),
    Walk(
        'container',
        [
            task('image', name='root', path='{root}', disk_format='root-tar'),
            task(
                'server',
                name='c',
                user_data=SCRIPT,
                root_password='killed word',  # noqa: S106 (of a container of the tests)
                volume_size=1,
                floating_ip='auto',
                wait_for='init',
                **CONTAINER,
            ),
            task('server', name='c', flavor='g1.micro', dns_domain='example.com'),
            task('server', name='c', state='stopped', force=True),
            task('server', name='c', volume_size=2),
            task('image', name='copy', server='c'),
            *delete_tasks('image', 'copy'),
            task('server_action', name='c', action='rename', new_name='d'),
            task('server_action', name='d', action='rebuild'),
            *delete_tasks('server', 'd'),
            *delete_tasks('image', 'root'),
        ],
    ),
    Walk(
        'backups and snapshots of a container',
        [
            task('image', name='root', path='{root}', disk_format='root-tar'),
            task('server', name='c', **CONTAINER),
            task('backup', name='b', server='c'),
            check_resumed,
            task('backup', name='d', server='c', mode='stop', force=True),
            begin_backup,
            task('backup', name='k', state='aborted'),
            task('backup', name='b', state='restored', force=True),
            task('image', name='copy', backup='b'),
            *delete_tasks('image', 'copy'),
            *delete_tasks('backup', 'b'),
            task('server_snapshot', server='c', name='a'),
            check_resumed,
            task('server_snapshot', server='c', name='e'),
            task('server_snapshot', server='c', name='a', state='restored'),
            task('server_snapshot', server='c', name='a', state='absent'),
            task('server', name='c', state='absent', delete_snapshots=True),
            *delete_tasks('backup', 'd'),
            *delete_tasks('image', 'root'),
        ],
    ),
    Walk(
        'files with a limit, and their copies',
        [
            task('image', name='root', path='{root}', disk_format='root-tar'),
            task('server', name='c', volume_size=1, state='stopped', **CONTAINER),
            task('backup', name='b', server='c'),
            task('backup', name='b', state='restored'),
            task('server_snapshot', server='c', name='a'),
            task('server_snapshot', server='c', name='a', state='restored'),
            task('server', name='c', state='absent', delete_snapshots=True),
            *delete_tasks('backup', 'b'),
            *delete_tasks('image', 'root'),
        ],
    ),
    Walk(
        'volumes of containers',
        [
            task(
                'volume',
                name='v',
                size=1,
                file_system='ext4',
                volume_type='fast',
                server='d',
                state='attached',
            ),
            task('volume', name='v', size=2),
            task('volume', name='v', server='c', state='attached', allow_restart=True),
            task('volume', name='v', state='detached', allow_restart=True),
            task('volume', name='v', size=3),
            task('volume', name='v', server='d', state='attached', mount_point='/srv'),
            *delete_tasks('server', 'd'),  # which has the volume
            *delete_tasks('volume', 'v'),
            create_container,
        ],
        prerequisites=[
            task('image', name='root', path='{root}', disk_format='root-tar'),
            task('server', name='c', **CONTAINER),
            task('server', name='d', state='stopped', **CONTAINER),
        ],
    ),
    Walk(
        'image of an application',
        [task('image', name='app', path='{oci}', disk_format='oci'), *delete_tasks('image', 'app')],
    ),
    Walk(
        'server updated',
        [
            task(
                'server',
                name='s',
                networks=[{'port': 'p'}, {'name': 'default'}, {'bridge': 'br0'}],
                floating_ip='auto',
                user_data=SCRIPT,
                **STOPPED,
            ),
            task(
                'server',
                name='s',
                labels={'a': 'b'},
                security_groups=['killed'],
                description='d',
                delete_protection=True,
            ),
            task('server', name='s', volume_size=2),
            task('volume', name='s/root', size=3, labels={'a': 'b'}),
            task('server', name='s', flavor='g1.micro', allow_restart=True),
            task(
                'server',
                name='s',
                vcpus=2,
                memory=256,
                hardware={'cores': 2, 'disk_bus': 'scsi', 'firmware': 'efi', 'tpm': True},
                allow_restart=True,
            ),
            add_connections,
            task('server', name='s', floating_ip='none', delete_protection=False),
            task('server', name='s', floating_ip='auto'),
            add_connections,
            task('server', name='s', networks=[{'name': 'default'}], floating_ip='auto'),
            task('server_snapshot', name='before', server='s'),
            task(
                'server',
                name='s',
                user_data=SCRIPT + 'date\n',
                key_name='killed',
                volume_size=1,
                on_drift='recreate',
                delete_snapshots=True,
            ),
            task(
                'server', name='s', networks=[{'bridge': 'br0'}, {'port': 'p'}, {'name': 'default'}]
            ),
            task('server', name='s', networks=[{'bridge': 'br0'}], floating_ip='none'),
            *delete_tasks('server', 's'),
        ],
        prerequisites=[
            task('port', name='p', network='default'),
            task('security_group', name='killed', rules=[{'preset': 'ssh'}]),
        ],
    ),
    Walk(
        'volume',
        [
            task('volume', name='v', size=1),
            task('volume', name='v', size=2, labels={'a': 'b'}, delete_protection=True),
            task('volume', name='v', state='attached', server='one'),
            task('volume', name='v', state='attached', server='two'),
            task('volume', name='v', state='detached', delete_protection=False),
            *delete_tasks('volume', 'v'),
            task('volume', name='w', size=1, state='attached', server='one'),
            task('volume', name='w', state='detached'),
            *delete_tasks('volume', 'w'),
            task('volume', name='i', image='killed', size=2, state='attached', server='one'),
            task('volume', name='c', source_volume='i'),
            *delete_tasks('volume', 'c'),
            task('volume', name='f', size=1, volume_type='fast'),
            task('volume', name='f', size=2),
            task('volume', name='f', volume_type='default', size=3),
            task('volume', name='f', volume_type='fast'),
            *delete_tasks('volume', 'f'),
            task('volume', name='f', size=1),
            task('volume', name='f', volume_type='fast'),
            *delete_tasks('volume', 'f'),
            task('volume', name='f', source_volume='i', volume_type='fast'),
            *delete_tasks('volume', 'f'),
            task('volume_snapshot', volume='i', name='a'),
            task('volume_snapshot', volume='i', name='a', description='d', labels={'a': 'b'}),
            task('volume', name='i', size=3),
            task('volume_snapshot', volume='i', name='a', state='restored'),
            task('volume', name='c', snapshot='i/a'),
            task('image', name='k', volume='c'),
            *delete_tasks('image', 'k'),
            task('image', name='k', snapshot='i/a'),
            *delete_tasks('image', 'k'),
            task('volume_snapshot', volume='i', name='a', state='absent'),
            *delete_tasks('volume', 'c'),
            task('volume', name='i', state='detached'),
            *delete_tasks('volume', 'i'),
        ],
        prerequisites=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'volume of several servers',
        [
            task('volume', name='v', size=1, state='attached', server='one'),
            task('volume', name='v', state='attached', servers=['one', 'two'], read_only=True),
            task('volume', name='v', labels={'a': 'b'}),
            task('volume', name='v', state='detached', server='one'),
            task('server', name='s', **STOPPED),
            task('volume', name='v', state='attached', servers=['s', 'two'], read_only=True),
            *delete_tasks('server', 's'),
            task('volume', name='v', state='attached', server='one', read_only=False),
            task('volume', name='v', state='attached', server='one', read_only=True),
            task('volume', name='v', state='detached'),
            *delete_tasks('volume', 'v'),
        ],
        prerequisites=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'snapshots',
        [
            task('volume', name='v', size=1, state='attached', server='one'),
            task('server_snapshot', server='one', name='a'),
            task('server_snapshot', server='one', name='a', description='d', labels={'a': 'b'}),
            task('volume', name='v', size=2),
            task('server_snapshot', server='one', name='b'),
            task('server_snapshot', server='one', name='a', state='restored'),
            task('server_snapshot', server='one', name='c'),
            task('server_snapshot', server='one', name='a', state='absent'),
            task('server_snapshot', server='one', name='b', state='restored'),
            *(task('server_snapshot', server='one', name=name, state='absent') for name in 'bc'),
            task('volume', name='v', state='detached'),
            task('server', name='s', **STOPPED),
            task('volume', name='v', state='attached', server='s'),
            task('server_snapshot', server='s', name='a'),
            task('server', name='s', state='absent', delete_snapshots=True),
            *delete_tasks('volume', 'v'),
        ],
        prerequisites=[task('server', name='one', **STOPPED)],
    ),
    Walk(
        'backups',
        [
            task('server', name='s', **STOPPED),
            task('volume', name='v', size=1, state='attached', server='s'),
            task('backup', name='b', server='s', include_volumes=True),
            task('backup', name='b', description='d', labels={'a': 'b'}, delete_protection=True),
            task('backup', name='c', server='s', mode='stop'),
            begin_backup,
            task('backup', name='k', state='aborted'),
            task('backup', name='b', state='restored', delete_protection=False),
            task('volume', name='w', backup='b/v'),
            *delete_tasks('volume', 'w'),
            *delete_tasks('backup', 'b'),
            *delete_tasks('server', 's'),
            *delete_tasks('volume', 'v'),
            *delete_tasks('backup', 'c'),
        ],
    ),
    Walk(
        'schedules',
        [
            pretend_systemd,
            task('schedule', name='s', action='stop', servers=['a'], on_calendar='weekly'),
            task('schedule', name='s', on_calendar='monthly', labels={'a': 'b'}),
            lose_timer,
            task('schedule', name='s'),
            *delete_tasks('schedule', 's'),
            stop_pretending,
        ],
    ),
    Walk(
        'floating IP',
        [
            task('floating_ip', name='f'),
            task('floating_ip', name='f', state='attached', server='one'),
            add_connections,
            task('floating_ip', name='f', state='attached', server='two', description='d'),
            add_connections,
            task('floating_ip', name='f', state='detached'),
            *delete_tasks('floating_ip', 'f'),
            delete_connections,
        ],
        prerequisites=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'balancer',
        [
            task(
                'lb',
                name='l',
                listeners=HTTP,
                members=['one'],
                health_check={'port': 80},
                floating_ip='auto',
            ),
            task(
                'lb',
                name='l',
                members=['one', 'two'],
                algorithm='SOURCE_IP',
                labels={'a': 'b'},
                floating_ip='none',
            ),
            *delete_tasks('lb', 'l'),
        ],
        prerequisites=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'balancer that is down',
        [
            task('lb', name='l', listeners=HTTP, members=['one']),
            stop_balancer,
            task('lb', name='l'),
            task('floating_ip', name='f', lb='l', state='attached'),
            task('floating_ip', name='f', port='p', state='attached'),
            *delete_tasks('floating_ip', 'f'),
            *delete_tasks('lb', 'l'),
        ],
        prerequisites=[task('server', name='one', **STOPPED), task('port', name='p')],
    ),
    Walk(
        'server with its resources',
        [
            task('server', name='s', floating_ip='auto', networks=[{'port': 'p'}], **STOPPED),
            task('volume', name='v', size=1, state='attached', server='s'),
            task('lb', name='l', listeners=HTTP, members=['s']),
            add_connections,
            *delete_tasks('server', 's'),
            *delete_tasks('lb', 'l'),
            *delete_tasks('volume', 'v'),
        ],
        prerequisites=[task('port', name='p')],
    ),
    Walk(
        'running group',
        [
            task('server', name='g', count=2, floating_ip='auto', **SMALL),
            *delete_tasks('server', 'g'),
        ],
    ),
    Walk(
        'server that could not be created',
        [
            fail_to_create,
            task('lb', name='l', listeners=HTTP, members=['s']),
            task('server', name='s', **STOPPED),
            *delete_tasks('lb', 'l'),
            *delete_tasks('server', 's'),
        ],
        prerequisites=[task('flavor', name='large', vcpus=256, memory=128, disk=2)],
    ),
    Walk(
        'paused',
        [
            task('server', name='p', **SMALL),
            suspend,
            task('server', name='p', state='started'),
            *delete_tasks('server', 'p'),
        ],
    ),
    Walk(
        'actions that keep a server running',
        [
            *(act('pause'), act('unpause')),
            *(act('shelve'), act('unshelve')),
            *(act('reboot_hard'), act('rebuild')),
            *(act('rescue'), act('unrescue')),
        ],
        prerequisites=[task('server', name='s', init_script='killed', **SMALL)],
    ),
    Walk(
        'server resized',
        [
            *(act('resize', flavor='g1.micro'), act('revert_resize')),
            *(act('resize', flavor='g1.micro'), act('confirm_resize')),
            change_flavor_back,
        ],
        prerequisites=[task('server', name='s', **STOPPED)],
    ),
    Walk(
        'server renamed',
        [act('rename', new_name='t'), act('rename', 't', new_name='s')],
        prerequisites=[
            task('server', name='s', **STOPPED),
            task('lb', name='l', listeners=HTTP, members=['s']),
        ],
    ),
    Walk(
        'bridge deleted',
        [delete_bridge, task('network', name='default')],
        prerequisites=[task('server', name='one', **STOPPED)],
    ),
    Walk(
        'rules flushed',
        [flush_rules, task('server', name='one')],
        prerequisites=[task('server', name='one', floating_ip='auto', **STOPPED)],
    ),
    Walk(
        'first-boot disk lost',
        [delete_seeds, task('server', name='one', repair=True, user_data=SCRIPT)],
        prerequisites=[task('server', name='one', user_data=SCRIPT, **STOPPED)],
    ),
    Walk(
        'record lost',
        [delete_record, task('recover')],
        prerequisites=[task('server', name='one', floating_ip='auto', **STOPPED)],
    ),
    Walk(
        'record damaged',
        [damage_record, task('recover'), delete_damaged],
        prerequisites=[task('server', name='one', **STOPPED)],
    ),
    Walk(
        'power',
        [
            task('server', name='power', floating_ip='auto', **SMALL),
            task('server', name='power', state='stopped', force=True),
            task('server', name='power', state='started'),
            undefine,
            task('server', name='power', repair=True),
            task('server', name='power', state='stopped', force=True),
            undefine,
            task('server', name='power', repair=True),
            *delete_tasks('server', 'power'),
        ],
    ),
    Walk(
        'guest shut down',
        [
            task('server', name='power', **SMALL),
            task('volume', name='power/root', size=2),
            task('server', name='power', volume_size=3),
            task('server', name='power', state='stopped'),
            task('server', name='power', state='started'),
            act('reboot_soft', 'power'),
            task('server', name='power', flavor='g1.micro', allow_restart=True),
            *delete_tasks('server', 'power'),
        ],
    ),
    Walk(
        'volume of a running server',
        [
            task('volume', name='v', size=1),
            task('volume', name='v', state='attached', server='up'),
            task('volume', name='v', size=2),
            task('volume', name='v', volume_type='fast', size=3),
            task('volume_snapshot', volume='v', name='a'),
            task('volume_snapshot', volume='v', name='a', state='absent'),
            task('volume', name='v', volume_type='default'),
            task('volume', name='v', state='detached', force=True),
            *delete_tasks('volume', 'v'),
        ],
        prerequisites=[task('server', name='up', key_name='killed', **SMALL)],
    ),
    Walk(
        'a running server changes',
        [
            task(
                'server',
                name='up',
                networks=[{'name': 'default'}, {'name': 'side'}, {'bridge': 'br0'}],
            ),
            task('server', name='up', networks=[{'name': 'default'}]),
            task('server', name='up', flavor='room.2'),
            task('server', name='up', flavor='room.1'),
        ],
        prerequisites=[
            task('network', name='side'),
            *(
                task('flavor', name=name, vcpus=1, memory=memory, disk=1, max_memory=256)
                for name, memory in (('room.1', 128), ('room.2', 256))
            ),
            task('server', name='up', **{**SMALL, 'flavor': 'room.1'}),
        ],
    ),
    Walk(
        'copies of a running server, and growth in its guest',
        [
            task('volume', name='v', size=1, state='attached', server='up'),
            make_file_system,
            task('volume', name='v', size=2, grow=True),
            check_file_system,
            task('server_snapshot', server='up', name='disks'),
            check_thawed,
            task('server_snapshot', server='up', name='memory', memory=True),
            check_thawed,
            task('server_snapshot', server='up', name='memory', state='restored'),
            check_thawed,
            task('server_snapshot', server='up', name='disks', state='absent'),
            task('server_snapshot', server='up', name='memory', state='absent'),
            task('volume_snapshot', volume='v', name='a'),
            check_thawed,
            task('volume_snapshot', volume='v', name='a', state='absent'),
            task('backup', name='b', server='up', include_volumes=True, incremental=True),
            check_thawed,
            task('backup', name='c', server='up', include_volumes=True, incremental=True),
            check_thawed,
            begin_backup,
            task('backup', name='k', state='aborted'),
            *delete_tasks('backup', 'c'),
            *delete_tasks('backup', 'b'),
            task('image', name='live', server='up'),
            check_thawed,
            *delete_tasks('image', 'live'),
            task('volume', name='v', state='detached', force=True),
            *delete_tasks('volume', 'v'),
        ],
        prerequisites=[task('server', name='up', key_name='killed', wait_for='init', **GUEST)],
    ),
    Walk(
        'a running server is off for copies',
        [
            task('server', name='up', key_name='killed', **SMALL),
            task('server_snapshot', server='up', name='disks'),
            task('server_snapshot', server='up', name='disks', state='restored'),
            task('server_snapshot', server='up', name='disks', state='absent'),
            task('backup', name='b', server='up', mode='stop'),
            task('backup', name='b', state='restored', force=True),
            *delete_tasks('server', 'up'),
            *delete_tasks('backup', 'b'),
        ],
    ),
)


class Killer:
    """Runs walks, and compares what they leave."""

    def __init__(self, runner: Runner, words: dict[str, str]) -> None:
        """``words``: the values of placeholders in options."""
        self.runner, self.words = runner, words
        self.connections = [
            libvirt.openReadOnly(uri) for uri in ('qemu:///system', 'lxc:///system')
        ]
        self.turn = self.points = 0
        self.walked: set[str] = set()
        self.verbs: set[tuple[str, str]] = set()
        self.planned: dict[int, list[str]] = {}  # what the tasks of the walk change

    def observe(self) -> dict[str, list[str]]:
        """Observe the host."""
        return hosts.observe(self.connections, os.path.dirname(self.words['key']))

    def run(
        self, requested: Task, kill: Point | None = None, check: bool = False
    ) -> killing.ModuleRun:
        """Run a task."""
        options = dict(requested.options)
        for key, value in options.items():
            if isinstance(value, str) and value.startswith('{'):
                options[key] = value.format(**self.words)
        return self.runner.run(requested.module, options, kill, check)

    def run_successfully(self, requested: Task) -> killing.ModuleRun:
        """Run a task that must succeed."""
        ran = self.run(requested)
        assert ran.status == 0, f'{requested}: {ran.result.get("msg") or ran.text}'
        assert not ran.result.get('failed'), ran.result
        return ran

    def run_walk(
        self, walk: Walk
    ) -> tuple[dict[int, list[Point]], dict[int, dict[str, list[str]]]]:
        """Run a walk without a kill; return the points of each task, and the host after each."""
        points, after = {}, {}
        for number, step in enumerate(walk.steps):
            if isinstance(step, Task):
                ran = self.run_successfully(step)
                points[number], after[number] = killing.points(ran.steps), self.observe()
                assert after[number]['export'] == []
                self.planned[number] = changed(ran)
                self.verbs |= {
                    (entry['what'].split()[0], entry['what'].rpartition(': ')[2])
                    for entry in ran.result['steps']
                }
            else:
                step(self)
        return points, after

    def kill_and_rerun(
        self, requested: Task, point: Point, after: dict[str, list[str]], planned: list[str]
    ) -> list[str]:
        """Kill a task and run it again; return what is wrong then."""
        is_kept = requested.module != 'recover'  # there is no record before
        before = hosts.history() if is_kept else []
        killed = self.run(requested, point)
        if killed.status == 0 and point.step == killing.RACED:
            return hosts.differences(after, self.observe())
        if killed.status != -9:
            return [f'the point was not reached; the steps were {killed.steps}']
        begun = hosts.history()[len(before) :] if is_kept else []
        problems: list[str] = []
        done: list[str] = []
        for next_task in self.next_tasks(requested):
            predicted = self.run(next_task, check=True) if requested.action else None
            next_run = self.run(next_task)
            if next_run.status or next_run.result.get('failed'):
                return [f'the next run failed: {next_run.result.get("msg") or next_run.text}']
            if predicted and changed(predicted) != changed(next_run):
                problems.append(f'predicted was {changed(predicted)}, done {changed(next_run)}')
            done = sorted([*done, *changed(next_run)])
        completed = hosts.history()[len(before) + len(begun) :]
        third_run = self.run(requested) if not requested.is_event else next_run
        if is_kept:
            last = {(row['kind'], row['name']): row['result'] for row in before}
            failed = {item for item, result in last.items() if result != 'ok'}
            renamed = requested.names if begun else []
            problems += history_problems({*failed, *renamed}, begun, completed, done, planned)
        if (third_run.result.get('changed') and not requested.is_event) or third_run.status:
            problems.append(f'the run after the next changed: {third_run.result.get("msg")}')
        problems += [f'{name} still runs' for name in killing.running_processes(killed.group)]
        return problems + hosts.differences(after, self.observe())

    def next_tasks(self, requested: Task) -> list[Task]:
        """What completes a killed task: the same; or an action, the module server before that."""
        if not requested.action or self.turn % 2:
            return [requested]
        existing = {row['name'] for row in hosts.rows()['server']}
        names = {requested.options[key] for key in ('name', 'new_name') if key in requested.options}
        servers = [task('server', name=name) for name in sorted(names & existing)]
        forced = [one._replace(options={**one.options, 'force': True}) for one in servers]
        return [*(forced if 'force' in requested.options else servers), requested]

    def clean(self, walk: Walk) -> None:
        """Delete what a failed walk may have created."""
        given = {(step.module, step.options['name']) for step in walk.prerequisites}
        for step in reversed(walk.steps):
            if not isinstance(step, Task) or step.action:
                continue
            if (step.module, step.options.get('name')) in given:
                continue
            if step.options.get('name', 'default') != 'default':
                options: dict[str, Any] = {'name': step.options['name']}
                if step.module == 'volume':
                    self.run(task('volume', **options, state='detached', force=True))
                if step.module == 'server_snapshot':
                    options['server'] = step.options['server']
                if 'count' in step.options:
                    options.update(count=0, allow_shrink=True)
                else:
                    options['state'] = 'absent'
                    if step.module == 'server':
                        options.update(delete_protection=False, delete_snapshots=True)
                self.run(Task(step.module, options))
        delete_key_file(self)


def changed(ran: killing.ModuleRun) -> list[str]:
    """What a run has changed, as its steps name it."""
    steps = [step['what'] for step in ran.result['steps']]
    return sorted(step for step in steps if not step.startswith('waited for'))


def history_problems(
    failed: set[tuple[str, str]],
    begun: list[dict[str, Any]],
    completed: list[dict[str, Any]],
    done: list[str],
    planned: list[str],
) -> list[str]:
    """What is wrong in the history after a kill (``begun``) and the next run (``completed``).

    What the killed run has not ended is unfinished, and so is what failed before (``failed``); what
    it has not even begun, the next run does.
    """
    problems = []
    if sorted(f'{row["kind"]} {row["name"]}: {row["verb"]}' for row in completed) != done:
        problems.append(f'the next run did {done}, and its history is {completed}')
    problems += [f'{row} did not end well' for row in completed if row['result'] != 'ok']
    problems += [f'{row} failed' for row in begun if row['result'] not in (None, 'ok')]
    if not begun and done != planned:
        problems.append(f'no history, but of {planned} only {done} remained to be done')
    unfinished = {(row['kind'], row['name']) for row in begun if row['result'] is None}
    unfinished |= failed
    problems += [
        f'the history has nothing unfinished that {row} could complete'
        for row in completed
        if COMPLETES_INTERRUPTED_RUN in row['why'] and (row['kind'], row['name']) not in unfinished
    ]
    return problems


@pytest.fixture(scope='module')
def killer(
    bridge: None, fast: None, tiny: str, idle: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Killer]:
    """A killer on a host where a resource of each kind existed, so that its directories exist."""
    runner = Runner()
    (STATE / 'backups').mkdir(0o700)
    WANTS.mkdir(parents=True, exist_ok=True)
    with (
        backup_stores(disk=STATE / 'backups'),
        ThreadingHTTPServer(
            ('127.0.0.1', 0),
            functools.partial(SimpleHTTPRequestHandler, directory=os.path.dirname(tiny)),
        ) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/{os.path.basename(tiny)}'
        checksum = 'sha256:' + hashlib.sha256(Path(tiny).read_bytes()).hexdigest()
        iso = tmp_path_factory.mktemp('discs') / 'disc.iso'
        iso.write_bytes(bytes(0x8001) + b'CD001' + bytes(2042))
        app = iso.with_name('app.tar')
        oci_archives.write(app, [oci_archives.layer(('./app', 'file', ''))], {'Cmd': ['/app']})
        found = Killer(
            runner,
            {
                'tiny': tiny,
                'idle': idle,
                'iso': str(iso),
                'oci': str(app),
                'root': newest_image('tiny', 'tar'),
                'url': url,
                'checksum': checksum,
                'key': str(tmp_path_factory.mktemp('keys') / 'killed.pem'),
                'file': str(tmp_path_factory.mktemp('files') / 'image.qcow2'),
            },
        )
        made = [
            task('image', name='killed', path='{idle}'),
            task('image', name='guest', path='{tiny}'),
            task('keypair', name='killed', public_key=PUBLIC),
            task('init_script', name='killed', content=SCRIPT),
            task('server', name='first', **STOPPED),
            task('volume', name='first', size=1, volume_type='fast'),
            task('volume', name='first', volume_type='default'),
            task('lb', name='balancer', listeners=HTTP, members=['first']),
        ]
        for step in made:
            found.run_successfully(step)
        for step in [
            *delete_tasks('lb', 'balancer'),
            *delete_tasks('volume', 'first'),
            *delete_tasks('server', 'first'),
        ]:
            found.run_successfully(step)
        yield found
        for step in reversed(made[:4]):
            found.run_successfully(*delete_tasks(step.module, step.options['name']))
        server.shutdown()
    (STATE / 'backups').rmdir()
    runner.close()


@pytest.fixture(params=WALKS, ids=lambda walk: walk.name)
def walk(request: pytest.FixtureRequest, killer: Killer) -> Iterator[Walk]:
    """Each walk, with the resources that it needs."""
    for step in request.param.prerequisites:
        killer.run_successfully(step)
    yield request.param
    for step in reversed(request.param.prerequisites):
        killer.run_successfully(*delete_tasks(step.module, step.options['name']))


def test_killed_anywhere(walk: Walk, killer: Killer, soak: bool) -> None:
    """A walk is run without a kill, then with a kill in each of its tasks."""
    before = killer.observe()
    points, after = killer.run_walk(walk)
    assert not hosts.differences(before, killer.observe()), (
        'without a kill, the walk did not lead back'
    )
    killer.walked.add(walk.name)
    problems: list[str] = []
    turns = max(map(len, points.values())) if soak else 1
    for turn in range(turns):
        found = run_with_kills(walk, killer, turn if soak else None, points, after)
        problems += found
        if found:
            killer.clean(walk)
            remains = hosts.differences(before, killer.observe())
            if remains:
                pytest.fail(
                    '\n'.join([*problems, 'and what it left over could not be deleted:', *remains]),
                    pytrace=False,
                )
    if problems:
        pytest.fail('\n'.join(problems), pytrace=False)


def run_with_kills(
    walk: Walk,
    killer: Killer,
    turn: int | None,
    points: dict[int, list[Point]],
    after: dict[int, dict[str, list[str]]],
) -> list[str]:
    """Run a walk with a kill in each task, up to the first problem; return the problems."""
    for number, step in enumerate(walk.steps):
        if not isinstance(step, Task):
            step(killer)
            continue
        some = points[number]
        if turn is not None and turn >= len(some):
            killer.run_successfully(step)
            continue
        killer.turn += 1
        point = killing.sample(some, killer.turn) if turn is None else some[turn]
        found = killer.kill_and_rerun(step, point, after[number], killer.planned[number])
        killer.points += 1
        figures.add('Killed anywhere', points=1)
        if found:
            return [f'{step}, killed {point}:', *('    ' + problem for problem in found)]
    return []


def _protocol(kind: typing.Any) -> typing.Any:
    """The protocol of a resource, which a cloud may lack."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = typing.get_args(kind)[0]
    return typing.get_origin(kind) or kind


def test_every_method_was_killed(killer: Killer) -> None:
    """Each method of each resource of a cloud, in a module of each kind, at 60 points and more."""
    if killer.walked != {walk.name for walk in WALKS}:
        pytest.skip('some walks were left out')
    clouds = {
        name: typing.get_type_hints(found.fget)['return']
        for name, found in vars(Cloud).items()
        if isinstance(found, property)
    }
    kinds = {kind.plural: kind.name for kind in KINDS.values()}
    resources = {kinds[name]: _protocol(kind) for name, kind in clouds.items() if name in kinds}
    verbs = {
        (kind, verb)
        for kind, one in resources.items()
        for verb in dir(one)
        if 'changes' in getattr(getattr(one, verb), '__annotations__', {})
    }
    verbs -= {('server', 'act')}
    verbs |= {('server', str(verb)) for verb in ACTIONS}
    verbs |= {('server', 'repair'), ('firewall', 'load')}  # of clouds that can
    assert len(verbs) > 40
    assert verbs - killer.verbs == set()
    modules = {
        path.stem
        for path in (ROOT / 'plugins' / 'modules').glob('*.py')
        if not path.stem.endswith(('_info', '_log', '__init__'))  # which change nothing
    }
    assert {
        step.module for walk in WALKS for step in walk.steps if isinstance(step, Task)
    } == modules
    assert killer.points >= 60


def test_killed_while_the_record_is_created(killer: Killer, tmp_path: Path) -> None:
    """The first task on a host creates the record: killed at any step, it is completed."""
    requested = task('keypair', name='k', public_key=PUBLIC)
    state = tmp_path / 'state'

    def run(kill: Point | None = None) -> killing.ModuleRun:
        return killer.runner.run(requested.module, requested.options, kill, HANOK_STATE=str(state))

    def remains() -> tuple[list[str], list[str], list[str]]:
        tables = hosts.rows(str(state))
        files = sorted(
            path.name for path in state.rglob('*') if not path.name.endswith(('-wal', '-shm'))
        )
        return (
            files,
            hosts.comparable_rows(tables, hosts.Names(tables)),
            hosts.export(tables, str(state)),
        )

    points, expected = killing.points(run().steps), remains()
    assert expected[1]
    for point in points:
        shutil.rmtree(state)
        assert run(point).status == -9, point
        assert run().status == 0, point
        assert not run().result['changed'], point
        assert remains() == expected, point
        figures.add('Killed anywhere', points=1)


def test_killed_teardown(killer: Killer, soak: bool, tmp_path: Path) -> None:
    """The controller is killed while its module continues; the next run deletes the rest."""
    playbook = ROOT / 'playbooks' / 'teardown.yml'
    names = [
        found['name'] for found in yaml.safe_load(playbook.read_text(encoding='utf-8'))[0]['tasks']
    ]
    before = killer.observe()
    variables = f'getting_started_key_file={tmp_path / "key"}'
    made = [
        task('image', name='tiny', path='{tiny}'),
        task('image', name='web', path='{tiny}'),
        task('keypair', name='getting-started', private_key_file=str(tmp_path / 'key')),
        task(
            'server',
            name='hello',
            image='tiny',
            flavor='g1.nano',
            state='stopped',
            key_name='getting-started',
        ),
        task(
            'server',
            name='hello-again',
            image='tiny',
            flavor='g1.nano',
            state='stopped',
            floating_ip='auto',
        ),
        task(
            'server',
            name='web',
            count=2,
            image='web',
            flavor='g1.nano',
            state='stopped',
            floating_ip='auto',
        ),
        task('volume', name='data', size=1, server='hello', state='attached'),
        task('floating_ip', name='hello', server='hello', state='attached'),
        task('lb', name='web', listeners=HTTP, members=['web-1', 'web-2'], floating_ip='auto'),
        task('security_group', name='default', rules=[{'preset': 'ssh'}]),
    ]
    for name in names if soak else names[1:2]:
        for step in made:
            killer.run_successfully(step)
        with subprocess.Popen(
            [*PLAYBOOK, str(playbook), '--extra-vars', variables],
            cwd=ROOT,
            env={**os.environ, **keep_packed(ROOT, packed_modules())},
            stdout=subprocess.PIPE,
            text=True,
        ) as play:
            assert play.stdout is not None
            assert any(f'TASK [{name}]' in line for line in play.stdout), name
            play.kill()
        assert Play(str(playbook), '--extra-vars', variables).code == 0, name
        assert Play(str(playbook), '--extra-vars', variables).changed == 0, name
        assert not hosts.differences(before, killer.observe()), name
        figures.add('Killed anywhere', points=1)
