# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of nftables: which are loaded, whether they match the record, and loading them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, List, Tuple

from ..host.files import read_file
from ..host.netlink import default_devices
from . import loaded
from .floating_routes import uplinks

if TYPE_CHECKING:
    from subprocess import Popen

    from ..._model.datapath import Datapath
    from ..record.host import Host
    from ..record.projection import Look
    from .rules_writer import RulesWriter

_OTHER_RULES = 'the loaded firewall rules do not match the record'


class Rules:
    """The loaded rules and the file of them, a projection of the record."""

    def __init__(self, host: Host) -> None:
        """Project the record of ``host``."""
        self.host = host
        self.record = host.record
        self.path = host.settings.path('datapath', 'ruleset.nft')
        self.saved_path = host.settings.path('datapath', 'loaded')
        # This file exists while flows of reassigned addresses are still to be ended.
        self.uncut_path = host.settings.path('datapath', 'uncut')
        self._listing: Popen[str] | None = None
        self.has_others = False  # whether there were other firewalls when rules were listed last

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
        from .rules_writer import current_datapath

        return current_datapath(self)[1]

    def faults(self, look: Look) -> List[str]:
        """Return how the rules differ from the record."""
        fault = self._idle_fault() if look.since is None else self._active_fault(look.since)
        return [fault] if fault else []

    def start_listing(self) -> None:
        """Have nft list what is loaded, for the first comparison, while this run goes on."""
        self._listing = loaded.start_listing()

    def _loaded(self) -> loaded.LoadedRules:
        process = self._listing or loaded.start_listing()
        self._listing = None
        listing = process.communicate()[0]
        self.has_others = loaded.has_others(listing)
        return loaded.parse_listing(listing)

    def _idle_fault(self) -> str:
        rules = self._loaded()
        saved = self.saved()
        if rules != saved.rules or rules.revision != self.revision():
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
        current = loaded.current()
        saved = self.saved().rules
        is_complete = current == saved or current.revision != saved.revision
        return '' if is_complete and current.number(record) >= int(number) else _OTHER_RULES

    def write(self, lock: int) -> None:
        """Load the rules if others are loaded."""
        self._writer.write(lock)

    def confirm(self) -> None:
        """Record what ``write`` loaded, after everything else that follows from it was written."""
        self._writer.confirm()

    def save(self) -> None:
        """Write the file only."""
        self._writer.save()

    @cached_property
    def _writer(self) -> RulesWriter:
        from .rules_writer import RulesWriter

        return RulesWriter(self)

    def saved(self) -> loaded.SavedState:
        """The rules as they were loaded last."""
        return loaded.parse(read_file(self.saved_path) or '')
