# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about what the resources share; only type checkers import them."""

from __future__ import annotations

from typing import TypedDict


class InProgress(TypedDict):
    """What a run is doing with a resource, or what an earlier run left unfinished."""

    name: str
    task_state: str | None


class NetworkRange(TypedDict):
    """The range of a network."""

    cidr: str
