# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The flavors that every local cloud has."""

from __future__ import annotations

import uuid
from typing import Dict

from ..._model.flavor import Flavor


def _built_in(
    name: str,
    family: str,
    vcpus: int,
    memory: int,
    disk: int,
) -> Flavor:
    return Flavor(
        name,
        family,
        vcpus,
        memory,
        disk,
        visibility='public',
        built_in=True,
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f'https://hanok.cloud/flavors/{name}')),
        created_by='hanok.cloud',
        created_at='',
    )


# Memory per vCPU: general 2 GiB, cpu 1 GiB, memory 8 GiB. The three smallest are for small images
# and small hosts.
CATALOGUE: Dict[str, Flavor] = {
    flavor.name: flavor
    for flavor in (
        _built_in('g1.nano', 'general', 1, 128, 1),
        _built_in('g1.micro', 'general', 1, 512, 4),
        _built_in('g1.tiny', 'general', 1, 1024, 10),
        _built_in('g1.small', 'general', 1, 2048, 20),
        _built_in('g1.medium', 'general', 2, 4096, 40),
        _built_in('g1.large', 'general', 4, 8192, 80),
        _built_in('g1.xlarge', 'general', 8, 16384, 160),
        _built_in('c1.small', 'cpu', 2, 2048, 20),
        _built_in('c1.medium', 'cpu', 4, 4096, 40),
        _built_in('c1.large', 'cpu', 8, 8192, 80),
        _built_in('c1.xlarge', 'cpu', 16, 16384, 160),
        _built_in('m1.small', 'memory', 1, 8192, 20),
        _built_in('m1.medium', 'memory', 2, 16384, 40),
        _built_in('m1.large', 'memory', 4, 32768, 80),
        _built_in('m1.xlarge', 'memory', 8, 65536, 160),
    )
}
