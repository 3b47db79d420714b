# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loading the rules of nftables, and writing the file of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Tuple

from ..host.files import read_file, write_atomically
from . import loaded
from .datapaths import datapath
from .ruleset import render

if TYPE_CHECKING:
    from ..._model.datapath import Datapath
    from .rules import Rules


class RulesWriter:
    """Loads the rules of a record."""

    def __init__(self, rules: Rules) -> None:
        """``rules``: as they are observed."""
        self.rules = rules
        self._to_confirm: Tuple[str, Tuple[str, ...]] | None = None

    def write(self, lock: int) -> None:
        """Load the rules if others are loaded.

        They are loaded in one transaction of the kernel, whichever other runs do it too. The file
        is written first: a network that starts loads it (network-hook), and could not start with a
        damaged one. nft reads a file, because it would load the first half of a text from a pipe if
        this run were killed while writing. Programs inherit the lock, so that they cannot load old
        rules over new ones.
        """
        path, revision, text = self._rendered()
        self._write_file(self.rules.path, text)
        saved = self.rules.saved()
        source = loaded.digest(text)
        self._to_confirm = None
        is_current = saved.source == source and saved.rules.revision == revision
        if not is_current or loaded.current() != saved.rules:
            self._write_file(self.rules.uncut_path, '')
            self.rules.host.work.run('nft', '-f', self.rules.path, locks=[lock])
            self._to_confirm = source, path.outside

    def confirm(self) -> None:
        """Record what ``write`` loaded, after everything else that follows from it was written."""
        if self._to_confirm:
            source, outside = self._to_confirm
            new = loaded.SavedState(loaded.current(), source, outside)
            self._write_file(self.rules.saved_path, new.text())

    def save(self) -> None:
        """Write the file only."""
        self._write_file(self.rules.path, self._rendered()[2])

    def _rendered(self) -> Tuple[Datapath, str, str]:
        """The datapath, its revision, and the text of its rules."""
        revision, path = current_datapath(self.rules)
        return path, revision, render(path, revision)

    def _write_file(self, path: str, text: str) -> None:
        """Write a file that is read when the host boots, if it differs."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        if read_file(path) != text:
            write_atomically(path, text)


def current_datapath(rules: Rules) -> Tuple[str, Datapath]:
    """Return the revision and the datapath of one state of the record."""
    outside = rules.outside()
    by_bridge = loaded.has_bridge_meta()
    rules.record.sql.execute('BEGIN')
    try:
        path = datapath(rules.record, rules.host.settings, outside, by_bridge)
        return rules.revision(), path
    finally:
        rules.record.sql.execute('COMMIT')
