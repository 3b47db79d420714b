# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far the restore of a snapshot has come: what a failure means depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..._cloud import CloudError, Outcome

if TYPE_CHECKING:
    from .row_types import CompleteServer


class Restoring:
    """The restore of one snapshot.

    ``was_whole``: no interrupted run has left the server with a part of it. ``has_begun``: the
    server may be a part of it now. ``is_done``: all is restored, whether the server starts or not.
    """

    has_begun = is_done = False

    def __init__(self, record: Callable[[], CompleteServer], was_whole: bool) -> None:
        """``record``: writes down what the server is to be, and returns it."""
        self._record = record
        self.was_whole = was_whole

    def begin(self) -> CompleteServer:
        """Return the server as it is to be, when nothing more can fail before it is touched."""
        server = self._record()
        self.has_begun = True
        return server

    @property
    def left_nothing(self) -> bool:
        """Whether it has failed, and the server is as it was."""
        return self.was_whole and not self.has_begun

    def explain(self, outcome: Outcome) -> None:
        """Add to an error what it has left, and the way out."""
        error = outcome.error
        if isinstance(error, CloudError) and self.has_begun:
            error.args = (f'{error}; {self._way_out()}',)

    def _way_out(self) -> str:
        if self.is_done:
            return 'the snapshot is restored, and the server is off; start it (state: started)'
        return (
            'the server is unfinished (restoring); restore this snapshot again, or another one, or '
            'delete the server'
        )
