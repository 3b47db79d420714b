# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe, plan, apply: the same for every resource. The only place that knows of check mode."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Tuple

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .._cloud import Cloud, CloudError, Names, Outcome, is_libvirts
from .._model.change import Change, Plan
from .blank import leave_out
from .clouds import open_cloud
from .report import diff, require_yaml, sentence, step, steps

_FOLDERS = ('/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin')
_LONGEST_WAIT = 7 * 86400
SHARED: Dict[str, Any] = {
    'cloud': {'type': 'str', 'default': 'local', 'fallback': (env_fallback, ['HANOK_CLOUD'])},
    'actor': {'type': 'str', 'fallback': (env_fallback, ['SUDO_USER', 'USER', 'LOGNAME'])},
    'wait_timeout': {'type': 'int', 'default': 300},
}


def _none(cloud: Cloud, request: Any) -> Mapping[str, Any]:
    return {}


def _no_wait(cloud: Cloud, request: Any, items: Sequence[Any], timeout: int) -> str:
    return ''


def _no_secrets(params: Mapping[str, Any]) -> Sequence[str]:
    return ()


class Resource(NamedTuple):
    """What the edge must know of a resource.

    ``request`` makes a request of the params; ``observe`` reads what concerns it, with the names to
    hold; ``plan`` is pure; ``reload`` reads the planned things after they were made;
    ``executors`` are what acts on kinds that are no part of a cloud; ``wait`` waits for what was
    asked to be waited for, and says what that was. ``logged``: its options go to syslog, as Ansible
    does it. ``secrets``: of its options those that turn out to be.
    """

    kind: str
    arguments: Dict[str, Any]
    request: Callable[[Dict[str, Any]], Any]
    observe: Callable[[Cloud, Any], Tuple[Any, Names]]
    plan: Callable[[Any, Any], Plan]
    reload: Callable[[Cloud, Sequence[Any]], Sequence[Any]]
    executors: Callable[[Cloud, Any], Mapping[str, Any]] = _none
    wait: Callable[[Cloud, Any, Sequence[Any], int], str] = _no_wait
    opener: Callable[[str, str, int], Any] | None = None  # another one than open_cloud
    logged: bool = True
    secrets: Callable[[Mapping[str, Any]], Sequence[str]] = _no_secrets
    rules: Mapping[str, Any] = {}  # further arguments of AnsibleModule (mutually_exclusive, ...)
    strict: Tuple[str, ...] = ()  # options in which nothing may be empty (blank.py)


class Done(NamedTuple):
    """What a run leaves: the plan it followed, how each change went, the things as they are now, and what went wrong after the changes."""

    plan: Plan
    outcomes: Sequence[Outcome]
    items: Sequence[Any]
    error: str = ''


def given_options(params: Mapping[str, Any], *options: str) -> Dict[str, Any]:
    """Only the options that were said: what was left out is not managed."""
    return {option: params[option] for option in options if params[option] is not None}


@contextmanager
def opened(
    module: AnsibleModule, opener: Callable[[str, str, int], Any] | None = None
) -> Iterator[Cloud]:
    """Open the cloud that the task names, and close it. What nobody foresaw is explained by the cloud's own state, where that explains it."""
    refuse(module, _shared_problems(module.params))
    cloud: Cloud = (opener or open_cloud)(
        module.params['cloud'], module.params['actor'] or 'root', module.params['wait_timeout']
    )
    try:
        yield cloud
    except (CloudError, OSError):
        raise
    except Exception as error:
        damage = cloud.damage()
        if damage:
            raise CloudError(damage) from error
        raise
    finally:
        cloud.close()


def _shared_problems(params: Mapping[str, Any]) -> List[str]:
    actor, timeout = params['actor'] or '', params['wait_timeout']
    problems = (
        []
        if 0 <= timeout <= _LONGEST_WAIT
        else [f'wait_timeout: {timeout} is out of range; give 0 to {_LONGEST_WAIT} (seconds)']
    )
    return problems + (
        []
        if actor.isprintable() and len(actor) <= 255
        else ['actor: give one line of at most 255 printable characters']
    )


def run(resource: Resource) -> None:
    """Run the module of a resource."""
    module = _read(_discreet(resource), resource.rules)
    try:
        _run(module, resource)
    except Exception as error:
        module.fail_json(msg=words_of(error), **({} if _foreseen(error) else {'exception': error}))


