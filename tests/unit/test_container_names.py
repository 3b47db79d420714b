# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files by which containers resolve names, in roots that their own root has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.container_names import (
    name_files,
    renew,
)

ROW: Any = {
    'name': 'box',
    'application': None,
    'dns_servers': '[]',
    'dns_domain': '',
    'ports': [{'gateway': '192.168.0.1', 'address': '192.168.0.5'}, {'gateway': '10.0.0.1'}],
}
DNS = {'dns_servers': '["192.0.2.2", "192.0.2.1"]', 'dns_domain': 'example.com'}


def renewed(root: Path, **values: str) -> None:
    """Write the files of a container of this user."""
    renew({**ROW, **values}, str(root), os.getuid())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the names that its image has."""
    etc = tmp_path / 'root' / 'etc'
    etc.mkdir(parents=True)
    (etc / 'hosts').write_text('127.0.0.1 localhost own\n')
    return tmp_path / 'root'


def test_texts() -> None:
    """The gateway serves DNS if nothing else is set; a domain completes the container's name."""
    assert name_files(ROW) == {'etc/resolv.conf': 'nameserver 192.168.0.1\n'}
    found = name_files({**ROW, **DNS})
    assert found['etc/resolv.conf'].split('\n') == [
        'search example.com',
        'nameserver 192.0.2.2',
        'nameserver 192.0.2.1',
        '',
    ]
    assert found['etc/hosts'].endswith('localhost\n192.168.0.5 box.example.com box\n')
    assert name_files({**ROW, 'application': '{}'})['etc/hosts'].endswith('\n192.168.0.5 box\n')
    assert name_files({**ROW, 'ports': []}) == {'etc/resolv.conf': ''}


def test_domain_comes_and_goes(root: Path) -> None:
    """The names of an image are replaced for a domain only, and ours follow it."""
    etc = root / 'etc'
    renewed(root, dns_servers='["192.0.2.1"]')
    assert (etc / 'hosts').read_text() == '127.0.0.1 localhost own\n'
    assert (etc / 'resolv.conf').read_text() == 'nameserver 192.0.2.1\n'
    renewed(root, **DNS)
    assert 'box.example.com' in (etc / 'hosts').read_text()
    renewed(root)
    assert (etc / 'hosts').read_text().endswith('\n192.168.0.5 box\n')
    assert (etc / 'hosts').stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in etc.iterdir()) == ['hosts', 'resolv.conf']


def test_links_lead_nowhere(root: Path, tmp_path: Path) -> None:
    """A link in the place of a file is replaced; one in that of its folder stays in the root."""
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'file').write_text('kept')
    etc = root / 'etc'
    for name in ('resolv.conf', '.resolv.conf.hanok'):
        (etc / name).symlink_to(outside / 'file')
    renewed(root)
    assert (etc / 'resolv.conf').read_text() == 'nameserver 192.168.0.1\n'
    assert not (etc / 'resolv.conf').is_symlink()
    etc.rename(root / 'moved')
    for target in (outside, Path('/../../../outside')):
        etc.unlink(missing_ok=True)
        etc.symlink_to(target)
        with pytest.raises(CloudError, match='of container box cannot be written'):
            renewed(root)
    assert [path.name for path in outside.iterdir()] == ['file']
    assert (outside / 'file').read_text() == 'kept'


@pytest.mark.parametrize('name', ['resolv.conf', '.resolv.conf.hanok'])
def test_folder_in_its_place(root: Path, name: str) -> None:
    """What only its own root can have done is told, with the way out."""
    (root / 'etc' / name / 'sub').mkdir(parents=True)
    with pytest.raises(CloudError, match='give it a folder again'):
        renewed(root)
