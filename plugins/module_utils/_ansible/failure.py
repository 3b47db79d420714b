# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a failed task returns: one message, and each error with its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List

from .._cloud import CloudError, Outcomes, RefusedTask
from .._cloud.several import Several
from .._model.change import Change
from .._model.problem import Code


class Failure:
    """The errors of a task; false while there are none."""

    def __init__(self) -> None:
        """Start without errors."""
        self.texts: List[str] = []
        self.errors: List[Dict[str, Any]] = []

    def __bool__(self) -> bool:
        """Whether there are errors."""
        return bool(self.errors)

    def add(self, error: CloudError) -> None:
        """Add an error of the whole task, or those of several items."""
        if isinstance(error, Several):
            for one in error.errors:
                self.add(one)
            return
        text = str(error)
        self.texts.append(text)
        if not isinstance(error, RefusedTask):
            entry = _entry(text, error.code, error.option, error.kind, error.name)
            self.errors.append(entry)
            return
        for problem in error.problems:
            entry = _entry(str(problem), problem.code, problem.option, name=problem.name)
            self.errors.append(entry)

    def add_outcome(self, change: Change, error: CloudError) -> None:
        """Add the error of one change."""
        self.texts.append(f'{change.kind} {change.name}: {error}')
        kind = error.kind or change.kind
        name = error.name or change.name
        entry = _entry(str(error), error.code, error.option, kind, name)
        self.errors.append(entry)

    def add_unexpected(self, error: Exception) -> None:
        """Add an error that nobody expects."""
        text = (
            f'{type(error).__name__}: {error}; this is a defect of hanok.cloud, please report it '
            '(-vvv shows where)'
        )
        self.texts.append(text)
        self.errors.append(_entry(text, 'defect'))

    def traceback(self, error: Exception) -> object:
        """An error for ansible-core, which takes a traceback from it; before 2.19 a text."""
        from inspect import signature

        from ansible.module_utils.basic import AnsibleModule

        if 'exception' in signature(AnsibleModule.fail_json).parameters:
            return error
        from traceback import format_exception

        return ''.join(format_exception(type(error), error, error.__traceback__))

    def add_invalid(self, text: str) -> None:
        """Add an error of options that AnsibleModule has found."""
        self.texts.append(text)
        self.errors.append(_entry(text, 'invalid'))

    def result(self, kind: str, name: str) -> Dict[str, Any]:
        """Return the result; what says nothing else is about the item of this kind and name."""
        about: Mapping[str, Any] = {'kind': kind or None, 'name': name or None}
        errors = [
            {key: about.get(key) if value is None else value for key, value in error.items()}
            for error in self.errors
        ]
        return {'msg': '; '.join(self.texts), 'errors': errors}


def failure_of(outcomes: Outcomes, error: CloudError | None) -> Failure:
    """Return the error of each change that failed, and the one after them."""
    failure = Failure()
    for outcome in outcomes:
        if outcome.error:
            failure.add_outcome(outcome.change, outcome.error)
    if error:
        failure.add(error)
    return failure


def _entry(
    text: str,
    code: Code,
    option: str = '',
    kind: str = '',
    name: str = '',
) -> Dict[str, Any]:
    return {
        'code': code,
        'kind': kind or None,
        'name': name or None,
        'option': option or None,
        'msg': text,
    }
