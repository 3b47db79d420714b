# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DHCP and DNS of a network: reserved addresses and names of servers, whatever a server sends.

The servers are stopped; network namespaces with their ports and MACs send in their place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import keep, run
from .test_ground import eventually, output_of
from .test_packets import Namespace

# RFC 2131, section 2, and RFC 2132, section 9
BROADCAST = 0x8000
COOKIE = bytes([99, 130, 83, 99])
DISCOVER, OFFER, REQUEST, DECLINE, ACK = 1, 2, 3, 4, 5
ADDRESS, TYPE, SERVER, END = 50, 53, 54, 255
FORWARDING = '3'  # BR_STATE_FORWARDING of linux/if_bridge.h; before, a bridge drops all packets
TIMEOUT = 3.0  # seconds until an answer is not expected any more


@dataclass
class Client:
    """A DHCP client at the port of a server."""

    namespace: Namespace
    mac: str
    address: str
    gateway: str

    def offered(self) -> str:
        """The address that the DHCP server offers, and leases on request; empty if it does not."""
        offer = self._exchange(DISCOVER, OFFER)
        if not offer:
            return ''
        leased = self._exchange(REQUEST, ACK, address=offer)
        assert leased in ('', offer)
        return leased

    def decline(self, address: str, mac: str) -> None:
        """Tell the DHCP server, as the client with a MAC, that an address is in use by others."""
        with self._socket() as stream:
            stream.sendto(self._message(DECLINE, mac, 1, address), ('255.255.255.255', 67))

    def _exchange(self, kind: int, answer: int, address: str = '') -> str:
        """Send a message; return the address in the answer, or nothing."""
        number = secrets.randbits(32)
        with self._socket() as stream:
            stream.settimeout(TIMEOUT)
            stream.sendto(self._message(kind, self.mac, number, address), ('255.255.255.255', 67))
            with contextlib.suppress(TimeoutError):
                while True:
                    received = stream.recv(2048)
                    (found,) = struct.unpack_from('!I', received, 4)
                    if found == number and bytes([TYPE, 1, answer]) in received[240:]:
                        return socket.inet_ntoa(received[16:20])
        return ''

    def _message(self, kind: int, mac: str, number: int, address: str) -> bytes:
        head = struct.pack('!BBBBIHH16x', 1, 1, 6, 0, number, 0, BROADCAST)
        options = bytes([TYPE, 1, kind])
        if address:
            for option, value in ((ADDRESS, address), (SERVER, self.gateway)):
                options += bytes([option, 4]) + socket.inet_aton(value)
        hardware = bytes.fromhex(mac.replace(':', ''))
        return head + hardware.ljust(16 + 64 + 128, b'\0') + COOKIE + options + bytes([END])

    @contextlib.contextmanager
    def _socket(self) -> Iterator[socket.socket]:
        with self.namespace.inside():
            stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
            stream.bind(('0.0.0.0', 68))
            yield stream


@pytest.fixture
def clients(image: str) -> Iterator[tuple[Client, Client]]:
    """Clients at the ports of two stopped servers."""
    options = {'count': 2, 'image': image, 'flavor': 'g1.nano', 'state': 'stopped'}
    keep('server', name='leases', **options)
    (network,) = run('network_info', name='default')['networks']
    query = 'SELECT port.id, mac, address FROM port JOIN server ON server.id = server_id '
    with contextlib.closing(sqlite3.connect('/var/lib/hanok/hanok.db')) as record:
        ports = record.execute(query + "WHERE server.name LIKE 'leases-_' ORDER BY 1").fetchall()
    found = []
    for number, mac, address in ports:
        space = Namespace()
        device = f'hkp{number}'
        output_of(
            *f'ip link add {device} type veth peer name eth0 address {mac} netns'.split(),
            space.path,
        )
        output_of(*f'ip link set {device} master {network["bridge"]} up'.split())
        space.ip('link set eth0 up')
        state = Path(f'/sys/class/net/{device}/brport/state')
        eventually(lambda state=state: state.read_text('ascii').strip() == FORWARDING)
        found.append(Client(space, mac, address, network['gateway']))
    yield found[0], found[1]
    for number, _mac, _address in ports:
        output_of('ip', 'link', 'delete', f'hkp{number}')
    for client in found:
        os.close(client.namespace.file)
    restart_dnsmasq(network['bridge'])
    keep('server', name='leases', count=0, allow_shrink=True)


def restart_dnsmasq(bridge: str) -> None:
    """Restart it: it forgets which addresses were declined, for ten minutes, and reads files."""
    os.kill(int(Path(f'/run/libvirt/network/{bridge}.pid').read_text('ascii')), signal.SIGKILL)
    fault = 'network default has no running DHCP server'
    eventually(lambda: fault in str(run('network_info').get('warnings')))
    keep('network', name='default')


def test_an_address_is_declined_by_another_server(clients: tuple[Client, Client]) -> None:
    """It has no effect; without the bridge table the other server would lose its address."""
    attacker, victim = clients
    assert victim.offered() == victim.address
    attacker.decline(victim.address, victim.mac)
    assert attacker.offered() == attacker.address
    assert victim.offered() == victim.address
    output_of('nft', 'delete', 'table', 'bridge', 'hanok')
    attacker.decline(victim.address, victim.mac)
    assert victim.offered() == ''


def test_an_address_is_declined_by_its_server(clients: tuple[Client, Client]) -> None:
    """It gets no other address, as the firewall would not let it use that."""
    client, other = clients
    assert client.offered() == client.address
    client.decline(client.address, client.mac)
    assert client.offered() in ('', client.address)
    assert other.offered() == other.address


def resolved(server: str, name: str) -> bool:
    """Whether a DNS server knows the address of a name (RFC 1035, section 4)."""
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    query = struct.pack('!6H', 1, 0x0100, 1, 0, 0, 0) + labels + struct.pack('!BHH', 0, 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(5)
        stream.sendto(query, (server, 53))
        (answers,) = struct.unpack_from('!H', stream.recv(512), 6)
    return bool(answers)


def test_names_of_the_host_are_not_served(clients: tuple[Client, Client]) -> None:
    """Those in its /etc/hosts, which in a world is a copy."""
    with Path('/etc/hosts').open('a', encoding='utf-8') as file:
        file.write('203.0.113.99 known-to-the-host\n')
    (network,) = run('network_info', name='default')['networks']
    restart_dnsmasq(network['bridge'])
    assert resolved(network['gateway'], 'leases-1')
    assert not resolved(network['gateway'], 'known-to-the-host')
