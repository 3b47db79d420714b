# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other firewalls on the same host: each drops packets of servers until it is opened for them.

A host on a LAN, with two servers and a balancer. Eight paths of packets are tried under each
firewall, closed and open. ufw and firewalld are the real ones, installed in this world only.
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

Guest = Callable[[str, str], str]
POOL = {'name': 'lan', 'addresses': ['203.0.113.0/29'], 'uplink': 'lan0'}
HOST, NEIGHBOUR, OUTSIDE = '203.0.113.9', '203.0.113.10', '198.51.100.1'
SERVER, BALANCER = '203.0.113.2', '203.0.113.3'
FETCH = 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3).read()'
# In a guest: static busybox resolves names by nslookup only.
GET, OK = "printf 'GET / HTTP/1.0\\r\\n\\r\\n'", "grep -q '200 OK'"
ADDRESS = "awk '/^Name/ {n = 1} n && /^Address/ {print $NF}'"
# What installing a package writes, apart from /etc, which is the world's own.
INSTALLED = ['/usr', *(f'/var/{name}' for name in ('cache/debconf', 'cache/man', 'lib/dpkg'))]
INSTALLED += ['/var/lib/systemd', '/var/lib/ucf']
OPTIONS = {'flavor': 'g1.nano', 'key_name': 'test', 'security_groups': ['open']}


def sh(command: str) -> str:
    """A command, without quotes in it."""
    ran = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture(scope='module')
