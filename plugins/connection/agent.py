# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connection to a server by its guest agent, or into a container."""

from __future__ import annotations

DOCUMENTATION = r"""
name: agent
short_description: Into a server by its guest agent, without a network and ssh
version_added: 0.1.0
description:
  - Runs commands in a server and copies files by its QEMU guest agent, through the hypervisor. The
    server needs no address, no ssh, no key pair, and no rule in a security group.
  - A container needs no agent. Its hypervisor enters its namespaces and its control groups, as its
    root; that needs the program C(nsenter).
  - With the inventory P(hanok.cloud.servers#inventory) it is one line,
    C(ansible_connection=hanok.cloud.agent); that sets O(server) and O(hypervisor).
  - Commands run as root. C(become) makes them another user, with a method that the server has.
  - A virtual machine needs the package C(qemu-guest-agent), and
    O(hanok.cloud.server#module:guest_agent), which is the default.
  - The output of a command is limited to 64 MiB, files are not limited.
author:
  - Hanok developers (@hanok)
options:
  server:
    description:
      - The id of the server, as M(hanok.cloud.server) returns it. It is required; the inventory
        sets it, unless the server is in an OpenStack or on a host that ssh does not reach.
    type: str
    vars:
      - name: ansible_hanok_server
  hypervisor:
    description:
      - The words of a command that runs another one, as root, on the hypervisor of the server, such
        as V([ssh, root@kvm1]) or V([ssh, admin@kvm1, sudo, -n]). Nothing can ask for a password.
      - By default this host, as the user who runs Ansible, who has to be root;
        V([sudo, -n]) makes others root.
    type: list
    elements: str
    default: []
    vars:
      - name: ansible_hanok_hypervisor
  timeout:
    description:
      - Seconds in which the agent has to answer; a server that boots needs some until it does.
    type: int
    default: 30
    vars:
      - name: ansible_hanok_timeout
  command_timeout:
    description:
      - Seconds that a command, or the copy of a file, may take. A command that takes longer is not
        ended. Tasks with C(async) return at once.
    type: int
    default: 3600
    vars:
      - name: ansible_hanok_command_timeout
  executable:
    description: The shell of the server that runs commands.
    type: str
    default: /bin/sh
    vars:
      - name: ansible_executable
  pipelining:
    description:
      - Whether modules are the input of their interpreter instead of files in the server.
    type: bool
    default: true
    vars:
      - name: ansible_pipelining
  remote_user:
    description: The user that commands run as. No variable changes it; use C(become).
    type: str
    choices: [root]
    default: root
requirements:
  - on the hypervisor, what the role P(hanok.cloud.host#role) installs
seealso:
  - plugin: hanok.cloud.servers
    plugin_type: inventory
"""

