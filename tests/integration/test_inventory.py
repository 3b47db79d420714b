# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of servers, by the programs of Ansible: of this host, and of another over ssh."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.inventory import servers as plugin
from ansible_collections.hanok.cloud.tests.tools.examples import fences

from .conftest import ROOT, keep, keep_packed, packed_modules, run

STOPPED = {'image': 'small', 'flavor': 'g1.nano', 'state': 'stopped'}
EVIL = "{{ lookup('ansible.builtin.pipe', 'touch /run/evil') }}"
DEBS = Path('/var/cache/hanok/sshd')


class Ran(NamedTuple):
    """What a program of Ansible printed."""

    code: int
    output: str
    warnings: str

    @property
    def groups(self) -> dict[str, Any]:
        """What ansible-inventory --list printed; it marks text that is no template."""
        assert self.code == 0, self.warnings
        found: dict[str, Any] = json.loads(
            self.output, object_hook=lambda item: item.get('__ansible_unsafe', item)
        )
        return found

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The variables of hosts by name."""
        found: dict[str, dict[str, Any]] = self.groups['_meta']['hostvars']
        return found


def ansible(program: str, *words: str, **environment: str) -> Ran:
    """Run a program of Ansible."""
    settings = {
        'COLUMNS': '10000',
        'ANSIBLE_HOST_KEY_CHECKING': 'false',
        'ANSIBLE_SSH_CONTROL_PATH_DIR': '/run/ansible-cp',  # of the world
        **keep_packed(ROOT, packed_modules()),
        **environment,
    }
    ran = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *words],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    return Ran(ran.returncode, ran.stdout, ' '.join(ran.stderr.split()))


List = Callable[..., Ran]


@pytest.fixture
def listed(tmp_path: Path) -> List:
    """List an inventory with these options, after other sources; settings are in capitals."""

    def ran(*before: str, **options: Any) -> Ran:
        source = tmp_path / 'try.hanok.yml'
        settings = {name: options.pop(name) for name in [*options] if name.isupper()}
        source.write_text(yaml.safe_dump({'plugin': 'hanok.cloud.servers', **options}), 'utf-8')
        words = [word for path in (*before, str(source)) for word in ('-i', path)]
        return ansible('ansible-inventory', *words, '--list', **settings)

    return ran


@pytest.fixture(scope='module', autouse=True)
def cloud(image: str, tiny: str, key: str) -> Iterator[None]:
    """Servers of two projects, of which one runs, and two are called alike."""
    shop = {'project': 'shop'}
    keep('image', name=image, os_admin_user='root')
    keep('security_group', name='in', rules=[{'preset': 'ssh'}])
    running = {**STOPPED, 'key_name': 'test', 'security_groups': ['in'], 'state': 'started'}
    keep('server', name='live', wait_for='ssh', **running)
    labels = {'tier': 'web', 'note': EVIL}
    keep('server', name='web', floating_ip='auto', labels=labels, **STOPPED)
    keep('network', name='default', **shop)
    keep('image', name='small', path=tiny, **shop)
    keep('server', name='web', **STOPPED, **shop)
    yield
    keep('server', name='web', state='absent', **shop)
    keep('image', name='small', state='absent', **shop)
    keep('network', name='default', state='absent', **shop)
    for name in ('web', 'live'):
        keep('server', name=name, state='absent')
    keep('security_group', name='in', state='absent')


# -- this host -------------------------------------------------------------------------------------


def test_this_host(listed: List) -> None:
    """All servers of all projects, with all that server_info tells, and what connects to them."""
    found = listed()
    assert set(found.hosts) == {'live', 'web.default', 'web.shop'}
    assert "the name 'web' is not unique in the inventory" in found.warnings
    assert set(found.groups['hanok']['hosts']) == set(found.hosts)
    told = {one['id']: one for one in run('server_info', all_projects=True)['servers']}
    for variables in found.hosts.values():
        server = {**told[variables['hanok_id']], 'node': 'localhost'}  # its name in the inventory
        assert {key: variables[f'hanok_{key}'] for key in server} == server
        assert (variables['hanok_node'], variables['hanok_cloud']) == ('localhost', 'local')
        assert variables['ansible_host'] == server['floating_ip'] or server['fixed_ip']
        assert 'ansible_ssh_common_args' not in variables
    assert found.hosts['live']['ansible_user'] == 'root'
    assert 'ansible_user' not in found.hosts['web.shop']


def test_selection(listed: List) -> None:
    """By project, status, labels, node and expression; with names, groups and variables."""
    assert set(listed(projects=['shop']).hosts) == {'web'}
    assert set(listed(status=['active']).hosts) == {'live'}
    assert set(
        listed(labels={'tier': 'web'}, hostname='{{ h_project }}-x', vars_prefix='h_').hosts
    ) == {'default-x'}
    assert listed(nodes=['other']).hosts == {}
    found = listed(
        query="[?project == 'default']",
        group='servers',
        keyed_groups=[{'key': 'hanok_labels.tier', 'prefix': 'tier'}],
        groups={'on': "hanok_status == 'ACTIVE'"},
        compose={'twice': 'hanok_memory * 2'},
    )
    assert found.groups['tier_web']['hosts'] == ['web']
    assert found.groups['on']['hosts'] == ['live']
    assert found.hosts['live']['twice'] == 256
    assert sorted(found.groups['servers']['hosts']) == ['live', 'web']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'query': '[].name'}, 'localhost: the answer has other things than servers'),
        ({'query': '[?'}, 'is not a JMESPath expression'),
        ({'hypervisors': ['x']}, "hypervisors: 'x' is no host or group of the inventory"),
        ({'vars_prefix': ''}, "vars_prefix: '' cannot begin the names of variables"),
        ({'cloud': 'x', 'nodes': ['y']}, 'nodes: a cloud has none; omit either of them'),
        ({'cloud': 'x'}, "localhost: cloud: 'x' is unknown"),
    ],
)
def test_errors(options: dict[str, Any], message: str, listed: List) -> None:
    """They are no answer, and no traceback."""
    found = listed(strict=True, **options)
    assert found.hosts == {}
    assert message in found.warnings
    assert 'Traceback' not in found.warnings


def test_names_of_others(listed: List, tmp_path: Path) -> None:
    """A server takes no name of a host or group: their variables stay what they are."""
    hosts = tmp_path / 'hosts.yml'
    hosts.write_text(
        yaml.safe_dump(
            {
                'all': {
                    'hosts': {'live': {'ansible_host': '192.0.2.1'}},
                    'children': {'web': {'vars': {'port': 1}}},
                }
            }
        )
    )
    found = listed(str(hosts), projects=['default'])
    assert set(found.hosts) == {'live', 'live.default', 'web.default'}
    assert found.hosts['live'] == {'ansible_host': '192.0.2.1'}


PLAY = [
    {
        'hosts': 'localhost',
        'connection': 'local',
        'gather_facts': False,
        'vars': {'ansible_python_interpreter': '/usr/bin/python3'},
        'tasks': [
            {'hanok.cloud.server': {'name': 'fresh', **STOPPED}},
            {'ansible.builtin.assert': {'that': "'fresh' not in groups.hanok"}},
            {'ansible.builtin.meta': 'refresh_inventory'},
            {'ansible.builtin.assert': {'that': "hostvars.fresh.hanok_status == 'SHUTOFF'"}},
        ],
    },
    {
        'hosts': 'web.default',
        'gather_facts': False,
        'tasks': [
            {'ansible.builtin.debug': {'var': 'hanok_labels.note'}},
            {'ansible.builtin.debug': {'msg': '{{ hanok_labels }}'}},
        ],
    },
]


def test_play(tmp_path: Path, listed: List) -> None:
    """A refresh sees what was created, also past a cache; labels of servers are no templates."""
    source, play = tmp_path / 'hanok.yml', tmp_path / 'play.yml'
    cache = {'cache': True, 'cache_plugin': 'ansible.builtin.jsonfile'}
    cache['cache_connection'] = str(tmp_path / 'cache')
    source.write_text(yaml.safe_dump({'plugin': 'hanok.cloud.servers', **cache}), 'utf-8')
    play.write_text(yaml.safe_dump(PLAY), 'utf-8')
    before = ansible('ansible-inventory', '-i', str(source), '--list')
    assert 'fresh' not in before.hosts
    try:
        ran = ansible('ansible-playbook', '-i', str(source), str(play))
        assert ran.code == 0, ran.output
        assert 'touch /run/evil' in ran.output
        assert not Path('/run/evil').exists()
        after = ansible('ansible-inventory', '-i', str(source), '--list')
    finally:
        run('server', name='fresh', state='absent')
    assert 'fresh' in after.hosts
    cached = ansible('ansible-inventory', '-i', str(source), '--list')
    assert cached.hosts == after.hosts
    # Another question is not answered from the cache.
    other = {'plugin': 'hanok.cloud.servers', **cache, 'labels': {'of': 'none'}}
    source.write_text(yaml.safe_dump(other), 'utf-8')
    assert not ansible('ansible-inventory', '-i', str(source), '--list').hosts
    assert 'fresh' not in listed().hosts


# -- other hosts -----------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def hypervisors(tmp_path_factory: pytest.TempPathFactory, key: str) -> str:
    """A source with three hosts: this one over ssh, as a user who may become root; and two others.

    Of these one refuses connections, and one answers something else.
    """
    folder = tmp_path_factory.mktemp('ssh')
    packages = list(DEBS.glob('*.deb'))
    assert packages, 'run make prepare to download them'
    for package in packages:
        subprocess.run(['dpkg-deb', '-x', str(package), str(folder)], check=True)
    # In a world these are its own; the password is none, but the account is not locked.
    for user in ('sshd', 'kim'):
        if subprocess.run(['id', user], capture_output=True, check=False).returncode:
            subprocess.run(
                ['useradd', '--home-dir', '/run', '--shell', '/bin/sh', user], check=True
            )
    subprocess.run(['usermod', '--password', '*', 'kim'], check=True)
    Path('/etc/sudoers.d/kim').write_text('kim ALL=(ALL) NOPASSWD: ALL\n', 'utf-8')
    Path('/run/sshd').mkdir(mode=0o755, exist_ok=True)
    host_key = folder / 'host_key'
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', str(host_key)], check=True)
    public = Path('/run/kim.pub')  # as kim it is read
    made = subprocess.run(['ssh-keygen', '-y', '-f', key], capture_output=True, check=True)
    public.write_bytes(made.stdout)
    settings = {'HostKey': host_key, 'AuthorizedKeysFile': public, 'StrictModes': 'no'}
    session = folder / 'usr/lib/openssh/sshd-session'  # since OpenSSH 9.8
    settings |= {'SshdSessionPath': session} if session.exists() else {}
    config = folder / 'sshd_config'
    config.write_text(''.join(f'{name} {value}\n' for name, value in settings.items()), 'utf-8')
    libraries = ':'.join(map(str, folder.glob('**/*-linux-gnu')))
    sshd = f'env LD_LIBRARY_PATH={libraries} {folder}/usr/sbin/sshd -i -f {config}'
    command = shlex.quote(f'ProxyCommand={sshd}')
    this = {
        'ansible_host': 'kvm1.example.com',
        'ansible_user': '{{ who }}',
        'ansible_ssh_private_key_file': key,
        'ansible_ssh_common_args': f'-o {command} -o UserKnownHostsFile=/dev/null',
    }
    hosts = {
        'kvm1': this,
        'kvm2': {'ansible_host': '127.0.0.1', 'ansible_port': 9},
        'kvm3': {**this, 'ansible_host': 'kvm3', 'ansible_python_interpreter': '/bin/echo'},
    }
    source = folder / 'hosts.yml'
    source.write_text(yaml.safe_dump({'all': {'children': {'kvm': {'hosts': hosts}}}}), 'utf-8')
    variables = folder / 'group_vars' / 'kvm.yml'
    variables.parent.mkdir()
    variables.write_text('who: kim\n', 'utf-8')
    return str(source)


def test_other_hosts(hypervisors: str, listed: List, key: str) -> None:
    """All are asked at once; those that do not answer are left out, and named with the cause."""
    found = listed(hypervisors, hypervisors=['kvm'], timeout=120, hostname='{{ hanok_id }}')
    servers = {name: one for name, one in found.hosts.items() if 'hanok_id' in one}
    told = {one['id']: one for one in run('server_info', all_projects=True)['servers']}
    assert set(servers) == set(told), found.warnings
    assert {one['hanok_node'] for one in servers.values()} == {'kvm1'}
    for one in servers.values():
        is_fixed = one['hanok_floating_ip'] is None
        assert is_fixed == ('ansible_ssh_common_args' in one)
    assert 'kvm2: ' in found.warnings
    assert 'Connection refused' in found.warnings
    assert 'kvm3: the answer is no result of server_info' in found.warnings, found.warnings
    assert 'kvm1: ' not in found.warnings
    strict = listed(hypervisors, hypervisors=['kvm1', 'kvm2'], strict=True)
    assert not [name for name, one in strict.hosts.items() if 'hanok_id' in one]
    assert 'kvm2: ' in strict.warnings


def test_jump(hypervisors: str, key: str, tmp_path: Path) -> None:
    """A server that has a fixed address only is reached through its hypervisor."""
    source = tmp_path / 'hanok.yml'
    options = {'plugin': 'hanok.cloud.servers', 'hypervisors': ['kvm1']}
    source.write_text(yaml.safe_dump(options), 'utf-8')
    words = ['-i', hypervisors, '-i', str(source), 'live', '--private-key', key]
    extra = ['-e', 'ansible_ssh_extra_args="-o UserKnownHostsFile=/dev/null"', '-vvv']
    ran = ansible('ansible', *words, *extra, '-m', 'ansible.builtin.raw', '-a', 'hostname')
    assert ran.code == 0, ran.output + ran.warnings
    assert '\nlive' in ran.output, ran.output + ran.warnings
    assert 'kvm1.example.com' in ran.output


def test_agent(hypervisors: str, tmp_path: Path) -> None:
    """So is its guest agent, by a user who may become root there."""
    source = tmp_path / 'hanok.yml'
    compose = {'ansible_connection': "'hanok.cloud.agent'", 'ansible_hanok_timeout': '120'}
    options = {'plugin': 'hanok.cloud.servers', 'hypervisors': ['kvm1'], 'compose': compose}
    source.write_text(yaml.safe_dump(options), 'utf-8')
    words = ['-i', hypervisors, '-i', str(source), 'live', '-m', 'ansible.builtin.raw']
    ran = ansible('ansible', *words, '-a', 'hostname; exit 3')
    assert 'rc=3 >>\nlive' in ran.output, ran.output + ran.warnings


# -- examples --------------------------------------------------------------------------------------

DOCUMENT = (ROOT / 'docs/inventory.md').read_text('utf-8')
EXAMPLES = [
    source
    for text in (plugin.EXAMPLES, *(block for _line, block in fences(DOCUMENT)))
    for source in yaml.safe_load_all(text)
    if isinstance(source, dict) and source.get('plugin') and not source.get('cloud')
]


@pytest.mark.parametrize('example', EXAMPLES)
def test_example(example: dict[str, Any], hypervisors: str, listed: List) -> None:
    """Each source in the documents is read without an error."""
    options = {name: value for name, value in example.items() if name != 'plugin'}
    if 'hypervisors' in options:
        options['nodes'] = ['kvm1']
    cache = {'ANSIBLE_INVENTORY_CACHE_CONNECTION': '/run/cache'}
    found = listed(hypervisors, strict=True, **options, **cache)
    assert found.code == 0
    assert 'Failed to parse' not in found.warnings, found.warnings


def test_examples_are_found() -> None:
    """The list is not empty."""
    assert len(EXAMPLES) > 3
