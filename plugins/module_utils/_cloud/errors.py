# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of a cloud, with their codes for playbooks (docs/troubleshooting.md)."""

from __future__ import annotations

from collections.abc import Sequence

from .._model.problem import Code, Problem


class CloudError(Exception):
    """The cloud could not do what was requested; the text is for the user.

    ``kind``, ``name`` and ``option``: what it is about; empty: what the task or change is about.
    """

    code: Code = 'failed'

    def __init__(
        self,
        text: str,
        option: str = '',
        kind: str = '',
        name: str = '',
    ) -> None:
        """``text``: what is wrong, which value, and the way out."""
        super().__init__(text)
        self.option = option
        self.kind = kind
        self.name = name


class Invalid(CloudError):
    """The value of an option is wrong, whatever exists."""

    code: Code = 'invalid'


class Refused(CloudError):
    """It is not possible in the present state of the cloud."""

    code: Code = 'refused'


class RefusedTask(Refused):
    """All problems of a task, which has changed nothing."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """``problems``: at least one."""
        super().__init__('refused: ' + '; '.join(problems))
        self.problems = tuple(problems)


class Missing(CloudError):
    """What it refers to does not exist."""

    code: Code = 'missing'


class Busy(CloudError):
    """Another run holds it, or changed it meanwhile; the same task may succeed later."""

    code: Code = 'busy'


class Gone(Busy):
    """The item of a change was deleted since it was observed."""

    def __init__(self) -> None:
        """Its change has its kind and name."""
        super().__init__('no longer available; run the task again')


class NoAnswer(CloudError):
    """A change was requested, and not answered: it may have been carried out."""


class TimedOut(CloudError):
    """The time for something to happen (wait_timeout) ran out."""

    code: Code = 'timeout'


class Unsupported(CloudError):
    """A cloud does not support what was requested; the text names the option and the cloud."""

    code: Code = 'unsupported'
