# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Define and start networks in libvirt."""

from __future__ import annotations

from html import escape
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ..host.devices import bridge_name
from ..host.hypervisor import tolerate
from ..record.host import Host
from .dhcp_texts import options

if TYPE_CHECKING:
    from ..record.rows import NetworkRow

_XML = """<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
  <name>{bridge}</name><uuid>{uuid}</uuid><forward mode='open'/>
  <bridge name='{bridge}' stp='off' delay='0'/>
  <ip address='{gateway}' prefix='{prefix}'/>
  <dnsmasq:options>{options}</dnsmasq:options>
</network>"""


def start_network(host: Host, row: NetworkRow) -> None:
    """Define a network and start it; one that is active in libvirt is stopped first."""
    network = host.hypervisor.qemu.networkDefineXML(
        _xml(row['id'], row['uuid'], row['cidr'], row['gateway'])
    )
    network.setAutostart(1)
    if network.isActive():
        network.destroy()
    with tolerate('OPERATION_INVALID'):  # another run has started it
        network.create()


def _xml(
    network: int,
    uuid: str,
    cidr: str,
    gateway: str,
) -> str:
    """The libvirt network of a row.

    It has no DHCP range of libvirt: our options restrict dnsmasq to reserved addresses.
    """
    settings = ''.join(
        f"<dnsmasq:option value='{option}'/>" for option in options(network, gateway)
    )
    return _XML.format(
        bridge=bridge_name(network),
        uuid=escape(uuid),
        gateway=escape(gateway),
        prefix=IPv4Network(cidr).prefixlen,
        options=settings,
    )
