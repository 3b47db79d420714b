# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other firewalls on the same host: each drops packets of servers until it is opened for them.

A host on a LAN, with two servers and a load balancer. Eight paths are tested under each firewall,
closed and open. ufw and firewalld are the real ones, installed in this world only.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .conftest import Play, run
from .test_ground import eventually

Guest = Callable[[str, str], str]
Attempt = Callable[[], object]
POOL = {'name': 'lan', 'addresses': ['203.0.113.0/29'], 'uplink': 'lan0'}
HOST, NEIGHBOUR, OUTSIDE = '203.0.113.9', '203.0.113.10', '198.51.100.1'
SERVER, BALANCER = '203.0.113.2', '203.0.113.3'
FETCH = 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3).read()'
# In a guest: static busybox resolves names by nslookup only.
GET, OK = "printf 'GET / HTTP/1.0\\r\\n\\r\\n'", "grep -q '200 OK'"
ADDRESS = "awk '/^Name/ {n = 1} n && /^Address/ {print $NF}'"
# The directories that installing a package writes, apart from /etc, which is private to the world.
INSTALLED_DIRECTORIES = [
    '/usr',
    *(f'/var/{name}' for name in ('cache/debconf', 'cache/man', 'lib/dpkg')),
]
INSTALLED_DIRECTORIES += ['/var/lib/systemd', '/var/lib/ucf']
OPTIONS = {'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}


def output_of(command: str) -> str:
    """Run a command that contains no quotes; return its output."""
    process = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    return process.stdout.strip()


@pytest.fixture(scope='module')
def lan(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A LAN at lan0 with one neighbour, which is the default gateway and a web server."""
    settings = Path('/etc/hanok/host.json')
    before = settings.read_text('utf-8')
    changed = json.loads(before)
    changed['floating_pools'].append(POOL)
    output_of('ip netns add lan')
    web = None
    try:
        output_of('ip link add lan0 type veth peer name eth0 netns lan')
        output_of(f'ip address add {HOST}/28 dev lan0')
        output_of('ip link set lan0 up')
        output_of(f'ip route add default via {NEIGHBOUR}')
        output_of(f'ip -n lan address add {NEIGHBOUR}/28 dev eth0')
        output_of(f'ip -n lan address add {OUTSIDE}/32 dev lo')
        output_of('ip -n lan link set lo up')
        output_of('ip -n lan link set eth0 up')
        settings.write_text(json.dumps(changed), 'utf-8')
        folder = str(tmp_path_factory.mktemp('web'))
        serve = ['-m', 'http.server', '80', '--bind', OUTSIDE, '--directory', folder]
        web = subprocess.Popen(
            ['ip', 'netns', 'exec', 'lan', '/usr/bin/python3', *serve], stderr=subprocess.DEVNULL
        )
        yield
    finally:
        if web is not None:
            web.kill()
            web.wait()
        settings.write_text(before, 'utf-8')
        subprocess.run(['ip', 'link', 'delete', 'lan0'], capture_output=True, check=False)
        output_of('ip netns delete lan')
        # Rules and routes without lan0, and what the role no longer has to restore.
        run('network', name='default')
        Play('hanok.cloud.host')


@pytest.fixture(scope='module')
def servers(lan: None, image: str, root_image: str, key: str, open_group: str) -> Iterator[None]:
    """A VM, and a container with a load balancer in front of it."""
    script = '#!/bin/sh\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n'
    options = {**OPTIONS, 'user_data': script}
    waiting = {'wait_for': 'init', 'wait_timeout': 300}
    try:
        result = [
            run('server', name='first', image=image, **options, floating_ip=SERVER, **waiting),
            run('server', name='second', image=root_image, **options, **waiting),
            run(
                'lb',
                name='entry',
                listeners=[{'protocol': 'http', 'port': 80}],
                members=['second'],
                health_check={'protocol': 'http', 'interval': 1},
                floating_ip=BALANCER,
                wait_for='healthy',
            ),
        ]
        assert [one['msg'] for one in result if one.get('failed')] == []
        yield
    finally:
        run('lb', name='entry', state='absent')
        for name in ('first', 'second'):
            run('server', name=name, state='absent')


@pytest.fixture(scope='module')
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install ufw and firewalld on top of /usr while the tests of this file run."""
    folder, mounted = tmp_path_factory.mktemp('overlay'), []
    try:
        for place in (place for place in INSTALLED_DIRECTORIES if os.path.isdir(place)):
            upper, work = folder / 'upper' / place[1:], folder / 'work' / place[1:]
            upper.mkdir(parents=True)
            work.mkdir(parents=True)
            options = f'lowerdir={place},upperdir={upper},workdir={work}'
            output_of(f'mount -t overlay overlay -o {options} {place}')
            mounted.append(place)
        packages = glob.glob('/var/cache/hanok/packages/*.deb')
        if packages:
            subprocess.run(['dpkg', '--install', *packages], capture_output=True, check=True)
        assert shutil.which('ufw'), 'run make prepare to download it'
        assert shutil.which('firewall-cmd'), 'run make prepare to download it'
        yield
    finally:
        for place in mounted:
            output_of(f'umount --lazy {place}')


class Paths:
    """The paths of packets that another firewall may block."""

    def __init__(self, ssh: Guest) -> None:
        """``ssh`` runs a command in a guest."""
        self.ssh = ssh

    def broken(self) -> set[str]:
        """The names of the blocked paths."""
        return _broken({**self._from_outside(), **self._from_a_guest()})

    def is_any_broken(self) -> bool:
        """Whether a path to a server is blocked; no guest is asked, which may not answer."""
        return _broken(self._from_outside()) != set()

    def _from_outside(self) -> dict[str, Attempt]:
        return {
            'host to server, ping': lambda: output_of(f'ping -c 1 -W 3 {SERVER}'),
            'host to balancer': lambda: self._fetch(BALANCER),
            'LAN to server, ping': lambda: output_of(f'ip netns exec lan ping -c 1 -W 3 {SERVER}'),
            'LAN to server, http': lambda: self._fetch(SERVER, 'ip', 'netns', 'exec', 'lan'),
        }

    def _from_a_guest(self) -> dict[str, Attempt]:
        return {
            'host to server, ssh': lambda: self._in_guest('true'),
            'server to the outside': lambda: self._in_guest(
                f'{GET} | nc -w 10 {OUTSIDE} 80 | {OK}'
            ),
            'server to server by name': lambda: self._in_guest(
                f'address=$(nslookup second | {ADDRESS}); {GET} | nc -w 10 $address 80 | {OK}'
            ),
            'DHCP': lambda: self._in_guest('udhcpc -n -q -t 4 -T 3 -i eth0 -s /bin/true'),
        }

    def _in_guest(self, command: str) -> None:
        self.ssh(SERVER, command)

    def _fetch(self, address: str, *before: str) -> None:
        words = [*before, '/usr/bin/python3', '-c', FETCH, f'http://{address}']
        subprocess.run(words, capture_output=True, check=True)


def _broken(attempts: dict[str, Attempt]) -> set[str]:
    """The names of the attempts that fail; they are made in parallel."""
    with ThreadPoolExecutor(len(attempts)) as pool:
        passed = dict(zip(attempts, pool.map(_passes, attempts.values()), strict=True))
    return {name for name, open_ in passed.items() if not open_}


def _passes(attempt: Attempt) -> bool:
    try:
        attempt()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


@pytest.fixture(scope='module')
def paths(servers: None, ssh: Guest) -> Paths:
    """The paths, none of which is blocked yet."""
    found = Paths(ssh)
    assert found.broken() == set()
    return found


def warnings() -> list[str]:
    """The warnings of a task about other firewalls."""
    found = [warning['event']['msg'] for warning in run('network_info').get('warnings', ())]
    return [text for text in found if text.startswith('another firewall of this host: ')]


def commands_of(texts: list[str]) -> list[str]:
    """The commands that warnings name."""
    return [re.sub(r' \(also .*', '', text.partition('to accept them: ')[2]) for text in texts]


class Firewall(NamedTuple):
    """Another firewall: how to enable it, how to disable it, and a part of its warning."""

    close: Callable[[], object]
    end: Callable[[], object]
    word: str


STRICT = [
    'nft add table inet strict',
    'nft add chain inet strict input { type filter hook input priority 0 ; policy drop ; }',
    'nft add chain inet strict forward { type filter hook forward priority 0 ; policy drop ; }',
    'nft add rule inet strict input iifname lo accept',
]
REJECTING = [
    'nft add table inet strict',
    'nft add chain inet strict forward { type filter hook forward priority 0 ; policy accept ; }',
    'nft add rule inet strict forward ct state established accept',
    'nft add rule inet strict forward counter reject',
]
DOCKER = ['iptables -P FORWARD DROP', 'iptables -P INPUT DROP', 'iptables -A INPUT -i lo -j ACCEPT']
LEGACY = ['iptables-legacy -P FORWARD DROP']
UFW = ['ufw --force enable']


def all_of(commands: list[str]) -> Callable[[], object]:
    """Return a function that runs commands one after the other."""
    return lambda: [output_of(command) for command in commands]


def start_firewalld() -> None:
    """Start firewalld, as systemd does elsewhere; the role host has started D-Bus for libvirt."""
    subprocess.run(['firewalld'], capture_output=True, check=True)
    deadline = time.monotonic() + 30
    while subprocess.run(['firewall-cmd', '--state'], capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, 'firewalld does not answer'


def stop_firewalld() -> None:
    """Stop firewalld, which deletes its rules."""
    pid = Path('/run/firewalld.pid').read_text('ascii').strip()
    output_of(f'kill {pid}')
    deadline = time.monotonic() + 30
    while 'firewalld' in output_of('nft list tables'):
        assert time.monotonic() < deadline, 'firewalld does not end'


FIREWALLS = {
    'nftables': Firewall(all_of(STRICT), all_of(['nft delete table inet strict']), 'inet strict'),
    'reject': Firewall(all_of(REJECTING), all_of(['nft delete table inet strict']), 'inet strict'),
    'iptables': Firewall(
        all_of(DOCKER),
        all_of(['iptables -P FORWARD ACCEPT', 'iptables -P INPUT ACCEPT', 'iptables -F']),
        'iptables-nft',
    ),
    'legacy': Firewall(
        all_of(LEGACY),
        all_of(['iptables-legacy -P FORWARD ACCEPT', 'iptables-legacy -F']),
        'iptables-legacy',
    ),
    'ufw': Firewall(
        all_of(UFW),
        all_of(
            ['ufw --force disable', 'nft delete table ip filter', 'nft delete table ip6 filter']
        ),
        'ufw allow in on hk+',
    ),
    'firewalld': Firewall(start_firewalld, stop_firewalld, 'firewall-cmd --permanent'),
}


@pytest.fixture
def closed(request: pytest.FixtureRequest, paths: Paths, programs: None) -> Iterator[None]:
    """Enable one of the firewalls; its warning is reported."""
    firewall = FIREWALLS[request.param]
    try:
        firewall.close()
        assert firewall.word in ' '.join(warnings())
        assert paths.is_any_broken()
        yield
    finally:
        firewall.end()
    assert not warnings()


def check_open_paths(paths: Paths) -> None:
    """No path is blocked, and a bridge that is created later is open as well.

    Two of its checks may have failed only now, so the balancer may take its member out once more.
    """
    assert warnings() == []
    result = run('lb', name='entry', wait_for='healthy', wait_timeout=60)
    assert not result.get('failed'), result['msg']
    assert paths.broken() <= {'host to balancer'}
    eventually(lambda: paths.broken() == set())
    run('network', name='later')
    assert warnings() == []
    run('network', name='later', state='absent')


@pytest.mark.parametrize('closed', ['nftables', 'reject', 'legacy'], indirect=True)
def test_command_of_the_warning_opens_the_firewall(closed: None, paths: Paths) -> None:
    """A table that the role does not know is opened by the command of the warning."""
    for command in commands_of(warnings()):
        subprocess.run(['sh', '-c', command], capture_output=True, check=True)
    check_open_paths(paths)


@pytest.mark.parametrize('closed', ['iptables', 'ufw', 'firewalld'], indirect=True)
def test_role_opens_the_firewall(closed: None, paths: Paths) -> None:
    """The role runs the commands as check mode predicts; a second run changes nothing."""
    words = 'hanok.cloud.host', '--tags', 'firewalls'
    predicted = Play(*words, '--check').changed
    assert predicted > 0
    assert Play(*words).changed == predicted
    assert Play(*words).changed == 0
    check_open_paths(paths)


@pytest.mark.parametrize('closed', ['iptables'], indirect=True)
def test_network_hook_opens_the_firewall(closed: None, paths: Paths) -> None:
    """The hook that libvirt calls restores the rules that iptables lost in a reboot."""
    run('network', name='starts')
    run('network', name='starts', state='absent')
    check_open_paths(paths)


@pytest.mark.parametrize('closed', ['nftables'], indirect=True)
def test_wait_names_the_firewall(closed: None) -> None:
    """The message of a wait that timed out names the firewall that drops the packets."""
    result: dict[str, Any] = run('server', name='first', wait_for='ssh', wait_timeout=3)
    assert result['failed']
    assert 'another firewall of this host: chain forward of table inet strict' in result['msg']
    assert 'another firewall of this host: chain input of table inet strict' in result['msg']
