# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of queries about flavors, key pairs and init scripts; only type checkers import them."""

from __future__ import annotations

from typing import TypedDict

from ..record.rows import FlavorRow, InitScriptRow, KeypairRow


class ListedKeypair(KeypairRow):
    """A key pair, and the names of the servers that have it."""

    used: str | None


class ListedInitScript(InitScriptRow):
    """An init script, and the names of the servers that are being created with it."""

    used: str | None


class KnownProject(TypedDict):
    """A project, declared or not."""

    name: str


class ListedFlavor(FlavorRow):
    """A flavor, the servers of others that have it, and its project if that is another one."""

    used: str | None
    owner: str


class FlavorUser(TypedDict):
    """A server and its flavor."""

    flavor: str
    name: str
