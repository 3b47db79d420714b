# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers and their network interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

from .change import AFTER_APPLY, plain_fields
from .checks import DEFAULT_GROUP
from .user_data import HIDDEN

DISK_MISSING, SEED_MISSING = 'its root disk is missing', 'its first-boot disk is missing'


@dataclass(frozen=True)
class Nic:
    """A server's connection to a network. ``name``: of the network. ``port``: a named port.

    ``security_groups``: its own; None: those of the server.
    """

    name: str
    fixed_ip: str = AFTER_APPLY
    mac: str = AFTER_APPLY
    port: str | None = None
    security_groups: Tuple[str, ...] | None = None

    def public(self) -> Dict[str, Any]:
        """The connection for the result of a module."""
        return plain_fields(self)

    def task_form(self) -> Dict[str, Any]:
        """The connection as a task specifies it: a port alone, or only the values that are set."""
        if self.port:
            return {'port': self.port}
        return {
            option: value
            for option, value in vars(self).items()
            if value not in (None, AFTER_APPLY)
        }


@dataclass(frozen=True)
class Server:
    """A server in its observed or desired state.

    ``memory`` is in MiB, ``volume_size`` in GB (2^30 bytes). ``user_data`` is a keyed hash
    (UserDataHash). ``power`` is started, stopped or paused. ``member_of`` is the group it was
    created in with count. ``faults``: how its machine differs from the record. ``reason``: why it
    is paused. ``seeded``: its first-boot disk exists. ``outdated``: options whose meaning changed
    since its creation. ``launched``: false while it is being created and its machine does not run,
    so that it can be re-created without loss.
    """

    name: str
    power: str = 'started'
    flavor: str | None = None
    vcpus: int = 0
    memory: int = 0
    image: str = ''
    key_names: Tuple[str, ...] = ()
    user_data: str | None = None
    init_script: str | None = None
    volume_size: int = 0
    security_groups: Tuple[str, ...] = (DEFAULT_GROUP,)
    networks: Tuple[Nic, ...] = (Nic('default'),)
    floating_ip: str | None = None
    volumes: Tuple[str, ...] = ()
    delete_protection: bool = False
    guest_agent: bool = True
    description: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    member_of: str | None = None
    id: str = AFTER_APPLY
    task_state: str | None = None
    faults: Tuple[str, ...] = ()
    reason: str = ''
    seeded: bool = True
    outdated: Tuple[str, ...] = ()
    launched: bool = True
    created_by: str = AFTER_APPLY
    created_at: str = AFTER_APPLY

    @property
    def status(self) -> str:
        """The status, as in Nova, or UNMANAGED if the machine differs from the record."""
        if self.task_state == 'creating':
            return 'BUILD'
        if self.faults:
            return 'UNMANAGED'
        return {'started': 'ACTIVE', 'stopped': 'SHUTOFF'}.get(self.power, 'PAUSED')

    def public(self) -> Dict[str, Any]:
        """The server for the result of a module."""
        fields = plain_fields(self, 'faults', 'reason', 'seeded', 'launched', 'power')
        billable = self.status in ('ACTIVE', 'SHUTOFF', 'PAUSED') and self.task_state != 'deleting'
        fields['user_data'] = HIDDEN if self.user_data else None
        fields['key_name'] = self.key_names[0] if self.key_names else None
        return {
            **fields,
            'status': self.status,
            'status_reason': '; '.join(self.faults) or self.reason or None,
            'billable': billable,
            'fixed_ip': self.networks[0].fixed_ip if self.networks else None,
        }
