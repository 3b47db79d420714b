# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server reads at its first boot: a NoCloud seed (cloud-init: datasources, NoCloud), a CD labelled cidata."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import Sequence, Tuple

from .host import Host

# A clone keeps the machine id of the server its image was made of, and with it the DHCP identity; a
# new one is made at the first boot.
NEW_MACHINE_ID = (
    '#!/bin/sh\nrm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup\n'
)


@dataclass(frozen=True)
class Seed:
    """First-boot content. ``identity``: a new one makes a clone a new machine."""

    identity: str
    name: str
    macs: Tuple[str, ...]
    public_keys: Tuple[str, ...] = ()
    user_data: str = ''
    clone: bool = False


def write(host: Host, path: str, seed: Seed, locks: Sequence[int]) -> None:
    """Write the CD under a temporary name, readable for root only: user data may hold secrets. What an interrupted writing left goes away in any case."""
    folder = path + '.parts'
    if os.path.exists(folder):
        shutil.rmtree(folder)
    if not os.path.exists(path):
        os.mkdir(folder, 0o700)
        try:
            _write(host, path, folder, seed, locks)
        finally:
            shutil.rmtree(folder)


def _write(host: Host, path: str, folder: str, seed: Seed, locks: Sequence[int]) -> None:
    meta = {'instance-id': seed.identity, 'local-hostname': seed.name, 'dsmode': 'local'}
    nics = {
        f'nic{number}': {
            'match': {'macaddress': mac},
            'set-name': f'eth{number}',
            'dhcp4': True,
            'dhcp-identifier': 'mac',
            'dhcp4-overrides': {'route-metric': 100 * (number + 1)},
        }
        for number, mac in enumerate(seed.macs)
    }
    texts = {
        'meta-data': _meta(meta, seed.public_keys),
        'user-data': seed.user_data,
        'vendor-data': NEW_MACHINE_ID if seed.clone else '',
        'network-config': json.dumps({'version': 2, 'ethernets': nics}),
    }
    files = [os.path.join(folder, name) for name in texts]
    for file, text in zip(files, texts.values()):
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as stream:
            stream.write(text)
    part = os.path.join(folder, 'seed.iso')
    host.run('genisoimage', '-quiet', '-V', 'cidata', '-J', '-r', '-o', part, *files, locks=locks)
    os.rename(part, path)


def _meta(meta: dict[str, str], keys: Sequence[str]) -> str:
    """YAML with one thing on each line, because small readers in small images go by lines; quoted, because 007, on and null are names, too."""
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in meta.items()}
    lines = [f'{key}: {value}' for key, value in quoted.items()]
    return (
        '\n'.join(
            [
                *lines,
                *(['public-keys:'] if keys else []),
                *(f'  - {json.dumps(key, ensure_ascii=False)}' for key in keys),
            ]
        )
        + '\n'
    )
