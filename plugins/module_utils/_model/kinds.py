# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of resources, and the verbs of their changes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

_MAX_NAMES = 5


class Kind(NamedTuple):
    """A kind of resource.

    ``plural``: the key of results that list its items.
    ``title``: its name in messages. ``is_networked``: it depends on the upkeep of a cloud.
    ``is_in_project``: it belongs to a project, not to the whole cloud.
    """

    name: str
    plural: str
    title: str
    is_networked: bool = False
    is_in_project: bool = True

    def with_names(self, names: Sequence[str]) -> str:
        """The title with the names of some items, at most 5 of them."""
        plural = 's' if len(names) > 1 else ''
        more = len(names) - _MAX_NAMES
        shown = ', '.join(names[:_MAX_NAMES]) + (f' and {more} more' if more > 0 else '')
        return f'{self.title}{plural} {shown}'


KINDS = {
    kind.name: kind
    for kind in (
        Kind('keypair', 'keypairs', 'key pair'),
        Kind('flavor', 'flavors', 'flavor'),
        Kind('init_script', 'init_scripts', 'init script'),
        Kind('image', 'images', 'image'),
        Kind('network', 'networks', 'network', is_networked=True),
        Kind('port', 'ports', 'port', is_networked=True),
        Kind('security_group', 'security_groups', 'security group', is_networked=True),
        Kind('floating_ip', 'floating_ips', 'floating IP', is_networked=True),
        Kind('volume', 'volumes', 'volume'),
        Kind('volume_snapshot', 'volume_snapshots', 'volume snapshot'),
        Kind('server', 'servers', 'server', is_networked=True),
        Kind('server_snapshot', 'server_snapshots', 'server snapshot'),
        Kind('backup', 'backups', 'backup'),
        Kind('schedule', 'schedules', 'schedule'),
        Kind('lb', 'lbs', 'load balancer', is_networked=True),
        Kind('project', 'projects', 'project', is_in_project=False),
        Kind('private_key', 'private_keys', 'private key'),
        Kind('image_file', 'image_files', 'image file'),
        Kind('record', 'records', 'record', is_in_project=False),
        Kind('firewall', 'upkeep', 'firewall'),
    )
}


class Verb(str, Enum):
    """What a change does, by the name of the operation of a cloud."""

    CREATE = 'create'
    UPDATE = 'update'
    DELETE = 'delete'
    ATTACH = 'attach'
    DETACH = 'detach'
    START = 'start'
    STOP = 'stop'
    POWER_OFF = 'power_off'
    REPAIR = 'repair'
    PAUSE = 'pause'
    RESUME = 'resume'
    LOAD = 'load'
    REBOOT = 'reboot'
    HARD_REBOOT = 'hard_reboot'
    SHELVE = 'shelve'
    UNSHELVE = 'unshelve'
    RESIZE = 'resize'
    CONFIRM_RESIZE = 'confirm_resize'
    REVERT_RESIZE = 'revert_resize'
    REBUILD = 'rebuild'
    RESCUE = 'rescue'
    UNRESCUE = 'unrescue'
    RENAME = 'rename'
    BACK_UP = 'back_up'
    UPLOAD = 'upload'
    SNAPSHOT = 'snapshot'
    RESTORE = 'restore'
    ABORT = 'abort'

    def __str__(self) -> str:
        """Return its value."""
        return self.value

    @property
    def infinitive(self) -> str:
        """The verb where it would be done."""
        return self.value.replace('_', ' ')
