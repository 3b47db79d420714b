# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Problems: the sentences that say why a task cannot be done, with a code for playbooks."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    'invalid', 'refused', 'missing', 'busy', 'timeout', 'unsupported', 'failed', 'defect'
]


class Problem(str):
    """A sentence for the user about one option, and what kind of problem it is.

    ``name``: the item that it is about; empty: the requested one.
    """

    option: str
    code: Code
    name: str

    def __new__(
        cls, text: str, option: str = '', code: Code = 'refused', name: str = ''
    ) -> Problem:
        """``text``: the whole sentence, which names the option or the item."""
        problem = super().__new__(cls, text)
        problem.option = option
        problem.code = code
        problem.name = name
        return problem


def invalid(option: str, text: str) -> Problem:
    """Return the problem of an option with a value that is wrong whatever exists."""
    return Problem(f'{option}: {text}', option, 'invalid')
