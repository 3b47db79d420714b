# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of the tables (tables.py): each column is described once, as an item of them.

From it follow the tables of a new record, and in any record their indices and triggers
(definition.py), and the check of what is in them (damage.py). mypy checks what reads the rows.
Readers do not import this file: only type checkers do. The annotation of a column is its type, and
what ``Annotated`` adds: see columns.py.
"""

# ruff: noqa: UP045 (the annotations are evaluated, also by Python 3.9)

from __future__ import annotations

from typing import Annotated, Optional, TypedDict

from .columns import (
    INDEX,
    METADATA,
    RULES,
    AddedDescription,
    AddedLabels,
    AddedUuid,
    Description,
    Labels,
    OfBalancer,
    OfNetwork,
    OfServer,
    OptionalBalancer,
    OptionalServer,
    Protected,
    TaskState,
    Uuid,
    Value,
)


class Row(TypedDict):
    """Columns of all resources."""

    id: Annotated[int, 'PRIMARY KEY AUTOINCREMENT']
    project: Annotated[str, "DEFAULT 'default'"]
    created_by: str
    created_at: Annotated[str, "DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))"]


class KeypairRow(Row):
    """A key pair."""

    uuid: AddedUuid
    name: str
    public_key: Annotated[str, METADATA, Value.PUBLIC_KEY]
    description: AddedDescription
    labels: AddedLabels


class FlavorRow(Row):
    """A flavor of this cloud, beside those that it has by default. Memory: MiB, disk: GiB."""

    uuid: AddedUuid
    name: str
    family: str
    vcpus: int
    memory: int
    disk: int
    max_vcpus: Optional[int]
    max_memory: Optional[int]
    description: Description
    labels: AddedLabels
    # Of the bandwidth and the operations of its servers, by option, as JSON.
    limits: Annotated[str, "DEFAULT '{}'", Value.LIMITS]
    visibility: Annotated[str, "DEFAULT 'private'", Value.VISIBILITY]
    shared_with: Annotated[str, "DEFAULT '[]'", Value.JSON]  # projects
    task_state: TaskState


class NetworkRow(Row):
    """A network."""

    uuid: Uuid
    name: str
    cidr: Annotated[str, 'UNIQUE', RULES, Value.CIDR]
    gateway: Annotated[str, RULES, Value.ADDRESS]
    description: Description
    labels: Labels
    task_state: TaskState
    delete_protection: Protected


class SecurityGroupRow(Row):
    """A security group."""

    uuid: AddedUuid
    name: Annotated[str, RULES]
    # The number of pending requests to end connections that the rules no longer allow.
    to_cut: Annotated[int, 'DEFAULT 0']
    description: Description
    labels: AddedLabels


class SecurityGroupRuleRow(Row):
    """A rule of a security group."""

    group_id: Annotated[int, 'REFERENCES security_group ON DELETE CASCADE', RULES, INDEX]
    direction: Annotated[str, RULES]
    protocol: Annotated[str, RULES]
    port_min: Annotated[Optional[int], RULES]
    port_max: Annotated[Optional[int], RULES]
    remote_cidr: Annotated[str, RULES]
    remote_group_id: Annotated[Optional[int], 'REFERENCES security_group', RULES]


class ServerRow(Row):
    """A server. Memory: MiB."""

    uuid: Uuid
    name: Annotated[str, RULES, METADATA, Value.HOST_NAME]
    member_of: Annotated[Optional[str], METADATA, INDEX]
    flavor: Annotated[Optional[str], METADATA]
    vcpus: Annotated[int, METADATA]
    memory: Annotated[int, METADATA]
    # What it can get while it runs; NULL: no more than it has.
    max_vcpus: Annotated[Optional[int], METADATA]
    max_memory: Annotated[Optional[int], METADATA]
    image_id: Annotated[int, 'REFERENCES image']
    key_name: Optional[str]  # its first key pair; the others are in server_keypair
    user_data: Optional[str]
    init_script: Optional[str]
    init_script_seal: Optional[str]  # the keyed hash of its content; NULL if unknown
    type: Annotated[str, "DEFAULT 'vm'", METADATA, Value.SERVER_TYPE]
    power: Annotated[str, Value.POWER]
    delete_protection: Annotated[int, METADATA]
    guest_agent: Annotated[int, 'DEFAULT 1', METADATA]
    on_crash: Annotated[str, "DEFAULT 'restart'", METADATA, Value.ON_CRASH]
    # At the boot of the host: hanok-start of the role host reads them in the metadata.
    start_order: Annotated[int, 'DEFAULT 0', METADATA]
    start_delay: Annotated[int, 'DEFAULT 0', METADATA]
    # Of a container. The servers: JSON.
    dns_servers: Annotated[str, "DEFAULT '[]'", METADATA, Value.JSON]
    dns_domain: Annotated[str, "DEFAULT ''", METADATA]
    root_password: Optional[str]
    swap: Annotated[int, 'DEFAULT 0', METADATA]  # MiB
    root_size: Annotated[int, 'DEFAULT 0', METADATA]  # GB; 0: nothing limits its files
    # What of it is not as by default, as JSON.
    hardware: Annotated[str, "DEFAULT '{}'", METADATA, Value.HARDWARE]
    # The image that it is rescued with; NULL: it is not.
    rescue_image_id: Annotated[Optional[int], 'REFERENCES image', INDEX]
    # Its size before a resize that is not confirmed yet, as JSON.
    resized_from: Annotated[Optional[str], Value.JSON]
    # How far its creation is, in the words of task states; task_state is creating all the while.
    phase: TaskState
    description: Description
    labels: Labels
    task_state: TaskState


class ServerKeypairRow(Row):
    """A key pair of a server that has several."""

    server_id: OfServer
    keypair_id: Annotated[int, 'REFERENCES keypair', INDEX]
    position: int


class BridgePortRow(Row):
    """A network interface of a server on a bridge of the host."""

    server_id: Annotated[OfServer, INDEX]
    bridge: Annotated[str, RULES, METADATA, Value.DEVICE]
    mac: Annotated[str, METADATA, Value.MAC]
    vlan: Annotated[int, 'DEFAULT 0', METADATA]


class BalancerRow(Row):
    """A load balancer."""

    uuid: Uuid
    name: Annotated[str, RULES, Value.NAME]
    algorithm: Annotated[str, RULES, METADATA, Value.ALGORITHM]
    listeners: Annotated[str, RULES, METADATA, Value.LISTENERS]
    health_check: Annotated[Optional[str], RULES, METADATA, Value.HEALTH_CHECK]
    description: Description
    labels: Labels
    task_state: TaskState


class BalancerMemberRow(Row):
    """A server that is a member of a load balancer."""

    balancer_id: Annotated[OfBalancer, RULES, METADATA]
    server_id: Annotated[OfServer, RULES, METADATA]


class PortRow(Row):
    """A port, of a server, of a load balancer, or named and of none."""

    uuid: AddedUuid
    name: Optional[str]
    network_id: OfNetwork
    server_id: OptionalServer
    balancer_id: OptionalBalancer
    position: int
    address: Annotated[str, RULES, Value.ADDRESS]
    mac: Annotated[str, RULES, Value.MAC]
    own_groups: Annotated[int, 'DEFAULT 0', METADATA]
    description: AddedDescription
    labels: AddedLabels


class PortSecurityGroupRow(Row):
    """A security group of a port."""

    port_id: Annotated[int, 'REFERENCES port ON DELETE CASCADE', RULES, METADATA]
    group_id: Annotated[int, 'REFERENCES security_group', RULES, METADATA, INDEX]


class FloatingIpRow(Row):
    """A floating IP. Automatic: it is deleted with its server."""

    uuid: AddedUuid
    name: Annotated[Optional[str], METADATA]
    address: Annotated[str, 'UNIQUE', RULES, Value.ADDRESS]
    pool: str
    port_id: Annotated[Optional[int], 'UNIQUE REFERENCES port ON DELETE SET NULL', RULES, METADATA]
    automatic: Annotated[int, METADATA]
    description: Description
    labels: Labels
    delete_protection: Protected


class InitScriptRow(Row):
    """An init script."""

    uuid: AddedUuid
    name: str
    content: str
    description: Description
    labels: Labels


class ProjectRow(Row):
    """A project that was declared; its column project is its name, too. Quotas: a JSON mapping."""

    uuid: AddedUuid
    name: Annotated[str, 'UNIQUE', Value.NAME]
    quotas: Annotated[str, "DEFAULT '{}'", Value.QUOTAS]
    members: Annotated[Optional[str], Value.MEMBERS]  # roles by name; NULL: none are declared
    description: Description
    labels: Labels


class HistoryRow(TypedDict):
    """What was changed, by whom, and how it ended. It refers to no row: it outlives them."""

    id: Annotated[int, 'PRIMARY KEY AUTOINCREMENT']
    project: str
    began_at: Annotated[str, INDEX]
    ended_at: Optional[str]
    seconds: Optional[float]
    actor: str
    job: Optional[str]
    module: str
    kind: str
    name: str
    uuid: Optional[str]
    verb: str
    before: Annotated[Optional[str], Value.JSON]
    after: Annotated[Optional[str], Value.JSON]
    why: str
    result: Optional[str]
    error: Optional[str]


class ScheduleRow(Row):
    """A schedule. Servers: JSON, names. Options: JSON, those of its action."""

    uuid: AddedUuid
    name: Annotated[str, Value.NAME]
    action: str
    on_calendar: str
    servers: Annotated[str, Value.JSON]
    server_labels: Annotated[str, Value.LABELS]
    options: Annotated[str, Value.JSON]
    description: str
    labels: Annotated[str, Value.LABELS]
