# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The surroundings of a host, read from its files and its kernel."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.network import surroundings


@pytest.mark.parametrize(
    ('family', 'address'), [(socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::')]
)
def test_who_is_logged_in(
    family: socket.AddressFamily, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IPv4 clients, also of a dual-stack socket; none without a connection."""
    with socket.create_server(
        (address, 0), family=family, dualstack_ipv6=family == socket.AF_INET6
    ) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(surroundings, '_ssh_ports', lambda: {port})
        assert surroundings._ssh_peers() == set()
        with socket.create_connection(('127.0.0.1', port)):
            assert surroundings._ssh_peers() == {'127.0.0.1'}


def test_nameservers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of both files; invalid and IPv6 addresses are skipped."""
    first, second = tmp_path / 'first', tmp_path / 'second'
    first.write_bytes(
        b'# nameserver 10.0.0.1\nnameserver 127.0.0.53\n'
        b'nameserver 999.1.1.1\nnameserver fd00::1\n\xff\n'
    )
    second.write_text('nameserver\t10.0.0.53\nsearch lan\n', 'utf-8')
    monkeypatch.setattr(
        surroundings, '_RESOLVERS', (str(first), str(second), str(tmp_path / 'none'))
    )
    assert surroundings._nameservers() == {'127.0.0.53', '10.0.0.53'}
    assert '127.0.0.53' not in surroundings.surroundings().hosts
