# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The AnsibleModule of this collection: shared options, blank values, secrets, failures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Dict, NoReturn, Tuple

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .._cloud import CloudError, RefusedTask
from .._model.checks import DEFAULT_PROJECT, name_problems
from .._model.problem import Problem, invalid
from .blank import drop_blank

if TYPE_CHECKING:
    from .failure import Failure

SecretValues = Callable[[Mapping[str, Any]], Sequence[str]]

_PROGRAM_FOLDERS = (
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
)
_MAX_WAIT = 7 * 86400  # seconds
SHARED_OPTIONS: Dict[str, Any] = {
    'cloud': {'type': 'str', 'default': 'local', 'fallback': (env_fallback, ['HANOK_CLOUD'])},
    'project': {
        'type': 'str',
        'default': DEFAULT_PROJECT,
        'fallback': (env_fallback, ['HANOK_PROJECT']),
    },
    'actor': {'type': 'str', 'fallback': (env_fallback, ['SUDO_USER', 'USER', 'LOGNAME'])},
    # AWX sets JOB_ID where it runs ansible-playbook: modules have it with connection local.
    'job': {'type': 'str', 'fallback': (env_fallback, ['HANOK_JOB', 'JOB_ID'])},
    'wait': {'type': 'bool', 'default': True},
    'wait_timeout': {'type': 'int', 'default': 300},
}


def actor_of(params: Mapping[str, Any]) -> str:
    """Return who runs the task."""
    return params['actor'] or 'root'


def no_secrets(params: Mapping[str, Any]) -> Sequence[str]:
    """Return no secrets: no option of the module holds one that ``no_log`` does not mark."""
    return ()


class Module(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule in which blank text counts as not set, and which keeps secrets private.

    ``strict``: the options that may not hold blank values (blank.py). ``secrets`` returns the
    values of ``params`` that are secret; they are masked in every result, also in one that says
    that an option is wrong. ``logged``: whether the options may go to syslog, which users other
    than root can read. The task's own ``no_log``, mostly false, overrules AnsibleModule's argument
    of that name, hence the override of ``log``.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        kind: str = '',
        strict: Tuple[str, ...] = (),
        secrets: SecretValues = no_secrets,
        logged: bool = True,
        **rules: Any,
    ) -> None:
        """Read the parameters of the task. ``rules``: mutually_exclusive and its kin."""
        self._spec = {**SHARED_OPTIONS, **options}
        self.kind = kind
        self._strict = strict
        self._secrets = secrets
        self._logged = logged
        super().__init__(argument_spec=self._spec, supports_check_mode=True, **rules)

    def _load_params(self) -> None:
        super()._load_params()
        drop_blank(self.params, self._spec, self._strict)
        self.no_log_values.update(self._secrets(self.params))

    def log(self, msg: Any, log_args: Any = None) -> None:
        """Write to syslog, unless the options hold a secret."""
        if self._logged and not self._secrets(self.params):
            super().log(msg, log_args)

    @property
    def project(self) -> str:
        """The project of the task: a task that manages a project works in that one."""
        manages = self.kind == 'project' and not self.is_for_all_projects
        return str(self.params['name' if manages else 'project'])

    @property
    def is_for_all_projects(self) -> bool:
        """Whether it looks at all projects in which the user may look."""
        lists_projects = self.kind == 'project' and 'state' not in self._spec
        return lists_projects or bool(self.params.get('all_projects'))

    def check_shared_options(self) -> None:
        """Refuse values of the shared options that are out of range."""
        problems = []
        timeout = self.params['wait_timeout']
        problems += name_problems(self.params['project'], 'project')
        if not 0 <= timeout <= _MAX_WAIT:
            problems.append(
                invalid(
                    'wait_timeout',
                    f'{timeout} is out of range; use 0 to {_MAX_WAIT} (seconds)',
                )
            )
        for option, text in (('actor', actor_of(self.params)), ('job', self.params['job'] or '')):
            if not text.isprintable() or len(text) > 255:
                problems.append(invalid(option, 'use one line of at most 255 printable characters'))
        self.refuse(problems)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """End the task before anything is changed, with all problems at once, if there are any."""
        if problems:
            self.fail(RefusedTask(problems))

    def fail(self, error: Exception) -> NoReturn:
        """End the task with the message of an error; a traceback only if it is unexpected."""
        from .failure import Failure

        failure = Failure()
        result: Dict[str, Any] = {}
        if isinstance(error, CloudError):
            failure.add(error)
        else:
            failure.add_unexpected(error)
            result['exception'] = failure.traceback(error)
        if isinstance(error, RefusedTask):
            result['refused'] = [str(problem) for problem in error.problems]
        self.fail_with(failure, result)

    def fail_with(self, failure: Failure, result: Mapping[str, Any]) -> NoReturn:
        """End the task with errors, and a result beside them."""
        name = self.params.get('name') or ''
        super().fail_json(**{**result, **failure.result(self.kind, name)})
        raise AssertionError  # fail_json does not return

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End the task because AnsibleModule has found an option to be wrong."""
        from .failure import Failure

        failure = Failure()
        failure.add_invalid(msg)
        self.fail_with(failure, result)


def create_module(options: Mapping[str, Any], **rest: Any) -> Module:
    """Read the options.

    AnsibleModule raises on values outside every type (infinity, a lone surrogate); without this
    function the task would end with a traceback.
    """
    extend_path()
    try:
        module = Module(options, **rest)
        _check_encoding(module.params)
    except (ValueError, TypeError, ArithmeticError) as error:
        from .failure import Failure

        failure = Failure()
        failure.add_invalid(f'refused: an option cannot be read: {error}')
        sys.stdout.write(json.dumps({'failed': True, **failure.result(rest.get('kind', ''), '')}))
        raise SystemExit(1) from error
    return module


def extend_path() -> None:
    """Add the system folders to PATH: su, cron and sudo without secure_path leave sbin out."""
    path = os.environ.get('PATH', '').split(os.pathsep)
    os.environ['PATH'] = os.pathsep.join(dict.fromkeys([*filter(None, path), *_PROGRAM_FOLDERS]))


def _check_encoding(params: Mapping[str, Any]) -> None:
    """Raise ValueError for lone surrogates.

    AnsibleModule finds them only in the options that it logs.
    """
    for option, value in params.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f'{option}: it is not valid text ({error.reason})') from error
