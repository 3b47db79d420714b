# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tasks refer to by name, in clouds where several items may have the same name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Dict, List

from .._model.kinds import KINDS
from .things import NamedThing


class References(Dict[str, NamedThing]):
    """Items by name, of which a task refers to some: a name that several have is refused then."""

    def __init__(self, kind: str, items: Iterable[NamedThing]) -> None:
        """``kind``: of the items."""
        super().__init__()
        self.kind = kind
        self.ids: Dict[str, List[str]] = {}
        for item in items:
            self[item.name] = item
            self.ids.setdefault(item.name, []).append(item.id)

    def __getitem__(self, name: str) -> NamedThing:
        """Return an item."""
        self.check(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        """Return whether there is an item of this name."""
        self.check(name)
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an item, or the default."""
        self.check(name)
        return super().get(name, default)

    def check_all(self) -> None:
        """Raise Refused if several items have one name."""
        for name in self:
            self.check(name)

    def check(self, name: object) -> None:
        """Raise Refused if several items have a name: it does not say which is meant."""
        ids = self.ids.get(str(name), ())
        if len(ids) > 1:
            from .._cloud.several import ambiguous

            raise ambiguous(KINDS[self.kind].title, self.kind, str(name), ids)
