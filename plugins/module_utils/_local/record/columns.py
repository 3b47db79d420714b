# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the description of a column (rows.py) consists of beside its type.

It is an argument of ``Annotated``: SQL as text, marks, and what the values are.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Optional


class Mark(Enum):
    """What follows from a column."""

    RULES = 'rules'  # rules, DHCP and load balancers: a change of it increments the revision
    METADATA = 'metadata'  # the metadata of machines: a change of it increments theirs
    INDEX = 'index'
    RANDOM_UUID = 'random uuid'  # in the place of the default


class Value(Enum):
    """What the values of a column are, where its type does not say it (damage.py)."""

    ADDRESS = 'address'
    ALGORITHM = 'algorithm'
    APPLICATION = 'application'
    CIDR = 'cidr'
    DEVICE = 'device'
    DISK_FORMAT = 'disk format'
    HARDWARE = 'hardware'
    HEALTH_CHECK = 'health check'
    HOST_NAME = 'host name'
    JSON = 'json'
    LABELS = 'labels'
    LIMITS = 'limits'
    LISTENERS = 'listeners'
    LOGIN_NAME = 'login name'
    MAC = 'mac'
    MEMBERS = 'members'
    NAME = 'name'
    ON_CRASH = 'on_crash'
    POWER = 'power'
    PUBLIC_KEY = 'public key'
    QUOTAS = 'quotas'
    SERVER_TYPE = 'server type'
    TASK_STATE = 'task state'
    VISIBILITY = 'visibility'


RULES = Mark.RULES
METADATA = Mark.METADATA
INDEX = Mark.INDEX
Uuid = Annotated[str, 'UNIQUE']
# A column that was added to a table cannot have an expression as its default
# (sqlite.org/lang_altertable.html, section 5).
AddedUuid = Annotated[str, "DEFAULT ''", Mark.RANDOM_UUID]
Description = Annotated[str, METADATA]
AddedDescription = Annotated[str, "DEFAULT ''", METADATA]
Labels = Annotated[str, METADATA, Value.LABELS]
AddedLabels = Annotated[str, "DEFAULT '{}'", METADATA, Value.LABELS]
Protected = Annotated[int, 'DEFAULT 0', METADATA]
TaskState = Annotated[Optional[str], Value.TASK_STATE]
OfServer = Annotated[int, 'REFERENCES server ON DELETE CASCADE']
OptionalServer = Annotated[Optional[int], 'REFERENCES server ON DELETE CASCADE', RULES, INDEX]
OfBalancer = Annotated[int, 'REFERENCES balancer ON DELETE CASCADE']
OptionalBalancer = Annotated[Optional[int], 'REFERENCES balancer ON DELETE CASCADE']
OfNetwork = Annotated[int, 'REFERENCES network', RULES]
