# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base chains of the inet table and the stages they lead to; the same for every datapath."""

from __future__ import annotations

from collections.abc import Sequence

from ..._model.datapath import LINK_LOCAL
from .nft_text import chain

# The maximum number of connections from or to one server: all servers of the host share the table
# of the kernel (262,144 entries by default).
MAX_CONNECTIONS = 16384
COUNTED = ('flows_from', 'flows_to')  # sets that the kernel fills
_LIMIT_SOURCE = f'add @flows_from {{ ip saddr ct count over {MAX_CONNECTIONS} }} drop'
_LIMIT_TARGET = f'add @flows_to {{ ip daddr ct count over {MAX_CONNECTIONS} }} drop'

_NEW_ONLY = (
    'ct state invalid drop',
    'meta nfproto ipv6 drop',
    'tcp flags & (fin|syn|rst|ack) != syn drop',
)


def stages() -> list[str]:
    """Return the chains that the base chains lead to."""
    return [
        *chain(
            'from_bridge',
            [
                f'ip daddr {LINK_LOCAL} drop',
                *_known('accept'),
                *_NEW_ONLY,
                'oifname @bridges ct status & dnat == 0 iifname . oifname != @links drop',
                # Other bridges, VPNs and containers of the host are not the outside.
                'oifname != @bridges oifname != @outside drop',
                _LIMIT_SOURCE,
                'ip saddr vmap @egress',
                'drop',
            ],
        ),
        *chain(
            'to_bridge',
            [
                *_known('goto ok'),
                *_NEW_ONLY,
                'iifname != @bridges ct status & dnat == 0 drop',
                # Servers do not come from outside: a forged source must not pass for a member of a
                # group.
                'iifname != @bridges ip saddr @tenant drop',
                _LIMIT_TARGET,
                'ip daddr vmap @ingress',
                'drop',
            ],
        ),
        *chain(
            'from_host',
            [
                *_known('accept'),
                'meta nfproto ipv6 drop',
                'udp sport 67 udp dport 68 accept',
                'ip daddr vmap @ingress',
                'drop',
            ],
        ),
        *chain(
            'to_host',
            [
                *_known('accept'),
                'meta nfproto ipv6 drop',
                'ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
                _LIMIT_SOURCE,
                'iifname . ip daddr @own_gateway udp dport 67 accept',
                'iifname . ip daddr @own_gateway meta l4proto { tcp, udp } th dport 53 accept',
                'iifname . ip daddr @own_gateway icmp type echo-request accept',
                'drop',
            ],
        ),
    ]


def _known(verdict: str) -> list[str]:
    """Return the rules for packets of known connections.

    An ICMP redirect counts as related, but would let a server change a route: it is dropped first.
    """
    return [
        f'ct state established {verdict}',
        'icmp type redirect drop',
        f'ct state related {verdict}',
    ]


def hooks(is_router: bool, host_bridges: Sequence[str] = ()) -> list[str]:
    """Return the base chains that filter."""
    # Forwarding was enabled for servers: it must not make the host a router for others. Where
    # br_netfilter is active, what passes a bridge is seen here, too.
    links = ', '.join(f'"{bridge}" . "{bridge}"' for bridge in host_bridges)
    passing = f' iifname . oifname != {{ {links} }}' if links else ''
    others = [] if is_router else [f'oifname != @bridges{passing} ct state new drop']
    return [
        # Before the floating address is translated to a fixed one.
        *chain(
            'arriving',
            ['iifname != @bridges iifname != "lo" ip daddr @host_only drop'],
            'filter hook prerouting priority dstnat - 20',
        ),
        *chain(
            'forward_egress',
            ['iifname @bridges goto from_bridge', *others],
            'filter hook forward priority filter - 20',
        ),
        *chain(
            'forward_ingress',
            ['oifname @bridges goto to_bridge'],
            'filter hook forward priority filter - 10',
        ),
        *chain(
            'output',
            [
                'ip daddr @gateways accept',
                'ip daddr @tenant goto from_host',
                'oifname @bridges goto from_host',
            ],
            'filter hook output priority filter - 10',
        ),
        *chain(
            'input',
            # Gateways reply to their own network only; replies to the host itself may come from
            # anywhere.
            [
                'iifname @bridges goto to_host',
                'iifname != "lo" ip daddr @gateways ct state & (established | related) == 0 drop',
            ],
            'filter hook input priority filter - 10',
        ),
    ]


def nat_hooks() -> list[str]:
    """Return the base chains that translate addresses."""
    to_fixed = ['dnat ip to ip daddr map @floating_dnat']
    return [
        *chain('nat_forwarded', to_fixed, 'nat hook prerouting priority dstnat - 10'),
        *chain('nat_host', to_fixed, 'nat hook output priority -110'),
        *chain(
            'nat_leaving',
            [
                # The gateway is on the link: the guest replies there, whatever routes it has.
                'ct status dnat ip daddr @further masquerade',
                'oifname != @bridges snat ip to ip saddr map @floating_out',
                'ct status dnat snat ip to ip saddr map @floating_snat',
                'oifname != @bridges ip saddr @masqueraded masquerade',
            ],
            'nat hook postrouting priority srcnat - 10',
        ),
    ]