def _discreet(resource: Resource) -> Any:
    """A module that does not send everything to syslog, where others than root read: its argument no_log is overruled by the task's, which is mostly false.

    What turns out to be a secret is known as such before anything is told, also that an option is
    wrong.
    """

    class Discreet(_reader({**SHARED, **resource.arguments}, resource.strict)):  # type: ignore[misc]
        """One that keeps secrets."""

        def _load_params(self) -> None:
            super()._load_params()
            self.no_log_values.update(resource.secrets(self.params))

        def log(self, msg: Any, log_args: Any = None) -> None:
            """Keep to itself what is not for everybody."""
            if resource.logged and not resource.secrets(self.params):
                super().log(msg, log_args)

    return Discreet


def _reader(arguments: Dict[str, Any], strict: Sequence[str] = ()) -> Any:
    """A module with these options, in which empty text counts as not given."""

    class Reader(AnsibleModule):  # type: ignore[misc]
        """Ansible's, but for this."""

        def __init__(self, **rules: Any) -> None:
            super().__init__(argument_spec=arguments, supports_check_mode=True, **rules)

        def _load_params(self) -> None:
            super()._load_params()
            leave_out(self.params, arguments, strict)

    return Reader


def _find_programs() -> None:
    """Have programs found where systems keep them: a PATH without sbin is common (su, cron, sudo without secure_path)."""
    path = os.environ.get('PATH', '').split(os.pathsep)
    os.environ['PATH'] = os.pathsep.join(dict.fromkeys([*filter(None, path), *_FOLDERS]))


def _read(kind: Any, rules: Mapping[str, Any]) -> AnsibleModule:
    """Have Ansible read the options. It knows no answer to some that are of no type at all (infinity, half a character): there it ends with a traceback."""
    _find_programs()
    try:
        module = kind(**rules)
        _encoded(module.params)
        return module
    except (ValueError, TypeError, ArithmeticError) as error:
        sys.stdout.write(
            json.dumps({'failed': True, 'msg': f'refused: an option cannot be read: {error}'})
        )
        raise SystemExit(1) from error


def _encoded(params: Mapping[str, Any]) -> None:
    """Find half a character where Ansible has not looked: in what is not logged. Raises ValueError."""
    for option, value in params.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f'{option}: it is no text ({error.reason})') from error


def _foreseen(error: Exception) -> bool:
    """Whether an error is told to users as it is: ours, the host's (a full disk), libvirt's."""
    return isinstance(error, (CloudError, OSError)) or is_libvirts(error)


def words_of(error: Exception) -> str:
    """What to say of an error."""
    if isinstance(error, CloudError):
        return str(error)
    if isinstance(error, OSError):
        return f'this host: {error}'
    return (
        f'libvirt: {error}'
        if is_libvirts(error)
        else f'{type(error).__name__}: {error}; this is a defect of hanok.cloud, please report it (-vvv shows where)'
    )


def _run(module: AnsibleModule, resource: Resource) -> None:
    request = resource.request(module.params)
    refuse(module, request.problems())
    with opened(module, resource.opener) as cloud:
        plan = resource.plan(request, resource.observe(cloud, request)[0])
        refuse(module, plan.refused)
        if module.check_mode:
            done = Done(plan, [Outcome(change) for change in plan.changes], plan.result)
            cloud.notes.extend(plan.missing)
        else:
            refuse(module, plan.missing)
            done = (
                _apply(module, resource, cloud, request)
                if plan.changes
                else Done(plan, [], plan.result)
            )
        _report(module, resource, cloud, request, done)


def _apply(module: AnsibleModule, resource: Resource, cloud: Cloud, request: Any) -> Done:
    """Hold what the plan is about, plan again by what is there now, and do it."""
    if module._diff:
        require_yaml()
    done = None
    try:
        with cloud.changing(lambda: resource.observe(cloud, request)) as observed:
            plan = resource.plan(request, observed)
            refuse(module, plan.refused + plan.missing)
            done = Done(
                plan, _execute(cloud, resource.executors(cloud, request), plan.changes), plan.result
            )
            done = done._replace(items=resource.reload(cloud, plan.result))
    except Exception as error:
        if done is None or not _foreseen(error):
            raise
        done = done._replace(error=words_of(error))  # what was done before is told all the same
    return done


