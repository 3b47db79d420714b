# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands for the agents of neutron: ports and floating IPs have a status, packets go nowhere.

Every port can be bound and is ACTIVE at once, as with Open vSwitch and its agent; a floating IP is
ACTIVE as long as it has a port, as with the L3 agent.
"""

from __future__ import annotations

from typing import Any

from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import constants as plugin_constants
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api


class NoNetworkDriver(api.MechanismDriver):
    """The driver of ML2."""

    def initialize(self) -> None:
        """Listen to changes of floating IPs."""
        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(self._floating_ip_changed, resources.FLOATING_IP, event)

    def bind_port(self, context: Any) -> None:
        """Bind a port to its first segment."""
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OVS,
                {portbindings.CAP_PORT_FILTER: True},
                status=constants.PORT_STATUS_ACTIVE,
            )

    def _floating_ip_changed(
        self, resource: str, event: str, trigger: Any, payload: Any = None
    ) -> None:
        floating_ip = payload.latest_state or {}
        status = (
            constants.FLOATINGIP_STATUS_ACTIVE
            if floating_ip.get('port_id')
            else constants.FLOATINGIP_STATUS_DOWN
        )
        if floating_ip.get('status') != status:
            router_plugin = directory.get_plugin(plugin_constants.L3)
            context = neutron_context.get_admin_context()
            router_plugin.update_floatingip_status(context, payload.resource_id, status)
            floating_ip['status'] = status
