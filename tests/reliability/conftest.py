# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of reliability share: a host, and figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import (
    host,
    host_bridges,
    idle,
    inventory,
    keep,
    refused,
    run,
    start,
    tiny,
    volume_types,
)

__all__ = ['host', 'idle', 'inventory', 'keep', 'refused', 'run', 'start', 'tiny']


@pytest.fixture(scope='module')
def fast(host: None) -> Iterator[None]:
    """A type of volumes."""
    folder = Path('/run/fast')
    folder.mkdir()
    with volume_types(fast={'path': str(folder)}):
        yield
    folder.rmdir()


@pytest.fixture(scope='module')
def bridge(host: None) -> Iterator[None]:
    """A bridge of the host that servers may be on: br0."""
    with host_bridges('br0'):
        yield
