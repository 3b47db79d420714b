# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of nftables: which are loaded, whether they match the record, and loading them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, List, Tuple

from ..host.files import read_file, write_atomically
from ..host.netlink import default_devices
from . import loaded
from .floating_routes import uplinks

if TYPE_CHECKING:
    from ..._model.datapath import Datapath
    from ..record.host import Host

_OTHER_RULES = 'the loaded firewall rules do not match the record'


class Rules:
    """The loaded rules and the file of them, a projection of the record."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host, self.record = host, host.record
        self.path = host.settings.path('datapath', 'ruleset.nft')
        self.saved_path = host.settings.path('datapath', 'loaded')
        # This file exists while flows of reassigned addresses are still to be ended.
        self.uncut_path = host.settings.path('datapath', 'uncut')
        self._to_confirm: Tuple[str, Tuple[str, ...]] | None = None

    def revision(self) -> str:
        """The revision of the rules: the record, their form, and the number of relevant changes."""
        meta = self.record.meta()
        return f'{meta["record"]}_{loaded.FORM}_{meta["revision"]}'

    def outside(self) -> Tuple[str, ...]:
        """The devices through which servers may reach the outside.

        These are the devices of the host's default routes, the uplinks of pools, and those that the
        operator set.
        """
        configured = {*self.host.settings.outside_devices, *uplinks(self.host.pools)}
        return tuple(sorted(configured | default_devices()))

    def datapath(self) -> Datapath:
        """The input of the rules, from one state of the record."""
        return self._datapath(self.outside())[1]

    def faults(self, since: str | None) -> List[str]:
        """Return how the rules differ from the record."""
        fault = self._idle_fault() if since is None else self._active_fault(since)
        return [fault] if fault else []

    def _idle_fault(self) -> str:
        saved = self._saved()
        if not _is_loaded(saved, self.revision()):
            return _OTHER_RULES
        outside = self.outside()
        if outside != saved.outside:
            allowed, current = (
                ', '.join(devices) or 'none' for devices in (saved.outside, outside)
            )
            return (
                f'the outside devices of the firewall are {allowed}, '
                f'those of this host are {current}'
            )
        if loaded.digest(read_file(self.path)) != saved.source:
            return 'the firewall rules saved for the next boot do not match the record'
        return ''

    def _active_fault(self, since: str) -> str:
        """The rules must be of the revision or later, and complete unless they are being loaded."""
        record, number = since.rsplit('_', 1)
        current, saved = loaded.current(), self._saved().rules
        is_complete = current == saved or current.revision != saved.revision
        return '' if is_complete and current.number(record) >= int(number) else _OTHER_RULES

    def write(self, lock: int) -> None:
        """Load the rules if others are loaded.

        They are loaded in one transaction of the kernel, whichever other runs do it too. The file
        is written first: a network that starts loads it (network-hook), and could not start with a
        damaged one. nft reads a file, because it would load the first half of a text from a pipe if
        this run were killed while writing. Programs inherit the lock, so that they cannot load old
        rules over new ones.
        """
        outside = self.outside()
        revision, text = self._rendered(outside)
        self._write_file(self.path, text)
        saved, source = self._saved(), loaded.digest(text)
        self._to_confirm = None
        if saved.source != source or not _is_loaded(saved, revision):
            self._write_file(self.uncut_path, '')
            self.host.run('nft', '-f', self.path, locks=[lock])
            self._to_confirm = source, outside

    def confirm(self) -> None:
        """Record what ``write`` loaded, after everything else that follows from it was written."""
        if self._to_confirm:
            source, outside = self._to_confirm
            new = loaded.SavedState(loaded.current(), source, outside)
            self._write_file(self.saved_path, new.text())

    def save(self) -> None:
        """Write the file only."""
        self._write_file(self.path, self._rendered(self.outside())[1])

    def _saved(self) -> loaded.SavedState:
        """The rules as they were loaded last."""
        return loaded.parse(read_file(self.saved_path) or '')

    def _rendered(self, outside: Tuple[str, ...]) -> Tuple[str, str]:
        from .ruleset import render

        revision, path = self._datapath(outside)
        return revision, render(path, revision)

    def _datapath(self, outside: Tuple[str, ...]) -> Tuple[str, Datapath]:
        """Return the revision and the datapath of one state of the record."""
        from .datapaths import datapath

        by_bridge = loaded.has_bridge_meta()
        self.record.sql.execute('BEGIN')
        try:
            path = datapath(self.record, self.host.settings, outside, by_bridge)
            return self.revision(), path
        finally:
            self.record.sql.execute('COMMIT')

    def _write_file(self, path: str, text: str) -> None:
        """Write a file that is read when the host boots, if it differs."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        if read_file(path) != text:
            write_atomically(path, text)


def _is_loaded(saved: loaded.SavedState, revision: str) -> bool:
    """Whether the kernel has the rules of this revision, exactly as they were loaded."""
    return saved.rules.revision == revision and loaded.current() == saved.rules
