# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bridge table: binds each port to its MAC and IP address, and prevents direct forwarding."""

from __future__ import annotations

from ..._model.datapath import Datapath
from .nft_text import chain, named_set, quoted, typeof_set

# Set by the inet filter on a packet for a floating address. Where br_netfilter is active, the
# kernel carries such a packet over the bridge from port to port, and the bridge must know that it
# has passed the filter.
MARK = 0x00400000

# The client of a DHCP message (RFC 2131, chaddr): 28 bytes into it, after the 8 bytes of UDP.
_CHADDR = '@th,288,48'
_CLIENT = f'iifname . {_CHADDR} @port_client'

_FROM_PORT = [
    f'ether type ip iifname . ether saddr . ip saddr @port_address udp dport 67 {_CLIENT} accept',
    'ether type ip ip saddr 0.0.0.0 iifname . ether saddr @port_mac '
    f'udp sport 68 udp dport 67 {_CLIENT} accept',
    'ether type ip udp dport 67 drop',
    'ether type ip iifname . ether saddr . ip saddr @port_address accept',
    'ether type arp iifname . ether saddr . arp saddr ip @port_address '
    'iifname . arp saddr ether @port_mac accept',
    'ether type arp arp operation request arp saddr ip 0.0.0.0 '
    'iifname . arp saddr ether @port_mac iifname . ether saddr @port_mac accept',
    'drop',
]
_GATE = [f'ether type ip meta mark & {MARK:#x} == {MARK:#x} accept', 'drop']


def bridge_table(datapath: Datapath) -> list[str]:
    """Return the lines of the table."""
    entering = ['iifname "hkp*"']
    leaving = ['oifname "hkp*"']
    if datapath.by_bridge:
        # Any other device that is attached to a bridge is filtered too, as an unknown port.
        entering.append('meta ibrname @bridges')
        leaving.append('meta obrname @bridges')
    prerouting = [f'{match} goto from_port' for match in entering]
    forward = [f'{match} goto gate' for match in (*entering, *leaving)]
    return [
        *_sets(datapath),
        *chain('from_port', _FROM_PORT),
        *chain('gate', _GATE),
        *chain('prerouting', prerouting, 'filter hook prerouting priority -400'),
        *chain('forward', forward, 'filter hook forward priority 10'),
    ]


def _sets(datapath: Datapath) -> list[str]:
    bridges = sorted(net.bridge for net in datapath.networks)
    addresses = []
    macs = []
    clients = []
    for port in sorted(datapath.ports, key=lambda port: port.device):
        device = f'"{port.device}"'
        digits = port.mac.replace(':', '')
        addresses.append(f'{device} . {port.mac} . {port.address}')
        macs.append(f'{device} . {port.mac}')
        clients.append(f'{device} . 0x{digits}')
    return [
        *named_set('bridges', 'ifname', quoted(bridges)),
        *named_set('port_address', 'ifname . ether_addr . ipv4_addr', addresses),
        *named_set('port_mac', 'ifname . ether_addr', macs),
        *typeof_set('port_client', f'iifname . {_CHADDR}', clients),
    ]