def _execute(cloud: Cloud, others: Mapping[str, Any], changes: Sequence[Change]) -> List[Outcome]:
    """Neighbours of one kind and verb are one call. What failed is left alone by what comes later; the others go on."""
    outcomes: List[Outcome] = []
    for (kind, verb), some in groupby(changes, key=lambda change: (change.kind, change.verb)):
        failed = {
            (outcome.change.kind, outcome.change.name) for outcome in outcomes if outcome.error
        }
        executor = others.get(kind) or getattr(cloud, kind + 's')
        started = time.monotonic()
        current = _do(
            getattr(executor, verb),
            [change for change in some if (change.kind, change.name) not in failed],
        )
        spent = time.monotonic() - started
        outcomes += [
            outcome if outcome.seconds is not None else outcome._replace(seconds=spent)
            for outcome in current
        ]
    return outcomes


def _do(
    verb: Callable[[Sequence[Change]], Sequence[Outcome]], changes: Sequence[Change]
) -> Sequence[Outcome]:
    """What fails as a whole fails for each: what was done before it is told all the same."""
    try:
        return verb(changes)
    except Exception as error:
        if not _foreseen(error):
            raise
        return [Outcome(change, words_of(error)) for change in changes]


def _report(
    module: AnsibleModule, resource: Resource, cloud: Cloud, request: Any, done: Done
) -> None:
    good = [outcome for outcome in done.outcomes if not outcome.error]
    failed = [
        f'{outcome.change.kind} {outcome.change.name}: {outcome.error}'
        for outcome in done.outcomes
        if outcome.error
    ]
    failed += [done.error] if done.error else []
    changes, names = [outcome.change for outcome in good], [item.name for item in done.items]
    result: Dict[str, Any] = {
        'msg': sentence(changes, module.check_mode, resource.kind, names),
        'changed': bool(good),
        **({'diff': diff(changes)} if module._diff else {}),
        'steps': steps(good),
        **_shown(resource.kind, module.params.get('count') is not None, done.items),
    }
    if not module.check_mode and not failed:
        started = time.monotonic()
        try:
            waited = resource.wait(cloud, request, done.items, module.params['wait_timeout'])
            result['steps'] += [step(waited, '', time.monotonic() - started)] if waited else []
        except CloudError as error:
            failed.append(str(error))
    for note in (*done.plan.notes, *cloud.notes):
        module.warn(note)
    if failed:
        module.fail_json(**{**result, 'msg': '; '.join(failed)})
    module.exit_json(**result)


def _shown(kind: str, many: bool, items: Sequence[Any]) -> Dict[str, Any]:
    shown = [item.public() for item in items]
    return {kind + 's': shown} if many else {kind: shown[0] if shown else None}


def refuse(module: AnsibleModule, why: Sequence[str]) -> None:
    """End the task, before anything is touched, with all that is wrong at once."""
    if why:
        _refuse(module, why)


def _refuse(module: AnsibleModule, why: Sequence[str]) -> NoReturn:
    module.fail_json(msg='refused: ' + '; '.join(why), refused=list(why))
    raise AssertionError  # fail_json does not return


_CARRIED = ('servers', 'networks', 'ports', 'security_groups', 'floating_ips', 'lbs', 'topology')
_ANY = 'server, network, port, security group, floating IP or load balancer'


def info(
    key: str, arguments: Mapping[str, Any], observe: Callable[[Cloud, Dict[str, Any]], Any]
) -> None:
    """Be a module that only looks. What is wrong with the host that carries these things is a warning."""
    module = _read(_reader({**SHARED, **arguments}), {})
    try:
        with opened(module) as cloud:
            found = observe(cloud, module.params)
            faults = cloud.firewalls.list()[0].faults if key in _CARRIED else ()
            notes = [
                *cloud.notes,
                *(
                    f'this host is not as recorded: {fault}; the next task about any {_ANY} mends it'
                    for fault in faults
                ),
            ]
        for note in notes:
            module.warn(note)
        module.exit_json(changed=False, **{key: found})
    except Exception as error:
        module.fail_json(msg=words_of(error), **({} if _foreseen(error) else {'exception': error}))
