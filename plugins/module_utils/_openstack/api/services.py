# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of an OpenStack, and the versions of their APIs that this collection speaks."""

from __future__ import annotations

from typing import NamedTuple


class Service(NamedTuple):
    """A service by its type in the catalogue (service-types authority).

    ``path``: of the version of the API, below the endpoint in the catalogue. ``microversion``: the
    one that is requested; the oldest that has all that is used. ``version``: of the API, where
    endpoints may be those of any version.
    """

    type: str
    path: str = ''
    microversion: str | None = None
    version: str | None = None


# 2.83 (Victoria): servers by key pair; 2.47: flavors inside servers; 2.19: their description.
COMPUTE = Service('compute', microversion='2.83')
NETWORK = Service('network', '/v2.0')
IMAGE = Service('image', '/v2')
# 3.42 (Ocata): volumes grow while they are attached.
VOLUME = Service('block-storage', microversion='3.42')
IDENTITY = Service('identity', version='3')
BALANCER = Service('load-balancer', '/v2/lbaas')
