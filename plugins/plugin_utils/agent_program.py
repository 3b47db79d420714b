# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run on a hypervisor by python -c: asks the guest agent of the server whose id is the argument.

A request is a line of JSON: the seconds that the agent has, and the text of its command. So is an
answer: the text that the agent has sent, or an error of libvirt with its number. The first answer
comes without a request.

A container has no agent: this does in its namespaces what an agent does (QEMU guest agent protocol
reference). Root of the container controls what is run there, and sees it: its root is nobody here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any, Callable, Dict, List

_MOST = 2**24  # bytes of the output of a command, as of the agent of QEMU
_SET_SIZE, _PIPE = 1031, 2**20  # F_SETPIPE_SZ: what commands print while nobody asks
_OPEN = {'r': 'exec cat <"$0"', 'w': 'exec cat >"$0"'}
_LONGEST = 10  # seconds until a file is closed


def main() -> None:
    """Answer until the input ends."""
    try:
        import libvirt
    except ImportError as error:
        _say({'error': str(error), 'code': 0})
        return
    libvirt.registerErrorHandler(lambda *_error: None, None)
    broken = (SystemError, ValueError)  # text that is not UTF-8
    errors = (libvirt.libvirtError, ImportError, OSError, subprocess.SubprocessError, *broken)
    try:
        agent = _agent_of(sys.argv[1])
    except errors as error:
        _say(_error(error))
        return
    _say({'answer': ''})
    for line in sys.stdin:
        seconds, command = json.loads(line)
        try:
            _say({'answer': agent.execute(command, seconds)})
        except errors as error:
            _say(_error(error))


def _agent_of(server: str) -> Any:
    """What stands for the agent of a server."""
    import libvirt

    try:
        return MachineAgent(libvirt.open('qemu:///system').lookupByUUIDString(server))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
    return ContainerAgent(libvirt.open('lxc:///system').lookupByUUIDString(server))


class MachineAgent:
    """The guest agent of a virtual machine."""

    def __init__(self, domain: Any) -> None:
        """``domain``: of the machine."""
        import libvirt_qemu

        self._domain, self._ask = domain, libvirt_qemu.qemuAgentCommand

    def execute(self, command: str, seconds: int) -> Any:
        """The text of its answer."""
        # for the guest-sync that libvirt itself sends first
        self._domain.agentSetResponseTimeout(seconds, 0)
        return self._ask(self._domain, command, seconds, 0)


