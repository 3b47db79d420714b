# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands for the virtual machines of octavia: they are UUIDs.

Ports are those of neutron, so that the network driver of octavia works as it is: the VIP, its
security group and its floating IP are real.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from octavia.common import clients
from octavia.compute.drivers.noop_driver import driver as noop
from oslo_config import cfg


class Interface(NamedTuple):
    """What octavia reads of an interface."""

    port_id: str
    net_id: str
    fixed_ips: list[dict[str, str]]


class NoAmphoraDriver(noop.NoopComputeDriver):
    """The driver that makes amphorae."""

    def attach_network_or_port(
        self,
        compute_id: str,
        network_id: str | None = None,
        ip_address: str | None = None,
        port_id: str | None = None,
    ) -> Interface:
        """Plug a port, as nova would."""
        network = _network()
        if not port_id:
            chosen = {'fixed_ips': [{'ip_address': ip_address}]} if ip_address else {}
            port_id = network.create_port(network_id=network_id, **chosen).id
        port = network.update_port(port_id, device_id=compute_id, binding_host_id=cfg.CONF.host)
        return Interface(port.id, port.network_id, port.fixed_ips)

    def detach_port(self, compute_id: str, port_id: str) -> None:
        """Unplug a port, which remains."""
        network = _network()
        if network.find_port(port_id):
            network.update_port(port_id, device_id='', binding_host_id='')


def _network() -> Any:
    return clients.NeutronAuth.get_neutron_client().network
