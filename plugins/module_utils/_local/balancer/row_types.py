# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about load balancers; only type checkers import them."""

from __future__ import annotations

from typing import TypedDict

from ..record.rows import BalancerRow


class ListedLb(BalancerRow):
    """A load balancer with its network, port (its id) and floating IP."""

    network: str
    cidr: str
    gateway: str
    port: int
    network_id: int
    address: str
    mac: str
    floating: str | None


class MemberRow(TypedDict):
    """A member of a load balancer, once for each of its ports."""

    balancer_id: int
    name: str
    address: str


class Membership(TypedDict):
    """A server as a member of a load balancer (its UUID and listeners)."""

    name: str
    balancer: str
    listeners: str