class ContainerAgent:
    """What an agent would do, done in the namespaces and the control groups of a container."""

    def __init__(self, domain: Any) -> None:
        """``domain``: of the container."""
        self._domain = domain
        self._started: Dict[int, Any] = {}
        self._outputs: Dict[int, List[bytearray]] = {}

    def execute(self, command: str, _seconds: int) -> str:
        """The text of an answer."""
        wanted = json.loads(command)
        arguments = {name.replace('-', '_'): value for name, value in wanted['arguments'].items()}
        commands: Dict[str, Callable[..., object]] = {
            'guest-ping': self._ping,
            'guest-exec': self._run,
            'guest-exec-status': self._status,
            'guest-file-open': self._open,
            'guest-file-read': self._read,
            'guest-file-write': self._write,
            'guest-file-close': self._close,
        }
        return json.dumps({'return': commands[wanted['execute']](**arguments)})

    def _ping(self) -> Dict[str, Any]:
        self._init()
        return {}

    def _init(self) -> int:
        """The PID of its init, the child of its controller, whose PID is the id of the domain."""
        import libvirt

        if self._domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING:
            controller = self._domain.ID()
            with suppress(OSError, ValueError):
                path = f'/proc/{controller}/task/{controller}/children'
                with open(path, encoding='ascii') as file:
                    (init,) = map(int, file.read().split())
                if not _is_frozen(_group_of(init)):
                    return init
        raise Failed('it does not run', libvirt.VIR_ERR_OPERATION_INVALID)

    def _enter(self, group: str) -> None:
        """Be limited as the container is. With cgroup v2, libvirt would leave this where it is."""
        if group:
            with open(f'{group}/cgroup.procs', 'w', encoding='ascii') as file:
                file.write('0')  # this process
            return
        import libvirt_lxc

        libvirt_lxc.lxcEnterCGroup(self._domain, 0)

    def _start(self, words: List[str], environment: Dict[str, str] | None = None) -> Any:
        init = self._init()
        group = _group_of(init)
        enter = ['/usr/bin/nsenter', f'--target={init}', '--all']
        started = subprocess.Popen(
            [*enter, '--setuid=0', '--setgid=0', '--', *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment or {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'},
            preexec_fn=lambda: self._enter(group),
            start_new_session=True,
        )
        self._started[started.pid] = started
        return started

    def _run(
        self, path: str, arg: List[str], env: List[str], input_data: str = '', **_capture: bool
    ) -> Dict[str, Any]:
        import fcntl

        started = self._start([path, *arg], dict(one.split('=', 1) for one in env))
        for file in (started.stdin, started.stdout, started.stderr):
            fcntl.fcntl(file, _SET_SIZE, _PIPE)
            os.set_blocking(file.fileno(), False)
        with suppress(BrokenPipeError), started.stdin as file:
            file.write(base64.b64decode(input_data))
        self._outputs[started.pid] = [bytearray(), bytearray()]
        return {'pid': started.pid}

    def _status(self, pid: int) -> Dict[str, Any]:
        started, kept = self._started[pid], self._outputs[pid]
        code = started.poll()  # before the rest of what it has printed is read
        answer: Dict[str, Any] = {'exited': code is not None}
        for name, file, data in zip(('out', 'err'), (started.stdout, started.stderr), kept):
            _collect(file, data)
            answer[f'{name}-data'] = base64.b64encode(data[:_MOST]).decode()
            answer[f'{name}-truncated'] = len(data) > _MOST
        if code is None:
            return {'exited': False}
        answer['signal' if code < 0 else 'exitcode'] = abs(code)
        self._forget(pid)
        return answer

    def _open(self, path: str, mode: str) -> int:
        started = self._start(['/bin/sh', '-c', _OPEN[mode], path])
        if mode == 'r':
            started.stdin.close()
        return int(started.pid)

    def _read(self, handle: int, count: int) -> Dict[str, Any]:
        data = bytearray()
        file = self._started[handle].stdout
        while len(data) < count:
            part = file.read(count - len(data))
            if not part:
                self._check(handle)
                break
            data += part
        text = base64.b64encode(data).decode()
        return {'count': len(data), 'buf-b64': text, 'eof': len(data) < count}

    def _write(self, handle: int, buf_b64: str) -> Dict[str, Any]:
        data = base64.b64decode(buf_b64)
        left = memoryview(data)
        try:
            while left:
                left = left[self._started[handle].stdin.write(left) :]
        except BrokenPipeError:
            self._check(handle)
        return {'count': len(data) - len(left)}

    def _close(self, handle: int) -> Dict[str, Any]:
        is_written = not self._started[handle].stdin.closed
        try:
            if is_written:
                self._started[handle].stdin.close()
                self._check(handle)
        finally:
            self._forget(handle)
        return {}

    def _check(self, handle: int) -> None:
        """Raise what a program that has read or written a file has said of it."""
        started = self._started[handle]
        try:
            code = started.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            raise Failed('the container does not close the file') from None
        if code:
            os.set_blocking(started.stderr.fileno(), False)
            said = bytearray()
            _collect(started.stderr, said)
            raise Failed(said[:1000].decode(errors='replace').strip() or f'it has ended by {code}')

    def _forget(self, pid: int) -> None:
        started = self._started.pop(pid)
        self._outputs.pop(pid, None)
        started.kill()
        for file in (started.stdin, started.stdout, started.stderr):
            file.close()
        started.wait()


def _group_of(init: int) -> str:
    """The folder of the control group of an init; empty without cgroup v2.

    That of the init, not of the container: where systemd has divided it, only its parts have any.
    """
    if not os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
        return ''
    with open(f'/proc/{init}/cgroup', encoding='utf-8') as file:
        (group,) = [line[3:].rstrip() for line in file if line.startswith('0::')]
    return f'/sys/fs/cgroup{group}'


def _is_frozen(group: str) -> bool:
    """Whether a container is paused. libvirt does not know it with cgroup v2 (control_group.py)."""
    if not group:
        return False
    with open(f'{group}/cgroup.events', encoding='ascii') as file:
        return 'frozen 1' in file.read().splitlines()


class Failed(OSError):
    """What an agent answers with an error. ``code``: of libvirt, if there is one."""

    def __init__(self, text: str, code: int = 0) -> None:
        """``text``: what is wrong."""
        super().__init__(text)
        self.code = code


def _collect(file: Any, data: bytearray) -> None:
    """Read what there is; of what is too much, only that it is.

    That is more than a pipe holds, and not all that a program can print meanwhile.
    """
    for _part in range(4 * _PIPE >> 16):
        part = file.read(2**16)
        if not part:
            return
        data += part
        del data[_MOST + 1 :]


def _error(error: Exception) -> Dict[str, Any]:
    import libvirt

    number = getattr(error, 'get_error_code', int)() or getattr(error, 'code', 0)
    if number == getattr(libvirt, 'VIR_ERR_AGENT_COMMAND_TIMEOUT', None):
        number = libvirt.VIR_ERR_AGENT_UNRESPONSIVE  # what older ones say
    return {'error': str(error), 'code': number}


def _say(answer: Dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
