# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The NoCloud seed of a server, a CD labelled cidata (cloud-init: datasources, NoCloud)."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Callable, Dict, Sequence, Tuple

from ..record.host import Host

# The disk of a clone contains the machine id of the imaged server, and with it its DHCP identity;
# the first boot creates a new one.
NEW_MACHINE_ID = (
    '#!/bin/sh\nrm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup\n'
)


@dataclass(frozen=True)
class Seed:
    """First-boot content. ``identity``: the instance id; a new one makes cloud-init run again.

    ``macs``: of the interfaces in networks. ``lan_mac``: of one on a bridge of the host, for a
    server in no network.
    """

    identity: str
    name: str
    macs: Tuple[str, ...]
    lan_mac: str = ''
    public_keys: Tuple[str, ...] = ()
    user_data: str = ''
    clone: bool = False


def texts(seed: Seed) -> Dict[str, str]:
    """The files of the seed by their names, apart from the configuration of the network."""
    meta = {'instance-id': seed.identity, 'local-hostname': seed.name, 'dsmode': 'local'}
    return {
        'meta-data': _meta_data(meta, seed.public_keys),
        'user-data': seed.user_data,
        'vendor-data': NEW_MACHINE_ID if seed.clone else '',
    }


def write(
    host: Host,
    path: str,
    seed: Seed,
    locks: Sequence[int],
) -> None:
    """Write the CD if none exists, and remove leftovers of an interrupted run.

    It is written under a temporary name, readable by root only: user data may contain secrets.
    """
    folder = path + '.parts'
    if os.path.exists(folder):
        shutil.rmtree(folder)
    if not os.path.exists(path):
        os.mkdir(folder, 0o700)
        try:
            _write(host, path, folder, seed, locks)
        finally:
            shutil.rmtree(folder)


def renew(
    host: Host, path: str, seed: Seed, check: Callable[[str], None], locks: Sequence[int]
) -> None:
    """Replace the CD by one with the same user data, if none is given.

    ``check``: raises an error for user data that must not be used. The old CD stays until the new
    one is complete: it may be the only place of the user data.
    """
    if not os.path.exists(path):
        return
    kept = seed.user_data or host.work.run('isoinfo', '-J', '-i', path, '-x', '/user-data')
    if not seed.user_data:
        check(kept)
    new = path + '.new'
    with suppress(FileNotFoundError):
        os.unlink(new)
    write(host, new, replace(seed, user_data=kept), locks)
    os.rename(new, path)


def _write(
    host: Host,
    path: str,
    folder: str,
    seed: Seed,
    locks: Sequence[int],
) -> None:
    contents = {**texts(seed), 'network-config': _network_config(seed)}
    files = [os.path.join(folder, name) for name in contents]
    for file, text in zip(files, contents.values()):
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as stream:
            stream.write(text)
    part = os.path.join(folder, 'seed.iso')
    host.work.run(
        'genisoimage', '-quiet', '-V', 'cidata', '-J', '-r', '-o', part, *files, locks=locks
    )
    os.rename(part, path)


def _network_config(seed: Seed) -> str:
    """DHCP on all interfaces in networks; without one, on a LAN, which may not answer."""
    nics: Dict[str, Dict[str, object]] = {
        f'nic{index}': {
            'match': {'macaddress': mac},
            'set-name': f'eth{index}',
            'dhcp4': True,
            'dhcp-identifier': 'mac',
            'dhcp4-overrides': {'route-metric': 100 * (index + 1)},
        }
        for index, mac in enumerate(seed.macs or (seed.lan_mac,))
    }
    if not seed.macs:
        nics['nic0']['optional'] = True
    return json.dumps({'version': 2, 'ethernets': nics})


def _meta_data(meta: dict[str, str], keys: Sequence[str]) -> str:
    """YAML with one value per line, for the line-based readers of small images.

    Values are quoted, because 007, on and null are valid names.
    """
    lines = [f'{key}: {json.dumps(value, ensure_ascii=False)}' for key, value in meta.items()]
    if keys:
        lines += ['public-keys:', *(f'  - {json.dumps(key, ensure_ascii=False)}' for key in keys)]
    return '\n'.join(lines) + '\n'
