# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration files of balancers by the record; lb_config.py writes and loads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Iterator, NamedTuple, Tuple

from ..host.files import read_file
from ..record.host import Host
from . import haproxy, lb_files, lb_rows

if TYPE_CHECKING:
    from .row_types import ListedLb


class Config(NamedTuple):
    """The configuration of a balancer.

    ``loaded``: the path of a copy of the configuration that HAProxy has loaded.
    """

    name: str
    folder: str
    path: str
    loaded: str
    text: str

    def is_loaded(self) -> bool:
        """Whether both files match the record.

        They differ after a run that was killed before HAProxy loaded the new configuration.
        """
        return read_file(self.path) == read_file(self.loaded) == self.text


def config_of(host: Host, row: ListedLb, members: Tuple[Tuple[str, str], ...]) -> Config:
    """The configuration of a balancer."""
    folder = lb_files.folder_of(host, row['uuid'])
    place = haproxy.Place(folder, row['address'], members)
    return Config(
        row['name'],
        folder,
        os.path.join(folder, 'haproxy.cfg'),
        os.path.join(folder, 'taken-up.cfg'),
        haproxy.render(lb_rows.lb_of(row, members, True), place),
    )


def configs(host: Host) -> Iterator[Config]:
    """Those of all projects, without balancers in a task state or with an older layout.

    These get theirs from their own task.
    """
    members = lb_rows.members_by_lb(host.record, lb_rows.ALL_MEMBERS)
    for row in host.record.named(lb_rows.ALL, None):
        if row['task_state'] is None and lb_files.is_usable(lb_files.folder_of(host, row['uuid'])):
            yield config_of(host, row, members.get(row['id'], ()))