EXAMPLES = r"""
# group_vars/hanok.yml beside an inventory hanok.yml: all servers, whatever their networks let in
ansible_connection: hanok.cloud.agent

---
# A playbook without an inventory
- name: Create a server that nobody reaches
  hosts: localhost
  become: true
  tasks:
    - hanok.cloud.server:
        name: vault
        image: debian
        flavor: g1.micro
      register: created
    - ansible.builtin.add_host:
        name: vault
        ansible_connection: hanok.cloud.agent
        ansible_hanok_server: "{{ created.server.id }}"
        ansible_hanok_hypervisor: [sudo, -n]

- name: Configure it
  hosts: vault
  tasks:
    - ansible.builtin.copy:
        content: "sealed\n"
        dest: /etc/motd
        mode: "0644"
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Tuple

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

from ..plugin_utils import agent_guest, agent_pipe
from ..plugin_utils.agent_pipe import Broken, Pipe, Refused
from ..plugin_utils.answers import Problem
from ..plugin_utils.host_vars import ID

_PAUSE = 0.5  # seconds between attempts to find an agent that answers
_LONGEST = 5  # seconds for one of them
_UNREACHABLE = {
    agent_pipe.NO_DOMAIN: 'its hypervisor has no such server; correct ansible_hanok_server or '
    'ansible_hanok_hypervisor',
    agent_pipe.NOT_RUNNING: 'it does not run; start it',
    agent_pipe.NO_CHANNEL: 'it has no guest agent; set its option guest_agent to true',
    agent_pipe.UNRESPONSIVE: 'no guest agent has answered within {timeout} s; install the package '
    'qemu-guest-agent in the server, or raise ansible_hanok_timeout',
}
_BLOCKED = re.compile(r"'guest-exec(-status)?': .*(disabled|not allowed|not been found)")


class Connection(ConnectionBase):
    """A way into a server, by its guest agent."""

    transport = 'hanok.cloud.agent'
    has_pipelining = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Connect later."""
        super().__init__(*args, **kwargs)
        self._pipe: Pipe | None = None

    def _connect(self) -> Connection:
        """Start the program on the hypervisor, unless it runs, and wait for the agent."""
        with self._agent():
            return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> Tuple[int, bytes, bytes]:
        """Run a command of the shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        words = [str(self.get_option('executable')), '-c', cmd]
        with self._agent() as agent:
            ended = agent_guest.run(agent, words, in_data, self.get_option('command_timeout'))
        return ended.code, ended.output, ended.errors

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the server."""
        super().put_file(in_path, out_path)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f'file or module does not exist: {in_path}')
        with open(in_path, 'rb') as source, self._agent() as agent:
            agent_guest.put(agent, source, _absolute(out_path), self.get_option('command_timeout'))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the server."""
        super().fetch_file(in_path, out_path)
        with open(out_path, 'wb') as target, self._agent() as agent:
            agent_guest.fetch(agent, _absolute(in_path), target, self.get_option('command_timeout'))

    def close(self) -> None:
        """End the program on the hypervisor."""
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None
        self._connected = False

    def reset(self) -> None:
        """Connect anew, as meta: reset_connection does."""
        self.close()

    @contextmanager
    def _agent(self) -> Iterator[Pipe]:
        """The way to the agent; what goes wrong there is told as Ansible does."""
        try:
            if self._pipe is None:
                self._pipe = self._started()
                self._connected = True
            yield self._pipe
        except Problem as error:
            if isinstance(error, Broken):
                self.close()
            sentence, is_reachable = self._told(error)
            kind = AnsibleError if is_reachable else AnsibleConnectionFailure
            raise kind(f'server {self.get_option("server")}: {sentence}') from None

    def _started(self) -> Pipe:
        """A way to the agent, which answers."""
        server, timeout = self.get_option('server'), self.get_option('timeout')
        if not ID.match(server or ''):
            raise Problem(
                'ansible_hanok_server is no id of a server; use the one of server_info (an '
                'OpenStack has no such connection)'
            )
        deadline = time.monotonic() + timeout
        pipe = Pipe(self.get_option('hypervisor'), server, timeout)
        try:
            while not _answers(pipe, deadline):
                time.sleep(_PAUSE)
        except BaseException:
            pipe.close()
            raise
        return pipe

    def _told(self, error: Problem) -> Tuple[str, bool]:
        """Return a sentence, and whether the server can be reached nevertheless."""
        if isinstance(error, agent_guest.Late):
            return f'{error}; raise ansible_hanok_command_timeout', False
        if isinstance(error, Refused):
            if error.code in _UNREACHABLE:
                sentence = _UNREACHABLE[error.code].format(timeout=self.get_option('timeout'))
                return sentence, False
            if _BLOCKED.search(str(error)):
                return (
                    'its guest agent runs no commands; allow guest-exec and guest-exec-status in '
                    f'/etc/sysconfig/qemu-ga of the server ({error})',
                    False,
                )
        return str(error), not isinstance(error, Broken)


def _answers(pipe: Pipe, deadline: float) -> bool:
    """Whether the agent answers; an error after the deadline."""
    try:
        pipe.execute('guest-ping', max(1, min(_LONGEST, int(deadline - time.monotonic()))))
    except Refused as error:
        if error.code != agent_pipe.UNRESPONSIVE or time.monotonic() > deadline:
            raise
        return False
    return True


def _absolute(path: str) -> str:
    """The agent has no home."""
    return os.path.join('/', path)
