# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors about a host that does not meet the requirements of the local cloud."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.cloud import LocalCloud
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.servers import LocalServers
from ansible_collections.hanok.cloud.plugins.module_utils._local.host import hypervisor, settings
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.secret import NO_SECRETS


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for a user other than root says to set become."""
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(CloudError, match='become: true'):
        LocalCloud('default', 'me', 1, NO_SECRETS)


def test_host_not_prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Missing settings mean that the role has not run; invalid ones are reported."""
    monkeypatch.setenv('HANOK_CONFIG', str(tmp_path))
    with pytest.raises(CloudError, match=r'run the role hanok\.cloud\.host'):
        settings.load()
    for text, problem in (
        ('{', 'cannot be read'),
        ('[]', 'one mapping'),
        ('{"virt_type": "xen"}', 'xen'),
        ('{"floating_pools": [{"name": "a", "addresses": ["x"]}]}', 'addresses'),
    ):
        (tmp_path / 'host.json').write_text(text, encoding='utf-8')
        with pytest.raises(CloudError, match=problem):
            settings.load()


def test_libvirt_not_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says that libvirt does not run, and what starts it."""
    pytest.importorskip('libvirt', reason='python3-libvirt is a package of the distribution')
    monkeypatch.setitem(hypervisor.URIS, 'qemu', 'qemu+unix:///system?socket=/nonexistent')
    with pytest.raises(CloudError, match=r'does not answer .* hanok\.cloud\.host'):
        hypervisor.Hypervisor().machines()


def test_a_server_that_another_run_deletes_is_not_ready(tmp_path: Path) -> None:
    """Waiting for it fails, although no condition is missing any more."""
    host = SimpleNamespace(record=Record(str(tmp_path), 'me'))
    servers = LocalServers(host, None, None)  # type: ignore[arg-type]
    with pytest.raises(
        CloudError,
        match='server a no longer exists: it was deleted while this task waited for init; server b',
    ):
        servers.readiness(['b', 'a'], 'init', 1)


def test_libvirtd_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A libvirtd that accepts a connection and never responds times out, with advice."""
    pytest.importorskip('libvirt', reason='python3-libvirt is a package of the distribution')
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / 'sock'))
        silent.listen()
        monkeypatch.setitem(hypervisor.URIS, 'qemu', f'qemu+unix:///system?socket={tmp_path}/sock')
        monkeypatch.setattr(hypervisor, '_SHORTEST_TIMEOUT', 1)
        with pytest.raises(
            CloudError, match=r'libvirtd does not answer .*timed out after 1 s.* restart it'
        ):
            hypervisor.Hypervisor(0).machines()
