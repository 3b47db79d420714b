# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration files of balancers, written and loaded by HAProxy without dropping connections."""

from __future__ import annotations

import os

from ..._cloud import CloudError
from ..host.files import write_atomically
from ..record.host import Host
from . import containers, haproxy_socket, lb_files
from .lb_texts import Config, configs


def synchronise(host: Host) -> None:
    """Write and load the configurations of all projects that differ from the record."""
    for config in configs(host):
        configure(host, config)


def configure(host: Host, config: Config) -> None:
    """Write and load one configuration, if it differs. HAProxy must accept it before it is used."""
    folder = config.folder
    if not os.path.isdir(folder):  # removed by hand while the balancer runs
        lb_files.create(folder)
    if config.is_loaded():
        return
    new = config.path + '.new'
    lb_files.write(folder, new, config.text)
    host.work.run('haproxy', '-c', '-q', '-f', new)
    state = haproxy_socket.query(folder, 'show servers state')
    # 1: the version of the format of the state file
    lb_files.write(folder, os.path.join(folder, 'servers.state'), state or '1\n')
    os.replace(new, config.path)
    if state is not None:
        _reload(config.name, folder)
    write_atomically(config.loaded, config.text)


def _reload(name: str, folder: str) -> None:
    """Reload by SIGUSR2: the master starts a new worker, and the old one finishes connections."""
    try:
        containers.send_control(folder, b'2')
    except OSError as error:
        raise CloudError(
            f'cannot reach s6-supervise of load balancer {name} ({error}); '
            f'delete {name} and create it again'
        ) from error
