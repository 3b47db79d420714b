# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leases of addresses that have another MAC by now."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.network.lease_releases import (
    release_message,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.leases import (
    Lease,
    stale_leases,
)

OURS, OTHER = '52:54:01:a8:00:02', '52:54:00:ab:cd:ef'


def lease(address: str, mac: str, seconds: int = 3600) -> dict[str, Any]:
    """One as libvirt's helper writes it, which expires in some seconds."""
    return {
        'ip-address': address,
        'mac-address': mac,
        'hostname': 'web',
        'expiry-time': int(time.time()) + seconds,
    }


@pytest.mark.parametrize(
    ('text', 'stale'),
    [
        (None, []),
        ('', []),
        ('[{"ip-addr', []),
        (json.dumps([lease('192.168.0.2', OURS)]), []),
        (json.dumps([lease('192.168.0.2', OTHER)]), [Lease('192.168.0.2', OTHER)]),
        (json.dumps([lease('192.168.0.2', OTHER, -1)]), []),
        (json.dumps([lease('192.168.0.3', OTHER)]), []),
    ],
    ids=['no file', 'empty', 'half', 'its own', 'of another', 'expired', 'of nobody'],
)
def test_stale_leases(text: str | None, stale: list[Lease], tmp_path: Path) -> None:
    """A lease is stale if a port with another MAC has the address."""
    if text is not None:
        (tmp_path / 'hk1.status').write_text(text, 'utf-8')
    ports = [{'address': '192.168.0.2', 'mac': OURS}]
    record = SimpleNamespace(rows=lambda _query, network: ports if network == 1 else [])
    host: Any = SimpleNamespace(record=record)
    assert stale_leases(host, str(tmp_path), 1) == stale


def test_release_message() -> None:
    """The fields of RFC 2131, figure 1, at their offsets; the type, and the id of the server."""
    message = release_message(Lease('192.168.0.2', OTHER), '192.168.0.1')
    assert struct.unpack_from('4B', message) == (1, 1, 6, 0)
    assert message[12:16] == bytes((192, 168, 0, 2))
    assert message[28:34] == bytes.fromhex(OTHER.replace(':', ''))
    assert message[236:240] == b'\x63\x82\x53\x63'
    assert message[240:250] == bytes((53, 1, 7, 54, 4, 192, 168, 0, 1, 255))
    assert len(message) == 300
