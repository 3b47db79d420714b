# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of reliability share: a host of their own, the long form (--soak), and figures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import (
    Play,
    inventory,
    keep,
    refused,
    run,
    start,
    tiny,
)

__all__ = ['host', 'inventory', 'keep', 'refused', 'run', 'soak', 'start', 'tiny']


def pytest_addoption(parser: pytest.Parser) -> None:
    """The long form: make soak."""
    parser.addoption(
        '--soak',
        action='store_true',
        help='tests of reliability: all points and many examples, instead of a fixed sample',
    )


@pytest.fixture(scope='session')
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is the long form."""
    return bool(request.config.getoption('--soak'))


@pytest.fixture(scope='session')
def host() -> None:
    """The role host has made this world a host; in a run with tests/integration it has done so before."""
    if 'HANOK_WORLD' not in os.environ:
        pytest.fail(
            'these tests make a cloud of the host they run on; run them by: scripts/world .venv/bin/pytest tests/reliability'
        )
    if not Path('/etc/hanok/host.json').exists():
        assert Play('hanok.cloud.host').changed > 0
