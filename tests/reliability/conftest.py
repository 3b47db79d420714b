# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of reliability share: a host, the long form (--soak), and figures."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.tests.integration.conftest import (
    host,
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