def lan(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A LAN at the device lan0: one neighbour, which is also the way out, with a web server."""
    settings = Path('/etc/hanok/host.json')
    before = settings.read_text('utf-8')
    changed = json.loads(before)
    changed['floating_pools'].append(POOL)
    sh('ip netns add lan')
    web = None
    try:
        sh('ip link add lan0 type veth peer name eth0 netns lan')
        sh(f'ip address add {HOST}/28 dev lan0')
        sh('ip link set lan0 up')
        sh(f'ip route add default via {NEIGHBOUR}')
        sh(f'ip -n lan address add {NEIGHBOUR}/28 dev eth0')
        sh(f'ip -n lan address add {OUTSIDE}/32 dev lo')
        sh('ip -n lan link set lo up')
        sh('ip -n lan link set eth0 up')
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
        sh('ip netns delete lan')


@pytest.fixture(scope='module')
def servers(lan: None, image: str, key: str, open_group: str) -> Iterator[None]:
    """Two servers and a balancer in front of one of them."""
    script = '#!/bin/sh\ntouch /var/www/.serve; httpd -p 80 -h /var/www\n'
    options = {**OPTIONS, 'image': image, 'user_data': script}
    waiting = {'wait_for': 'init', 'wait_timeout': 120}
    try:
        done = [
            run('server', name='first', **options, floating_ip=SERVER, **waiting),
            run('server', name='second', **options, **waiting),
            run(
                'lb',
                name='entry',
                listeners=[{'protocol': 'http', 'port': 80}],
                members=['second'],
                health_check={'protocol': 'http'},
                floating_ip=BALANCER,
                wait_for='healthy',
            ),
        ]
        assert [one['msg'] for one in done if one.get('failed')] == []
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
        for place in (place for place in INSTALLED if os.path.isdir(place)):
            upper, work = folder / 'upper' / place[1:], folder / 'work' / place[1:]
            upper.mkdir(parents=True)
            work.mkdir(parents=True)
            options = f'lowerdir={place},upperdir={upper},workdir={work}'
            sh(f'mount -t overlay overlay -o {options} {place}')
            mounted.append(place)
        packages = glob.glob('/var/cache/hanok/packages/*.deb')
        if packages:
            subprocess.run(['dpkg', '--install', *packages], capture_output=True, check=True)
        assert shutil.which('ufw'), 'make prepare downloads it'
        assert shutil.which('firewall-cmd'), 'make prepare downloads it'
        yield
    finally:
        for place in mounted:
            sh(f'umount --lazy {place}')


class Paths:
    """The paths by which a host with another firewall is judged."""

    def __init__(self, ssh: Guest) -> None:
        """``ssh`` runs a command in a guest."""
        self.ssh = ssh

    def broken(self) -> set[str]:
        """The names of those that packets do not pass, tried side by side."""
        tried = {
            'host to server, ping': lambda: sh(f'ping -c 1 -W 3 {SERVER}'),
            'host to server, ssh': lambda: self._in_guest('true'),
            'host to balancer': lambda: self._fetch(BALANCER),
            'LAN to server, ping': lambda: sh(f'ip netns exec lan ping -c 1 -W 3 {SERVER}'),
            'LAN to server, http': lambda: self._fetch(SERVER, 'ip', 'netns', 'exec', 'lan'),
            'server to the outside': lambda: self._in_guest(f'{GET} | nc -w 3 {OUTSIDE} 80 | {OK}'),
            'server to server by name': lambda: self._in_guest(
                f'address=$(nslookup second | {ADDRESS}); {GET} | nc -w 3 $address 80 | {OK}'
            ),
            'DHCP': lambda: self._in_guest('udhcpc -n -q -t 2 -T 1 -i eth0 -s /bin/true'),
        }
        with ThreadPoolExecutor(len(tried)) as pool:
            passed = dict(zip(tried, pool.map(_passes, tried.values()), strict=True))
        return {name for name, good in passed.items() if not good}

    def _in_guest(self, command: str) -> None:
        self.ssh(SERVER, command)

    def _fetch(self, address: str, *before: str) -> None:
        words = [*before, '/usr/bin/python3', '-c', FETCH, f'http://{address}']
        subprocess.run(words, capture_output=True, check=True)


def _passes(path: Callable[[], object]) -> bool:
    try:
        path()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


@pytest.fixture(scope='module')
def paths(servers: None, ssh: Guest) -> Paths:
    """The paths, all of which packets pass to begin with."""
    found = Paths(ssh)
    assert found.broken() == set()
    return found


def warnings() -> list[str]:
    """What a task warns about other firewalls."""
    found = [warning['event']['msg'] for warning in run('network_info').get('warnings', ())]
    return [text for text in found if text.startswith('another firewall of this host: ')]


def commands_of(texts: list[str]) -> list[str]:
    """The commands that warnings name."""
    return [re.sub(r' \(also .*', '', text.partition('to accept them: ')[2]) for text in texts]


class Firewall(NamedTuple):
    """A firewall of somebody else: how it is set up, and taken away; words of its warning."""

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
    """Run commands one after the other."""
    return lambda: [sh(command) for command in commands]


def start_firewalld() -> None:
    """What systemd does elsewhere; D-Bus is there, the role host started it for libvirt."""
    subprocess.run(['firewalld'], capture_output=True, check=True)
    until = time.monotonic() + 30
    while subprocess.run(['firewall-cmd', '--state'], capture_output=True, check=False).returncode:
        assert time.monotonic() < until, 'firewalld does not answer'


def stop_firewalld() -> None:
    """It takes its rules away when it ends."""
    pid = Path('/run/firewalld.pid').read_text('ascii').strip()
    sh(f'kill {pid}')
    until = time.monotonic() + 30
    while 'firewalld' in sh('nft list tables'):
        assert time.monotonic() < until, 'firewalld does not end'


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
    """One of the firewalls drops packets of servers, which is reported."""
    firewall = FIREWALLS[request.param]
    try:
        firewall.close()
        assert firewall.word in ' '.join(warnings())
        assert paths.broken()
        yield
    finally:
        firewall.end()
    assert not warnings()


def check_open(paths: Paths) -> None:
    """Packets pass on all paths, and a bridge that is made later is open as well."""
    assert warnings() == []
    done = run('lb', name='entry', wait_for='healthy', wait_timeout=60)
    assert not done.get('failed'), done['msg']
    assert paths.broken() == set()
    run('network', name='later')
    assert warnings() == []
    run('network', name='later', state='absent')


@pytest.mark.parametrize('closed', ['nftables', 'reject', 'legacy'], indirect=True)
def test_the_command_of_the_warning_opens_it(closed: None, paths: Paths) -> None:
    """A table that the role does not know is opened by the command that the warning names."""
    for command in commands_of(warnings()):
        subprocess.run(['sh', '-c', command], capture_output=True, check=True)
    check_open(paths)


@pytest.mark.parametrize('closed', ['iptables', 'ufw', 'firewalld'], indirect=True)
def test_the_role_opens_it(closed: None, paths: Paths) -> None:
    """By its own commands, as check mode predicts; a second run changes nothing."""
    words = 'hanok.cloud.host', '--tags', 'firewalls'
    predicted = Play(*words, '--check').changed
    assert predicted > 0
    assert Play(*words).changed == predicted
    assert Play(*words).changed == 0
    check_open(paths)


@pytest.mark.parametrize('closed', ['iptables'], indirect=True)
def test_a_network_that_starts_opens_it(closed: None, paths: Paths) -> None:
    """What iptables lost in a reboot is added by the hook that libvirt calls."""
    run('network', name='starts')
    run('network', name='starts', state='absent')
    check_open(paths)


@pytest.mark.parametrize('closed', ['nftables'], indirect=True)
def test_a_wait_names_it(closed: None) -> None:
    """A server that is not reached in time: the message says who drops its packets."""
    done: dict[str, Any] = run('server', name='first', wait_for='ssh', wait_timeout=3)
    assert done['failed']
    assert 'another firewall of this host: chain forward of table inet strict' in done['msg']
    assert 'another firewall of this host: chain input of table inet strict' in done['msg']
