# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real packets against the model: the kernel under `render` behaves as `evaluate` says.

A host with bridges, servers on them and an outside behind an uplink are network namespaces without
names: they end with this process, however it ends. Neither libvirt nor a machine is needed, only
root.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import random
import re
import selectors
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.network.loaded import (
    has_bridge_meta,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.ruleset import render
from ansible_collections.hanok.cloud.plugins.module_utils._model.datapath import (
    Datapath,
    Group,
    Network,
    Port,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import HOST
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import Rule
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule_parser import parse
from ansible_collections.hanok.cloud.plugins.module_utils._model.verdict import evaluate

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='network namespaces need root')

# A probe that is not answered within QUIET seconds after all expected answers came is denied.
# LATEST bounds slow machines.
QUIET = 0.4
LATEST = 5.0
RESEND = 0.5
BATCH = 300
SEEDS = range(6)

TCP_PORTS = (22, 53, 80, 81, 5432)
UDP_PORTS = (53, 67, 80, 81)
QUERIES = (('tcp', 53), ('tcp', 80), ('tcp', 81), ('udp', 53), ('udp', 81), ('icmp', None))

NETWORKS = (
    Network('hk0', '192.168.0.0/24', '192.168.0.1'),
    Network('hk1', '10.20.0.0/24', '10.20.0.1', nat=False),
)
UPLINK = '203.0.113.1'
OUT = '203.0.113.9'
OUT_OTHER = '203.0.113.10'
FORGED = '192.168.0.99'
# Behind another device of the host, as containers or a VPN are; not an address of the model.
OTHER = '172.30.0.9'
METADATA = '169.254.169.254'


@dataclass(frozen=True)
class Server:
    """A server of the world: its port, and its floating address, if any."""

    name: str
    number: int
    address: str
    bridge: str
    floating: str = ''

    @property
    def device(self) -> str:
        """Its device on the host."""
        return f'hkp{self.number}'

    @property
    def mac(self) -> str:
        """Its MAC address."""
        return f'52:54:00:00:00:{self.number:02x}'


SERVERS = {
    server.name: server
    for server in (
        Server('a', 1, '192.168.0.11', 'hk0', '203.0.113.101'),
        Server('b', 2, '192.168.0.12', 'hk0'),
        Server('c', 3, '192.168.0.13', 'hk0', '203.0.113.103'),
        Server('d', 4, '10.20.0.11', 'hk1', '203.0.113.104'),
        Server('e', 5, '10.20.0.12', 'hk1'),
    )
}
A, B, C, D, E = (server.address for server in SERVERS.values())
FLOATING_A, FLOATING_C, FLOATING_D = (
    server.floating for server in SERVERS.values() if server.floating
)
GATEWAY, GATEWAY_OTHER = (net.gateway for net in NETWORKS)
ANSWERERS = {
    **{server.address: name for name, server in SERVERS.items()},
    **{server.floating: name for name, server in SERVERS.items() if server.floating},
    **dict.fromkeys((GATEWAY, GATEWAY_OTHER, HOST), 'host'),
    **dict.fromkeys((OUT, OUT_OTHER), 'outside'),
}


def datapath(groups: Rules, membership: Mapping[str, Sequence[str]]) -> Datapath:
    """Return the datapath of the world with these groups.

    A server without membership is in the group default, which has no rules.
    """

    def port(name: str, server: Server) -> Port:
        member_of = tuple(membership.get(name, ('default',)))
        return Port(server.device, server.mac, server.address, server.bridge, member_of)

    def group(name: str, raws: Sequence[Mapping[str, object]]) -> Group:
        return Group(name, tuple(rule for raw in raws for rule in parse(raw)))

    rules: Rules = {'default': [], **groups}
    return Datapath(
        NETWORKS,
        tuple(group(name, raws) for name, raws in rules.items()),
        tuple(port(name, server) for name, server in SERVERS.items()),
        tuple((server.floating, server.address) for server in SERVERS.values() if server.floating),
        outside=('up0',),
        by_bridge=has_bridge_meta(),
    )


@dataclass(frozen=True)
class Probe:
    """One new connection to try. `host_address` is the source address that HOST binds to."""

    source: str
    destination: str
    protocol: str
    port: int | None = None
    host_address: str | None = None

    def __str__(self) -> str:
        """Return the probe as a line of a failure message."""
        source = f'{self.source} ({self.host_address})' if self.host_address else self.source
        return f'{source} -> {self.destination} {self.protocol} {self.port or ""}'.strip()

    @property
    def kind(self) -> tuple[int, int]:
        """The type and protocol of the socket."""
        if self.protocol == 'icmp':
            return socket.SOCK_DGRAM, socket.IPPROTO_ICMP
        return (socket.SOCK_STREAM if self.protocol == 'tcp' else socket.SOCK_DGRAM), 0

    @property
    def request(self) -> bytes:
        """The payload: a datagram, or an ICMP echo request.

        The kernel fills in the identifier and checksum of the echo request.
        """
        return bytes([8, 0, 0, 0, 0, 0, 0, 1]) if self.protocol == 'icmp' else b'who?'


class Namespace:
    """A network namespace that only an open file of this process keeps alive."""

    _libc = ctypes.CDLL(None, use_errno=True)
    _NEW_NETWORK = 0x40000000

    def __init__(self) -> None:
        """Create it without staying in it."""
        home = self._current()
        try:
            self._check(self._libc.unshare(self._NEW_NETWORK))
            self.file = self._current()
            self._check(self._libc.setns(home, self._NEW_NETWORK))
        finally:
            os.close(home)

    @staticmethod
    def _current() -> int:
        return os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)

    @staticmethod
    def _check(result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    @property
    def path(self) -> str:
        """Its path for other programs."""
        return f'/proc/{os.getpid()}/fd/{self.file}'

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Enter it with this thread: new sockets and programs belong to it."""
        home = self._current()
        self._check(self._libc.setns(self.file, self._NEW_NETWORK))
        try:
            yield
        finally:
            self._check(self._libc.setns(home, self._NEW_NETWORK))
            os.close(home)

    def run(self, *command: str, text: str = '') -> str:
        """Run a program in it; assert that it succeeds."""
        with self.inside():
            process = subprocess.run(
                command, input=text, text=True, capture_output=True, timeout=30, check=False
            )
        assert process.returncode == 0, f'{command}: {process.stderr}'
        return process.stdout

    def ip(self, *lines: str) -> None:
        """Run a batch of `ip` commands."""
        self.run('ip', '-batch', '-', text='\n'.join(lines) + '\n')

    def sysctl(self, settings: Mapping[str, object]) -> None:
        """Write settings below /proc/sys/net."""
        with self.inside():
            for name, value in settings.items():
                Path('/proc/sys/net', name).write_text(f'{value}\n', encoding='ascii')


@dataclass
class World:
    """Host, servers and outside, with a listener on every port that is probed."""

    spaces: dict[str, Namespace] = field(default_factory=dict)
    listeners: dict[socket.socket, str] = field(default_factory=dict)
    received: list[tuple[str, bytes]] = field(default_factory=list)
    senders: dict[bytes, str] = field(default_factory=dict)

    def build(self) -> None:
        """Create everything but a ruleset."""
        for name in ('host', 'outside', 'other', *SERVERS):
            self.spaces[name] = Namespace()
            self.spaces[name].ip('link set lo up')
            self.spaces[name].sysctl(
                {
                    'ipv4/ping_group_range': '0 0',
                    'ipv4/conf/all/rp_filter': 0,
                    'ipv4/conf/default/rp_filter': 0,
                    'ipv6/conf/default/accept_dad': 0,
                }
            )
        self._build_bridges()
        self._build_uplink()
        self._build_other()
        for server in SERVERS.values():
            self._build_server(server)
        for name in self.spaces:
            self._listen(name)

    def _build_bridges(self) -> None:
        host = self.spaces['host']
        for net in NETWORKS:
            prefix = net.cidr.partition('/')[2]
            host.ip(
                f'link add {net.bridge} type bridge stp_state 0 forward_delay 0',
                f'address add {net.gateway}/{prefix} dev {net.bridge}',
                f'link set {net.bridge} up',
            )
            conf = f'ipv4/conf/{net.bridge}'
            host.sysctl(
                {
                    f'{conf}/proxy_arp_pvlan': 1,
                    f'{conf}/send_redirects': 0,
                    f'ipv4/neigh/{net.bridge}/proxy_delay': 0,
                }
            )
        # A dummy device is not in every kernel; an empty bridge serves as well.
        host.ip('link add hanok0 type bridge', 'link set hanok0 up')
        host.sysctl({'ipv4/ip_forward': 1})

    def _build_uplink(self) -> None:
        host, outside = self.spaces['host'], self.spaces['outside']
        host.ip(
            f'link add up0 type veth peer name eth0 netns {outside.path}',
            f'address add {UPLINK}/24 dev up0',
            'link set up0 up',
        )
        host.sysctl({'ipv4/neigh/up0/proxy_delay': 0})
        gateways = {net.bridge: net.gateway for net in NETWORKS}
        for server in SERVERS.values():
            if server.floating:
                host.ip(
                    f'route add {server.floating}/32 dev hanok0 src {gateways[server.bridge]}',
                    f'neigh add proxy {server.floating} dev up0',
                )
        # The outside has routes to the fixed addresses, so that only the filter can deny them.
        outside.ip(
            'link set eth0 up',
            f'address add {OUT}/24 dev eth0',
            f'address add {OUT_OTHER}/24 dev eth0',
            *(f'route add {net.cidr} via {UPLINK}' for net in NETWORKS),
        )

    def _build_other(self) -> None:
        host, other = self.spaces['host'], self.spaces['other']
        host.ip(
            f'link add br-other type veth peer name eth0 netns {other.path}',
            'address add 172.30.0.1/24 dev br-other',
            'link set br-other up',
        )
        other.ip(
            'link set eth0 up',
            f'address add {OTHER}/24 dev eth0',
            'route add default via 172.30.0.1',
        )
        self.spaces['outside'].ip(
            f'route add 172.30.0.0/24 via {UPLINK}', f'address add {METADATA}/32 dev eth0'
        )
        host.ip(f'route add {METADATA}/32 via {OUT}')

    def _build_server(self, server: Server) -> None:
        space = self.spaces[server.name]
        self.spaces['host'].ip(
            f'link add {server.device} type veth peer name eth0 address {server.mac} '
            f'netns {space.path}',
            f'link set {server.device} master {server.bridge} up',
        )
        gateway = next(net.gateway for net in NETWORKS if net.bridge == server.bridge)
        space.ip(
            'link set eth0 up',
            f'address add {server.address}/24 dev eth0',
            f'route add default via {gateway}',
        )

    def _listen(self, name: str) -> None:
        with self.spaces[name].inside():
            for port in TCP_PORTS:
                listener = socket.create_server(('', port), backlog=512)
                self._add_listener(listener, name)
            for port in UDP_PORTS:
                listener = socket.socket(
                    socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET, socket.SOCK_DGRAM
                )
                listener.bind(('', port))
                self._add_listener(listener, name)

    def _add_listener(self, listener: socket.socket, name: str) -> None:
        listener.setblocking(False)
        self.listeners[listener] = name

    def close(self) -> None:
        """Release everything: the kernel deletes a namespace when its last file is closed."""
        for listener in self.listeners:
            listener.close()
        for space in self.spaces.values():
            os.close(space.file)

    def load(self, text: str) -> None:
        """Load a ruleset and delete all connections."""
        self.spaces['host'].run('nft', '-f', '-', text=text)
        self.spaces['host'].run('conntrack', '-F')

    def bridge_netfilter(self, on: bool) -> None:
        """Set what Docker and others enable: bridged packets then traverse the inet hooks too."""
        self.spaces['host'].sysctl({'bridge/bridge-nf-call-iptables': int(on)})

    def serve(self, listener: socket.socket) -> None:
        """Answer with the name of the machine that was reached."""
        name = self.listeners[listener]
        if listener.type == socket.SOCK_STREAM:
            connection, _peer = listener.accept()
            with connection:
                connection.sendall(name.encode())
            return
        request, peer = listener.recvfrom(2048)
        self.received.append((name, request))
        self.senders[request] = peer[0].removeprefix('::ffff:')
        with contextlib.suppress(OSError):
            listener.sendto(name.encode(), peer)

    def delivered(self, name: str, token: bytes, send: Callable[[], object]) -> bool:
        """Return whether a server receives the datagram `token`, which `send` sends."""
        self.received.clear()
        with selectors.DefaultSelector() as selector:
            for listener in self.listeners:
                selector.register(listener, selectors.EVENT_READ, listener)
            send()
            end = time.monotonic() + QUIET
            while (name, token) not in self.received and time.monotonic() < end:
                for key, _events in selector.select(0.05):
                    self.serve(key.data)
        return (name, token) in self.received

    def probe(self, probes: Sequence[Probe], expected: Iterable[Probe]) -> dict[Probe, str]:
        """Try all probes at the same time; return who answered, by probe."""
        answers: dict[Probe, str] = {}
        expected_probes = set(expected)
        for start in range(0, len(probes), BATCH):
            batch = probes[start : start + BATCH]
            answers.update(_Batch(self, batch, expected_probes.intersection(batch)).run())
        return answers

    def open(self, probe: Probe) -> socket.socket:
        """Return a socket that has begun to connect from the source of the probe."""
        with self.spaces[ANSWERERS[probe.source]].inside():
            kind, protocol = probe.kind
            client = socket.socket(socket.AF_INET, kind, protocol)
        client.setblocking(False)
        source = probe.host_address if probe.source == HOST else probe.source
        if source:
            client.bind((source, 0))
        client.connect_ex(
            (UPLINK if probe.destination == HOST else probe.destination, probe.port or 0)
        )
        return client


class _Batch:
    """A batch of probes at the same time."""

    def __init__(self, world: World, probes: Sequence[Probe], expected: set[Probe]) -> None:
        self.world = world
        self.expected = expected
        self.clients = {world.open(probe): probe for probe in probes}
        self.answers: dict[Probe, str] = {}

    def run(self) -> dict[Probe, str]:
        """Return who answered, by probe."""
        selector = selectors.DefaultSelector()
        try:
            for socket_ in (*self.world.listeners, *self.clients):
                selector.register(socket_, selectors.EVENT_READ, socket_)
            self._loop(selector)
        finally:
            selector.close()
            for client in self.clients:
                client.close()
        return self.answers

    def _loop(self, selector: selectors.BaseSelector) -> None:
        start = time.monotonic()
        complete = resend = start
        while (current := time.monotonic()) < min(complete + QUIET, start + LATEST):
            if current >= resend:
                self._send()
                resend = current + RESEND
            for key, _events in selector.select(0.05):
                if key.data in self.clients:
                    self._receive(selector, key.data)
                else:
                    self.world.serve(key.data)
            if not self.expected <= self.answers.keys():
                complete = time.monotonic()

    def _send(self) -> None:
        """Send the datagrams, and send those without an answer again: only TCP retransmits."""
        for client, probe in self.clients.items():
            if probe.protocol != 'tcp' and probe not in self.answers:
                with contextlib.suppress(OSError):
                    client.send(probe.request)

    def _receive(self, selector: selectors.BaseSelector, client: socket.socket) -> None:
        probe = self.clients[client]
        try:
            answer = client.recv(2048)
        except (ConnectionRefusedError, ConnectionResetError):
            self.answers[probe] = 'a refusal'
        except OSError:
            # No route, or the kernel's own "host unreachable": no answer.
            pass
        else:
            # Every echo reply has the right addresses, or the socket would not have received it.
            self.answers[probe] = (
                ANSWERERS[probe.destination] if probe.protocol == 'icmp' else answer.decode()
            )
        selector.unregister(client)


def verdict(path: Datapath, probe: Probe) -> tuple[bool, str]:
    """Return the verdict of `evaluate` and its reason."""
    result = evaluate(
        path, probe.source, probe.destination, probe.protocol, probe.port, probe.host_address
    )
    return result.allowed, result.why


def mismatches(world: World, path: Datapath, probes: Sequence[Probe]) -> list[str]:
    """Return the differences between packets and `evaluate` as messages."""
    verdicts = {probe: verdict(path, probe) for probe in probes}
    expected = [probe for probe, (allowed, _why) in verdicts.items() if allowed]
    answers = world.probe(probes, expected)
    messages = []
    for probe, (allowed, why) in verdicts.items():
        answerer = answers.get(probe)
        if answerer != (ANSWERERS[probe.destination] if allowed else None):
            says = 'yes' if allowed else 'no'
            messages.append(
                f'{probe}: answered by {answerer or "nobody"}, but evaluate says {says}: {why}'
            )
    return messages


@pytest.fixture(scope='module')
def world() -> Iterator[World]:
    """Create the world, and release it at the end."""
    created = World()
    try:
        created.build()
        yield created
    finally:
        created.close()


YES, NO = True, False
OPEN = [{'protocol': 'any'}]
Case = tuple[bool, str, str, str, 'int | None']
Rules = Mapping[str, Sequence[Mapping[str, object]]]
SCENARIOS: dict[str, tuple[Rules, Mapping[str, Sequence[str]], list[Case]]] = {
    'the default group allows all egress and no ingress': (
        {},
        {},
        [
            (NO, A, B, 'tcp', 80),
            (NO, A, B, 'udp', 81),
            (NO, A, B, 'icmp', None),
            (NO, A, FLOATING_C, 'tcp', 80),
            (NO, A, FLOATING_A, 'icmp', None),
            (NO, OUT, FLOATING_A, 'tcp', 22),
            (NO, OUT, FLOATING_A, 'icmp', None),
            (NO, OUT, A, 'tcp', 22),
            (NO, HOST, A, 'icmp', None),
            (NO, HOST, A, 'tcp', 22),
            (NO, HOST, FLOATING_A, 'icmp', None),
            (NO, GATEWAY, A, 'icmp', None),
            (YES, A, OUT, 'tcp', 80),
            (YES, B, OUT, 'udp', 81),
            (YES, D, OUT, 'icmp', None),
            (YES, E, OUT, 'tcp', 81),
            (YES, HOST, OUT, 'tcp', 80),
        ],
    ),
    'servers reach DHCP, DNS and ping of the host at their own gateway only': (
        {'open': OPEN},
        {'a': ('open',), 'b': ()},
        [
            (YES, A, GATEWAY, 'icmp', None),
            (YES, A, GATEWAY, 'tcp', 53),
            (YES, B, GATEWAY, 'udp', 53),
            (YES, D, GATEWAY_OTHER, 'icmp', None),
            (NO, A, GATEWAY, 'tcp', 22),
            (NO, A, GATEWAY, 'udp', 81),
            (NO, A, GATEWAY_OTHER, 'icmp', None),
            (NO, A, GATEWAY_OTHER, 'udp', 53),
            (NO, A, HOST, 'icmp', None),
            (NO, A, HOST, 'udp', 53),
            (NO, A, HOST, 'tcp', 22),
            (NO, OUT, GATEWAY, 'icmp', None),
            (NO, OUT, GATEWAY, 'tcp', 53),
            (YES, OUT, HOST, 'tcp', 53),
            (YES, HOST, GATEWAY, 'tcp', 22),
        ],
    ),
    'the groups of a port add up, for any source': (
        {
            'ssh': [{'preset': 'ssh'}],
            'web': [{'protocol': 'tcp', 'port': '80-81'}, {'preset': 'all_icmp'}],
        },
        {'a': ('ssh', 'web'), 'c': ('web', 'default'), 'd': ('web',)},
        [
            (YES, OUT, FLOATING_A, 'tcp', 22),
            (YES, OUT, FLOATING_A, 'tcp', 80),
            (YES, OUT, FLOATING_A, 'tcp', 81),
            (YES, OUT, FLOATING_A, 'icmp', None),
            (NO, OUT, FLOATING_A, 'tcp', 5432),
            (NO, OUT, FLOATING_A, 'udp', 80),
            (NO, OUT, FLOATING_C, 'tcp', 22),
            (YES, OUT, FLOATING_C, 'tcp', 80),
            (YES, B, A, 'tcp', 22),
            (NO, B, A, 'tcp', 5432),
            (NO, A, B, 'tcp', 22),
            (YES, HOST, A, 'tcp', 22),
            (YES, HOST, FLOATING_A, 'tcp', 80),
            (NO, HOST, FLOATING_A, 'udp', 81),
            (NO, HOST, A, 'tcp', 53),
            # through a floating address: from the same network, from itself, between networks
            (YES, B, FLOATING_A, 'tcp', 80),
            (NO, B, FLOATING_A, 'tcp', 5432),
            (YES, A, FLOATING_C, 'icmp', None),
            (YES, A, FLOATING_A, 'tcp', 22),
            (YES, A, FLOATING_D, 'tcp', 80),
            (YES, E, FLOATING_A, 'tcp', 22),
            (YES, E, FLOATING_D, 'tcp', 80),
        ],
    ),
    'networks are isolated, and the outside does not reach fixed addresses': (
        {'open': OPEN},
        dict.fromkeys(SERVERS, ('open',)),
        [
            (YES, A, B, 'tcp', 5432),
            (YES, D, E, 'udp', 53),
            (NO, A, D, 'tcp', 80),
            (NO, A, D, 'icmp', None),
            (NO, E, A, 'udp', 81),
            (YES, A, FLOATING_D, 'udp', 81),
            (YES, E, FLOATING_C, 'icmp', None),
            (NO, OUT, A, 'tcp', 80),
            (NO, OUT, E, 'udp', 81),
            (NO, OUT_OTHER, D, 'icmp', None),
            (YES, OUT, FLOATING_D, 'udp', 81),
            (YES, HOST, E, 'udp', 81),
            (YES, GATEWAY, E, 'tcp', 80),
        ],
    ),
    'a remote group means the fixed addresses of its members, also through a floating one': (
        {
            'db': [
                {'protocol': 'tcp', 'port': 5432, 'remote': 'group:web'},
                {'protocol': 'udp', 'port': 81, 'remote': 'db'},
            ],
            'web': [],
            'known': [
                {'protocol': 'tcp', 'port': 80, 'remote': FLOATING_A},
                {'protocol': 'tcp', 'port': 81, 'remote': A},
            ],
        },
        {'a': ('web',), 'b': ('db',), 'c': ('db', 'known'), 'd': ('web', 'default')},
        [
            (YES, A, B, 'tcp', 5432),
            (NO, A, B, 'tcp', 80),
            (NO, A, B, 'udp', 81),
            (YES, C, B, 'udp', 81),
            (NO, C, B, 'tcp', 5432),
            (YES, A, FLOATING_C, 'tcp', 5432),
            (YES, D, FLOATING_C, 'tcp', 5432),
            (NO, E, FLOATING_C, 'tcp', 5432),
            (NO, D, C, 'tcp', 5432),
            (YES, C, FLOATING_C, 'udp', 81),
            (NO, OUT, FLOATING_C, 'tcp', 5432),
            (NO, HOST, B, 'tcp', 5432),
            # the filter sees the source address before it is changed to the floating address
            (NO, A, FLOATING_C, 'tcp', 80),
            (YES, A, FLOATING_C, 'tcp', 81),
            (YES, A, C, 'tcp', 81),
        ],
    ),
    'egress rules in all groups of a port deny other egress': (
        {
            'open': OPEN,
            'way_in': [
                *OPEN,
                {'direction': 'egress', 'protocol': 'tcp', 'port': 22, 'remote': '10.99.0.0/24'},
            ],
            'out': [
                {'direction': 'egress', 'protocol': 'tcp', 'port': 80},
                {'direction': 'egress', 'protocol': 'udp', 'remote': 'group:peers'},
            ],
            'far': [
                {'direction': 'egress', 'protocol': 'tcp', 'port': 81, 'remote': '203.0.113.0/24'},
                {'direction': 'egress', 'protocol': 'icmp', 'remote': C},
            ],
            'peers': [],
        },
        {
            'a': ('way_in', 'out'),
            'b': ('open', 'peers'),
            'c': ('open',),
            'd': ('far', 'out', 'way_in'),
            'e': ('open',),
        },
        [
            (YES, A, OUT, 'tcp', 80),
            (NO, A, OUT, 'tcp', 81),
            (NO, A, OUT, 'icmp', None),
            (NO, A, OUT, 'udp', 53),
            (YES, A, B, 'tcp', 80),
            (YES, A, B, 'udp', 81),
            (NO, A, B, 'tcp', 22),
            (NO, A, C, 'udp', 81),
            (YES, A, FLOATING_C, 'tcp', 80),
            (NO, A, FLOATING_C, 'icmp', None),
            (YES, D, OUT, 'tcp', 81),
            (YES, D, OUT, 'tcp', 80),
            (NO, D, OUT, 'tcp', 22),
            # the filter sees the fixed address behind a floating one
            (NO, D, FLOATING_C, 'tcp', 81),
            (YES, D, FLOATING_C, 'icmp', None),
            (YES, A, GATEWAY, 'icmp', None),
            (YES, A, GATEWAY, 'udp', 53),
            # replies are not new connections
            (YES, OUT, FLOATING_A, 'tcp', 22),
            (YES, C, A, 'icmp', None),
            (YES, E, OUT, 'tcp', 22),
        ],
    ),
    'groups are a union: one without egress rules, or with one for all, lets everything out': (
        {
            'open': OPEN,
            'web': [{'preset': 'http'}],
            'out': [{'direction': 'egress', 'protocol': 'tcp', 'port': 80}],
            'far': [{'direction': 'egress', 'protocol': 'tcp', 'port': 81, 'remote': OUT}],
            'all': [
                {'direction': 'egress', 'protocol': 'any'},
                {'direction': 'egress', 'protocol': 'udp', 'port': 53},
            ],
        },
        {
            'a': ('out', 'web'),
            'b': ('all', 'out'),
            'c': ('far', 'out'),
            'd': ('default', 'far', 'out'),
            'e': ('open', 'out', 'far'),
        },
        [
            (YES, A, OUT, 'tcp', 81),
            (YES, A, OUT, 'udp', 53),
            (YES, A, OUT, 'icmp', None),
            (YES, B, OUT, 'tcp', 81),
            (YES, B, A, 'tcp', 80),
            (NO, B, A, 'tcp', 81),
            (YES, C, OUT, 'tcp', 80),
            (YES, C, OUT, 'tcp', 81),
            (NO, C, OUT, 'tcp', 22),
            (NO, C, OUT, 'icmp', None),
            (YES, C, A, 'tcp', 80),
            (YES, D, OUT, 'tcp', 22),
            (YES, D, E, 'udp', 81),
            (YES, E, OUT, 'icmp', None),
        ],
    ),
    'a remote is the source address that the filter sees': (
        {
            'near': [
                {'protocol': 'tcp', 'port': 80, 'remote': '192.168.0.0/25'},
                {'protocol': 'icmp', 'remote': GATEWAY},
            ],
            'far': [
                {'protocol': 'tcp', 'port': 81, 'remote': '203.0.113.9/32'},
                {'protocol': 'udp', 'remote': '203.0.113.8/31'},
            ],
        },
        {'a': ('near', 'far'), 'b': ('near',)},
        [
            (YES, C, A, 'tcp', 80),
            (YES, HOST, A, 'tcp', 80),
            (YES, HOST, FLOATING_A, 'icmp', None),
            (NO, C, A, 'icmp', None),
            (NO, E, FLOATING_A, 'tcp', 80),
            (YES, OUT, FLOATING_A, 'tcp', 81),
            (NO, OUT_OTHER, FLOATING_A, 'tcp', 81),
            (YES, OUT, FLOATING_A, 'udp', 53),
            (NO, OUT_OTHER, FLOATING_A, 'udp', 53),
            (NO, OUT, FLOATING_A, 'tcp', 80),
            (NO, GATEWAY_OTHER, A, 'tcp', 80),
        ],
    ),
    'without groups: no ingress, all egress': (
        {},
        dict.fromkeys(SERVERS, ()),
        [
            (NO, B, A, 'tcp', 80),
            (NO, OUT, FLOATING_A, 'icmp', None),
            (NO, HOST, A, 'udp', 81),
            (YES, A, OUT, 'tcp', 80),
            (YES, A, GATEWAY, 'icmp', None),
        ],
    ),
}


@pytest.fixture(params=[False, True], ids=['bare', 'br_netfilter'])
def netfilter(world: World, request: pytest.FixtureRequest) -> bool:
    """Without and with what Docker and others enable."""
    on = bool(request.param)
    world.bridge_netfilter(on)
    return on


@pytest.mark.parametrize('title', SCENARIOS)
def test_scenarios(world: World, netfilter: bool, title: str) -> None:
    """Cases written by hand: the case, `evaluate` and the packets agree."""
    groups, membership, cases = SCENARIOS[title]
    path = datapath(groups, membership)
    expected = {Probe(*case[1:]): case[0] for case in cases}
    assert {probe: verdict(path, probe)[0] for probe in expected} == expected
    world.load(render(path, 'test'))
    probes = [probe for probe in expected if not (netfilter and to_itself(probe))]
    assert mismatches(world, path, probes) == []


@pytest.mark.parametrize('allowed_from', [UPLINK, GATEWAY])
def test_host_sends_from_another_address(world: World, allowed_from: str) -> None:
    """The source of packets from the host to a floating address is its route's or its program's."""
    path = datapath(
        {'one': [{'protocol': 'tcp', 'port': 80, 'remote': allowed_from}]}, {'a': ('one',)}
    )
    probes = [
        Probe(HOST, to, 'tcp', 80, by)
        for to in (A, FLOATING_A)
        for by in (None, UPLINK, GATEWAY, GATEWAY_OTHER)
    ]
    assert [verdict(path, probe)[0] for probe in probes] == [
        (probe.host_address or GATEWAY) == allowed_from for probe in probes
    ]
    world.load(render(path, 'test'))
    assert mismatches(world, path, probes) == []


def _random_rule(chance: random.Random, names: Sequence[str]) -> dict[str, object]:
    protocol = chance.choice(['any', 'tcp', 'tcp', 'udp', 'icmp'])
    remotes = [
        'any',
        'any',
        '192.168.0.0/24',
        '192.168.0.8/30',
        '10.20.0.0/24',
        '203.0.113.0/24',
        OUT,
        GATEWAY,
        *(f'group:{name}' for name in names),
    ]
    rule: dict[str, object] = {
        'protocol': protocol,
        'remote': chance.choice(remotes),
        'direction': chance.choice(['ingress', 'ingress', 'ingress', 'egress']),
    }
    if protocol in ('tcp', 'udp'):
        rule['port'] = chance.choice([None, 53, 80, 81, '80-81', '1-80', '54-65535'])
    return rule


def random_datapath(seed: int) -> Datapath:
    """Return a datapath; the same for the same seed."""
    chance = random.Random(seed)
    names = ['g1', 'g2', 'g3', 'g4']
    groups = {}
    for name in names:
        groups[name] = [_random_rule(chance, names) for _number in range(chance.randrange(4))]
        # Else hardly any server had egress rules in all of its groups.
        if chance.random() < seed % 3 / 2:
            groups[name].append({**_random_rule(chance, names), 'direction': 'egress'})
    return datapath(
        groups, {name: tuple(chance.sample(names, chance.randrange(4))) for name in SERVERS}
    )


def to_itself(probe: Probe) -> bool:
    """Return whether a server probes its own floating address.

    With br_netfilter such a packet would have to leave the bridge by the port it came from, which
    only a port in hairpin mode does: it is dropped, whatever the rules say.
    """
    return ANSWERERS[probe.source] == ANSWERERS[probe.destination]


def all_probes() -> list[Probe]:
    """Return all probes between all places, without those that do not leave a place."""
    sources = [*(server.address for server in SERVERS.values()), HOST, GATEWAY, OUT, OUT_OTHER]
    # The outside answers datagrams from its first address only.
    destinations = [destination for destination in ANSWERERS if destination != OUT_OTHER]
    own = {(server.address, server.floating) for server in SERVERS.values()}
    return [
        Probe(source, destination, protocol, port)
        for source, destination, (protocol, port) in itertools.product(
            sources, destinations, QUERIES
        )
        if ANSWERERS[source] != ANSWERERS[destination] or (source, destination) in own
    ]


@pytest.mark.parametrize('seed', SEEDS)
def test_random_rules(world: World, seed: int) -> None:
    """Random groups, every second time with br_netfilter; the seed is in the name of the test."""
    path = random_datapath(seed)
    netfilter = seed % 2 == 0
    world.bridge_netfilter(netfilter)
    world.load(render(path, f'seed_{seed}'))
    probes = [probe for probe in all_probes() if not (netfilter and to_itself(probe))]
    answers = [verdict(path, probe)[0] for probe in probes]
    print(f'seed {seed}: {len(probes)} probes, {sum(answers)} of them allowed')
    assert mismatches(world, path, probes) == []


def test_comparison_reports_a_difference(world: World) -> None:
    """A rule that only the kernel has is reported, and nothing else."""
    requested = datapath({'web': [{'preset': 'http'}]}, {'a': ('web',)})
    loaded = datapath(
        {'web': [{'preset': 'http'}, {'protocol': 'tcp', 'port': 81}]}, {'a': ('web',)}
    )
    probes = [
        Probe(OUT, FLOATING_A, 'tcp', 80),
        Probe(OUT, FLOATING_A, 'tcp', 81),
        Probe(OUT, FLOATING_A, 'tcp', 22),
    ]
    world.load(render(loaded, 'test'))
    assert mismatches(world, requested, probes) == [
        f'{OUT} -> {FLOATING_A} tcp 81: answered by a, but evaluate says no: '
        f'no ingress rule of its groups (web) allows tcp 81 from {OUT}'
    ]


def test_ruleset_replaces_the_previous_one(world: World) -> None:
    """Nothing of the previous ruleset remains, and loading the same one again changes nothing."""
    world.load(render(random_datapath(1), 'one'))
    world.load(render(datapath({}, {}), 'two'))
    listed = world.spaces['host'].run('nft', 'list', 'ruleset')
    assert 'chain rev_two' in listed
    assert 'chain rev_one' not in listed
    world.load(render(datapath({}, {}), 'two'))
    assert world.spaces['host'].run('nft', 'list', 'ruleset') == listed


@pytest.mark.parametrize(
    'path',
    [
        (),
        (NETWORKS,),
        (NETWORKS, (Group('g', (Rule('ingress'), Rule('egress'))),)),
        ((), (Group('g-1_A'),)),
    ],
    ids=range(4),
)
def test_nearly_empty_rulesets_load(world: World, path: tuple[Any, ...]) -> None:
    """Before there is a server, and before there is a network."""
    world.load(render(Datapath(*path, by_bridge=has_bridge_meta()), 'test'))
    assert 'chain rev_test' in world.spaces['host'].run('nft', 'list', 'ruleset')


# The group of b may send to c. The following tests send one datagram and check whether it arrives.
FORGERY = (
    {'friends': [], 'trusting': [{'protocol': 'any', 'remote': 'group:friends'}]},
    {'b': ('friends',), 'c': ('trusting',)},
)
WITHOUT_BRIDGE = 'delete table bridge hanok\n'


def _datagram(world: World, name: str, source: str, destination: str, token: bytes) -> None:
    with world.spaces[name].inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        # The address need not belong to the sender.
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TRANSPARENT, 1)
        sender.bind((source, 0))
        sender.sendto(token, (destination, 81))


def _packet(protocol: int, source: str, destination: str, payload: bytes) -> bytes:
    """Return an IPv4 packet."""
    head = (
        bytearray([0x45, 0, 0, 20 + len(payload), 0, 1, 0, 0, 64, protocol, 0, 0])
        + socket.inet_aton(source)
        + socket.inet_aton(destination)
    )
    head[10:12] = _checksum(head)
    return bytes(head) + payload


def _checksum(data: bytes | bytearray) -> bytes:
    total = sum(int.from_bytes(data[at : at + 2], 'big') for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF).to_bytes(2, 'big')


def _udp(source_port: int, token: bytes, port: int = 81) -> bytes:
    return (
        b''.join(number.to_bytes(2, 'big') for number in (source_port, port, 8 + len(token), 0))
        + token
    )


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(':', ''))


def _frame(
    world: World,
    name: str,
    source_mac: str,
    destination_mac: str,
    packet: bytes,
    kind: bytes = b'\x08\x00',
) -> None:
    """Send a packet in a frame with these MAC addresses."""
    ethernet = _mac(destination_mac) + _mac(source_mac) + kind
    with world.spaces[name].inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(('eth0', 0))
        sender.send(ethernet + packet)


def _bridge_mac(world: World, bridge: str) -> str:
    words = world.spaces['host'].run('ip', '-brief', 'link', 'show', bridge).split()
    return words[2]


@pytest.mark.usefixtures('netfilter')
def test_port_sends_with_its_addresses_only(world: World) -> None:
    """Address, MAC and device are checked; without the bridge table the same packets arrive."""
    path = datapath(*FORGERY)
    text = render(path, 'test')
    gateway = _bridge_mac(world, 'hk0')
    attempts = {
        b'as b': partial(_datagram, world, 'a', B, C, b'as b'),
        b'mac of b': partial(
            _frame,
            world,
            'a',
            SERVERS['b'].mac,
            gateway,
            _packet(17, B, C, _udp(4000, b'mac of b')),
        ),
        b'through floating': partial(_datagram, world, 'a', B, FLOATING_C, b'through floating'),
    }
    control = b'b itself'
    for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
        world.load(loaded)
        assert world.delivered('c', control, partial(_datagram, world, 'b', B, C, control))
        assert {
            token: world.delivered('c', token, send) for token, send in attempts.items()
        } == dict.fromkeys(attempts, arrives)


def test_port_sends_with_its_mac_only(world: World) -> None:
    """The right address with another MAC, to the outside."""
    text = render(datapath({}, {}), 'test')
    for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
        world.load(loaded)
        token = b'mac %d' % arrives
        frame = (
            '52:54:00:00:00:77',
            _bridge_mac(world, 'hk0'),
            _packet(17, A, OUT, _udp(4000, token)),
        )
        assert world.delivered('outside', token, partial(_frame, world, 'a', *frame)) is arrives


@pytest.mark.usefixtures('netfilter')
def test_ports_reach_each_other_through_the_host_only(world: World) -> None:
    """A frame to the MAC of another port is dropped, even where the rules allow the datagram."""
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
        world.load(loaded)
        # The bridge must have learned where b is.
        assert world.delivered('c', b'here', partial(_datagram, world, 'b', B, C, b'here'))
        token = b'straight %d' % arrives
        assert (
            world.delivered(
                'b',
                token,
                partial(
                    _frame,
                    world,
                    'a',
                    SERVERS['a'].mac,
                    SERVERS['b'].mac,
                    _packet(17, A, B, _udp(4000, token)),
                ),
            )
            is arrives
        )


def test_ipv6_is_dropped(world: World) -> None:
    """Between ports, and from the host."""
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    local = (
        world.spaces['b']
        .run('ip', '-6', '-brief', 'address', 'show', 'dev', 'eth0', 'scope', 'link')
        .split()[2]
        .partition('/')[0]
    )

    def send(name: str, device: str, token: bytes) -> None:
        with (
            world.spaces[name].inside(),
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender,
            contextlib.suppress(OSError),
        ):
            sender.sendto(token, (local, 81, 0, socket.if_nametoindex(device)))

    # The neighbours are found first, so that it is the packet itself that is dropped then.
    without = f'{text}delete table inet hanok\n{WITHOUT_BRIDGE}'
    for loaded, arrives in ((without, True), (text, False)):
        world.load(loaded)
        for name, device in (('a', 'eth0'), ('host', 'hk0')):
            token = f'six {name} {arrives}'.encode()
            assert world.delivered('b', token, partial(send, name, device, token)) is arrives


def test_forged_fixed_addresses_from_outside_are_dropped(world: World) -> None:
    """A forged fixed address is no member of a group, whether a server has it or not."""
    path = datapath({'near': [{'protocol': 'any', 'remote': '192.168.0.0/24'}]}, {'c': ('near',)})
    text = render(path, 'test')
    line = '    iifname != @bridges ip saddr @tenant drop\n'
    assert text.count(line) == 1
    for loaded, arrives in ((text, False), (text.replace(line, ''), True)):
        world.load(loaded)
        for source in (B, FORGED):
            token = f'{source} {arrives}'.encode()
            assert (
                world.delivered(
                    'c', token, partial(_datagram, world, 'outside', source, FLOATING_C, token)
                )
                is arrives
            )


def test_established_connection_is_kept(world: World) -> None:
    """Closing a group denies new connections; established ones continue.

    To cut one, its entry in the connection table of the kernel has to be deleted.
    """
    path = datapath({'web': [{'preset': 'http'}]}, {'a': ('web',)})
    world.load(render(path, 'test'))
    listener = next(
        one
        for one, name in world.listeners.items()
        if name == 'a' and one.type == socket.SOCK_STREAM and one.getsockname()[1] == 80
    )
    with world.open(Probe(OUT, FLOATING_A, 'tcp', 80)) as client:
        client.settimeout(LATEST)
        listener.settimeout(LATEST)
        server, _peer = listener.accept()
        listener.setblocking(False)
        with server:
            server.settimeout(LATEST)
            server.sendall(b'before')
            assert client.recv(6) == b'before'
            world.spaces['host'].run('nft', '-f', '-', text=render(datapath({}, {}), 'closed'))
            client.sendall(b'after')
            assert server.recv(5) == b'after'
            assert mismatches(world, datapath({}, {}), [Probe(OUT, FLOATING_A, 'tcp', 80)]) == []


@pytest.mark.parametrize(
    ('source', 'destination', 'expected_source'),
    [
        (A, OUT, FLOATING_A),
        (B, OUT, UPLINK),
        (E, OUT, E),
        (A, C, A),
        (A, FLOATING_C, FLOATING_A),
        (B, FLOATING_C, B),
        (A, FLOATING_A, FLOATING_A),
        (OUT, FLOATING_A, OUT),
        (GATEWAY, FLOATING_A, GATEWAY),
    ],
)
def test_source_address_after_nat(
    world: World, source: str, destination: str, expected_source: str
) -> None:
    """The source is the floating address, else that of the host, or without NAT the fixed one."""
    world.bridge_netfilter(False)
    world.load(render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test'))
    token = f'{source} {destination}'.encode()
    assert world.delivered(
        ANSWERERS[destination],
        token,
        partial(_datagram, world, ANSWERERS[source], source, destination, token),
    )
    assert world.senders[token] == expected_source


def test_source_address_at_a_further_port(world: World) -> None:
    """A server whose default route is that of another port sees its gateway as the source.

    Without `further` it sees the real source, and its reply takes the other route.
    """
    world.bridge_netfilter(False)
    path = datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',)))
    for further, sources in (((), (OUT, FLOATING_C)), ((A,), (GATEWAY, GATEWAY))):
        world.load(render(replace(path, further=further), 'test'))
        for source, expected_source in zip((OUT, C), sources, strict=True):
            token = f'{source} {further}'.encode()
            assert world.delivered(
                'a', token, partial(_datagram, world, ANSWERERS[source], source, FLOATING_A, token)
            )
            assert world.senders[token] == expected_source


NO_ADDRESS, EVERYBODY, EVERY_MAC = '0.0.0.0', '255.255.255.255', 'ff:ff:ff:ff:ff:ff'


def _dhcp(mac: str, token: bytes) -> bytes:
    """A DHCP request of a MAC, with the fields that the filter reads (RFC 2131, section 2)."""
    return b'\x01\x01\x06\x00' + bytes(24) + _mac(mac) + bytes(10) + token


def _to_dhcp(world: World, source: str, mac: str) -> bool:
    """Return whether the host receives a DHCP request of b from an address, with a MAC."""
    message = _dhcp(mac, f'{source} {mac}'.encode())
    to, to_mac = (
        (EVERYBODY, EVERY_MAC) if source == NO_ADDRESS else (GATEWAY, _bridge_mac(world, 'hk0'))
    )
    packet = _packet(17, source, to, _udp(68, message, 67))
    return world.delivered(
        'host', message, partial(_frame, world, 'b', SERVERS['b'].mac, to_mac, packet)
    )


def test_server_without_address_sends_dhcp_only(world: World) -> None:
    """A server without an address may send DHCP requests, and nothing else."""
    world.load(render(datapath({}, {}), 'test'))
    assert _to_dhcp(world, NO_ADDRESS, SERVERS['b'].mac)
    packet = _packet(17, NO_ADDRESS, EVERYBODY, _udp(68, b'else', 81))
    assert not world.delivered(
        'host', b'else', partial(_frame, world, 'b', SERVERS['b'].mac, EVERY_MAC, packet)
    )


@pytest.mark.parametrize('source', [NO_ADDRESS, B])
def test_server_sends_dhcp_with_its_mac_only(world: World, source: str) -> None:
    """With the MAC of c, b could decline or release the address of c.

    Without the bridge table the request is received.
    """
    text = render(datapath({}, {}), 'test')
    for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
        world.load(loaded)
        assert _to_dhcp(world, source, SERVERS['b'].mac)
        assert _to_dhcp(world, source, SERVERS['c'].mac) is arrives


def test_fragmented_dhcp_is_dropped(world: World) -> None:
    """The filter reads the MAC from the first fragment; a shorter fragment is dropped."""
    text = render(datapath({}, {}), 'test')
    message = _dhcp(SERVERS['c'].mac, b'pieces')
    whole = _udp(68, message, 67)
    for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
        world.load(loaded)

        def send() -> None:
            # The first has the flag "more fragments"; the second begins at 4 times 8 bytes.
            for offset, piece in ((0x2000, whole[:32]), (4, whole[32:])):
                packet = bytearray(_packet(17, B, GATEWAY, piece))
                packet[4:8] = b'\x12\x34' + offset.to_bytes(2, 'big')
                packet[10:12] = b'\0\0'
                packet[10:12] = _checksum(packet[:20])
                _frame(world, 'b', SERVERS['b'].mac, _bridge_mac(world, 'hk0'), bytes(packet))

        assert world.delivered('host', message, send) is arrives


def _reaches(world: World, name: str, source: str, destination: str, receiver: str) -> bool:
    token = f'{source} {destination}'.encode()
    send = partial(_datagram, world, name, source, destination, token)
    return world.delivered(receiver, token, send)


@pytest.mark.usefixtures('netfilter')
def test_other_devices_of_the_host_are_not_the_outside(world: World) -> None:
    """Servers reach the named devices only: no containers, VPNs and other bridges of the host."""
    path = datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',)))
    for outside, arrives in (((), False), (('up0',), False), (('br-other', 'up0'), True)):
        world.load(render(replace(path, outside=outside), 'test'))
        assert [
            _reaches(world, 'a', A, OTHER, 'other'),
            _reaches(world, 'd', D, OTHER, 'other'),
        ] == [arrives, arrives]
        assert _reaches(world, 'a', A, OUT, 'outside') is ('up0' in outside)
        assert _reaches(world, 'outside', OUT, FLOATING_A, 'a')


def test_link_local_addresses_are_not_forwarded(world: World) -> None:
    """A host in a cloud gets credentials at a link-local address: its servers must not."""
    path = datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',)))
    text = render(path, 'test')
    line = '    ip daddr 169.254.0.0/16 drop\n'
    assert text.count(line) == 1
    assert not evaluate(path, A, METADATA, 'udp', 81).allowed
    for loaded, arrives in ((text, False), (text.replace(line, ''), True)):
        world.load(loaded)
        assert _reaches(world, 'a', A, METADATA, 'outside') is arrives


def test_pool_for_the_host_only(world: World) -> None:
    """The host and servers reach its addresses; the outside does not, whatever its routes.

    A server with such an address reaches the outside with the address of the host.
    """
    path = replace(
        datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), host_only=(f'{FLOATING_C}/32',)
    )
    world.load(render(path, 'test'))
    probes = [Probe(source, FLOATING_C, 'tcp', 80) for source in (OUT, A, C, D, HOST)]
    assert [verdict(path, probe)[0] for probe in probes] == [False, True, True, True, True]
    world.bridge_netfilter(False)
    assert mismatches(world, path, probes) == []
    assert not _reaches(world, 'other', OTHER, FLOATING_C, 'c')
    assert _reaches(world, 'outside', OUT, FLOATING_A, 'a')
    for source, expected_source in ((C, UPLINK), (A, FLOATING_A)):
        assert _reaches(world, ANSWERERS[source], source, OUT, 'outside')
        assert world.senders[f'{source} {OUT}'.encode()] == expected_source


def test_host_that_is_no_router(world: World) -> None:
    """It forwards for servers, and not for others."""
    path = datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',)))
    for router in (False, True):
        world.load(render(replace(path, router=router), 'test'))
        assert _reaches(world, 'outside', OUT, OTHER, 'other') is router
        assert _reaches(world, 'outside', OUT, FLOATING_A, 'a')
        assert _reaches(world, 'b', B, OUT, 'outside')


def test_foreign_device_on_a_bridge_cannot_send(world: World) -> None:
    """A device that is no port of the cloud sends nothing, whatever its name.

    This holds where nft knows the bridge of a packet; elsewhere only for names of the cloud.
    """
    host = world.spaces['host']
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    stray = Namespace()
    world.spaces['stray'] = stray
    host.ip(
        f'link add stray0 type veth peer name eth0 netns {stray.path}',
        'link set stray0 master hk0 up',
    )
    stray.ip('link set eth0 up', f'address add {B}/24 dev eth0', f'route add default via {GATEWAY}')
    try:
        for loaded, arrives in ((text, False), (text + WITHOUT_BRIDGE, True)):
            world.load(loaded)
            assert _reaches(world, 'stray', B, OUT, 'outside') is (arrives or not has_bridge_meta())
    finally:
        host.ip('neigh flush dev hk0')
        host.ip('link del stray0')
        os.close(world.spaces.pop('stray').file)


@pytest.mark.parametrize('limit', ['flows_from', 'flows_to'])
def test_connections_of_one_server_are_limited(world: World, limit: str) -> None:
    """A server at its limit gets no further connections; the next server does."""
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    few = re.sub(rf'(@{limit} .* ct count over) [0-9]+', r'\1 3', text)
    assert few != text
    world.load(few)

    def connects(name: str, server: str) -> bool:
        if limit == 'flows_from':
            return _reaches(world, name, server, OUT, 'outside')
        return _reaches(world, 'b', B, server, name)

    assert [connects('a', A) for _number in range(5)] == [True, True, True, False, False]
    assert connects('c', C)


def test_forged_arp_is_dropped(world: World) -> None:
    """A port sends ARP for its own address only: the neighbor entries of the host stay right."""
    host, a = world.spaces['host'], SERVERS['a']
    text = render(datapath({}, {}), 'test')
    host.sysctl({'ipv4/neigh/hk0/locktime': 0})
    # a sends a request for the gateway with the address of b.
    claim = (
        b'\x00\x01\x08\x00\x06\x04\x00\x01'
        + _mac(a.mac)
        + socket.inet_aton(B)
        + bytes(6)
        + socket.inet_aton(GATEWAY)
    )
    for loaded, answers in ((text, SERVERS['b'].mac), (text + WITHOUT_BRIDGE, a.mac)):
        world.load(loaded)
        host.ip(f'neigh replace {B} lladdr {SERVERS["b"].mac} nud stale dev hk0')
        _frame(world, 'a', a.mac, _bridge_mac(world, 'hk0'), claim, b'\x08\x06')
        end = time.monotonic() + QUIET
        while (
            current_mac := host.run('ip', 'neigh', 'show', B, 'dev', 'hk0').split()[2]
        ) != a.mac and time.monotonic() < end:
            time.sleep(0.02)
        assert current_mac == answers
    host.ip(f'neigh del {B} dev hk0')


def test_new_tcp_without_syn_is_dropped(world: World) -> None:
    """New TCP that is not a SYN is dropped: the server cannot revive a cut connection."""
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    middle = b''.join(
        number.to_bytes(2, 'big') for number in (4002, 9999, 0, 1, 0, 1, 0x5010, 1024, 0, 0)
    )
    middle = (
        middle[:16]
        + _checksum(socket.inet_aton(A) + socket.inet_aton(B) + b'\x00\x06\x00\x14' + middle)
        + middle[18:]
    )
    without = text.replace('    tcp flags & (fin|syn|rst|ack) != syn drop\n', '').replace(
        '    ct state invalid drop\n', ''
    )
    for loaded, arrives in ((text, False), (without, True)):
        world.load(loaded)
        with world.spaces['b'].inside():
            receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        with receiver:
            receiver.settimeout(QUIET)
            _frame(
                world, 'a', SERVERS['a'].mac, _bridge_mac(world, 'hk0'), _packet(6, A, B, middle)
            )
            assert (_next_payload(receiver)[:2] == middle[:2]) is arrives


def test_icmp_redirect_is_dropped(world: World) -> None:
    """A redirect is related to the connection that it quotes, and dropped all the same."""
    text = render(datapath({'open': OPEN}, dict.fromkeys(SERVERS, ('open',))), 'test')
    quoted = _packet(17, B, A, _udp(4001, b'')[:8])
    redirect = b'\x05\x01\x00\x00' + socket.inet_aton(C) + quoted
    redirect = redirect[:2] + _checksum(redirect) + redirect[4:]
    gateway = _bridge_mac(world, 'hk0')
    for loaded, arrives in (
        (text, False),
        (text.replace('    icmp type redirect drop\n', ''), True),
    ):
        world.load(loaded)
        with world.spaces['b'].inside():
            receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with receiver:
            receiver.settimeout(QUIET)
            token = b'flow %d' % arrives
            assert world.delivered(
                'a',
                token,
                partial(
                    _frame,
                    world,
                    'b',
                    SERVERS['b'].mac,
                    gateway,
                    _packet(17, B, A, _udp(4001, token)),
                ),
            )
            _frame(world, 'a', SERVERS['a'].mac, gateway, _packet(1, A, B, redirect))
            assert _next_payload(receiver)[:1] == (b'\x05' if arrives else b'')


def _next_payload(receiver: socket.socket) -> bytes:
    """Return the payload of the next packet, or nothing if none comes."""
    try:
        return receiver.recv(2048)[20:]
    except TimeoutError:
        return b''
