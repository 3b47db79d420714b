# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration files of balancers, written and loaded by HAProxy without dropping connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Tuple

from ..._cloud import CloudError
from ..host.files import read_file, write_atomically
from ..record.host import Host
from . import containers, haproxy, haproxy_socket, lb_files, lb_rows

if TYPE_CHECKING:
    from .row_types import ListedLb


def synchronise(host: Host) -> None:
    """Write and load the configurations of all projects that differ from the record."""
    members = lb_rows.members_by_lb(host.record, lb_rows.ALL_MEMBERS)
    for row in host.record.named(lb_rows.ALL, None):
        if row['task_state'] is None and lb_files.is_current(lb_files.folder_of(host, row['uuid'])):
            configure(host, row, members.get(row['id'], ()))


def configure(host: Host, row: ListedLb, members: Tuple[Tuple[str, str], ...]) -> None:
    """Write and load one configuration, if it differs. HAProxy must accept it before it is used.

    A copy of the loaded configuration is kept: after a run that was killed before HAProxy loaded
    the new one, the two files differ.
    """
    folder = lb_files.folder_of(host, row['uuid'])
    if not os.path.isdir(folder):  # removed by hand while the balancer runs
        lb_files.create(folder)
    path, loaded = os.path.join(folder, 'haproxy.cfg'), os.path.join(folder, 'taken-up.cfg')
    place = haproxy.Place(folder, row['address'], members)
    text = haproxy.render(lb_rows.lb_of(row, members, True), place)
    if read_file(path) == read_file(loaded) == text:
        return
    write_atomically(path + '.new', text)
    host.run('haproxy', '-c', '-q', '-f', path + '.new')
    state = haproxy_socket.query(folder, 'show servers state')
    # 1: the version of the format of the state file
    write_atomically(os.path.join(folder, 'servers.state'), state or '1\n')
    os.replace(path + '.new', path)
    if state is not None:
        _reload(row['name'], folder)
    write_atomically(loaded, text)


def _reload(name: str, folder: str) -> None:
    """Reload by SIGUSR2: the master starts a new worker, and the old one finishes connections."""
    try:
        containers.send_control(folder, b'2')
    except OSError as error:
        raise CloudError(
            f'cannot reach s6-supervise of load balancer {name} ({error}); '
            f'delete {name} and create it again'
        ) from error
