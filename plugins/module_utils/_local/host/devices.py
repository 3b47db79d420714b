# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of the network devices of this host, and of a device of guests."""

from __future__ import annotations

# The name by which libvirt finds the channel of the guest agent.
AGENT_CHANNEL = 'org.qemu.guest_agent.0'
# Floating addresses are routed to it; without the firewall rules nothing behind it answers.
FLOATING_DEVICE = 'hanok0'


def bridge_name(network: int) -> str:
    """The bridge of a network, by the id of its row."""
    return f'hk{network}'


def tap_name(port: int) -> str:
    """The tap device of a port, by the id of its row; the firewall binds addresses to it."""
    return f'hkp{port}'


def bridge_tap_name(port: int) -> str:
    """The tap device of an interface on a bridge of the host; no rule of the firewall knows it."""
    return f'hkt{port}'


def proxy_line(device: str, address: str) -> str:
    """The command of ip(8) that sets a proxy."""
    return f'neigh replace proxy {address} dev {device}'
