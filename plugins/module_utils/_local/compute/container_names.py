# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files by which a container resolves names: resolv.conf(5), hosts(5)."""

from __future__ import annotations

import json
from errno import EDQUOT, ENOSPC
from typing import TYPE_CHECKING, Dict, Tuple

from ..._cloud import CloudError
from ..host.guest_files import read_inside, write_inside
from .live_size import macs_of

if TYPE_CHECKING:
    from ..._model.server import Server
    from .row_types import CompleteServer

_RESOLVER, _HOSTS = 'etc/resolv.conf', 'etc/hosts'
_NO_FOLDER = 'give it a folder again'
_FULL = 'delete files in it, or extend its file system (volume_size)'
_WAYS_OUT = {ENOSPC: _FULL, EDQUOT: _FULL}
_MARK = '# written by hanok.cloud: dns_domain\n'


def name_files(row: CompleteServer) -> Dict[str, str]:
    """The texts of the files by their paths.

    The names of a system without a domain are its own matter; no application writes any.
    """
    files = {_RESOLVER: _resolver(row)}
    if row['application'] or row['dns_domain']:
        files[_HOSTS] = _hosts(row)
    return files


def renew(row: CompleteServer, root: str, owner: int) -> None:
    """Write the files of a container that exists. ``owner``: its root on the host."""
    files = name_files(row)
    if (read_inside(root, _HOSTS, len(_MARK)) or b'').decode(errors='replace') == _MARK:
        files[_HOSTS] = _hosts(row)  # the domain may have been removed
    for path, text in files.items():
        data = text.encode()
        if read_inside(root, path, len(data) + 1) == data:
            continue
        try:
            write_inside(root, path, data, (owner, owner))
        except OSError as error:
            raise CloudError(
                f'/{path} of container {row["name"]} cannot be written: {error.strerror}; '
                f'{_WAYS_OUT.get(error.errno or 0, _NO_FOLDER)}, and run the task again'
            ) from None


def _resolver(row: CompleteServer) -> str:
    """By default the DNS server of the first network, which is at its gateway."""
    own = [port['gateway'] for port in row['ports'][:1]]
    domain = f'search {row["dns_domain"]}\n' if row['dns_domain'] else ''
    servers = json.loads(row['dns_servers']) or own
    return domain + ''.join(f'nameserver {server}\n' for server in servers)


def _hosts(row: CompleteServer) -> str:
    """The container's own names, the whole one first: it is what others are told."""
    name, domain = row['name'], row['dns_domain']
    names = f'{name}.{domain} {name}' if domain else name
    own = ''.join(f'{port["address"]} {names}\n' for port in row['ports'][:1])
    return f'{_MARK}127.0.0.1 localhost\n{own}'


def of_dns(server: Server) -> Tuple[object, ...]:
    """What the files say by which a container resolves names."""
    return server.dns_servers, server.dns_domain, macs_of(server)[:1]
