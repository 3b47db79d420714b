# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all tests of reliability share: a host, and figures."""

from __future__ import annotations

from ansible_collections.hanok.cloud.tests.integration.conftest import (
    host,
    inventory,
    keep,
    refused,
    run,
    start,
    tiny,
)

__all__ = ['host', 'inventory', 'keep', 'refused', 'run', 'start', 'tiny']
