# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of reliability share: a host, the long form (--soak), and figures."""

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
    """Add the option of the long form, which make soak uses."""
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
    """Run the role host in this world, unless tests/integration has run it."""
    if 'HANOK_WORLD' not in os.environ:
        pytest.fail(
            'these tests turn the host they run on into a cloud; run them with: '
            'scripts/world .venv/bin/pytest tests/reliability'
        )
    if not Path('/etc/hanok/host.json').exists():
        assert Play('hanok.cloud.host').changed > 0
