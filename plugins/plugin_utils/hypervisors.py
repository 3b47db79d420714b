# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to hypervisors, by the settings that the inventory has for them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any, Dict, List, Tuple

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader
from ansible.template import Templar

from .answers import Problem

PYTHON = '/usr/bin/python3'
# What ends before all input is sent leaves the connection plugin ssh a broken pipe, and no output.
_READ_ALL = '; code=$?; cat >/dev/null; exit $code'
EXPORT = '/var/lib/hanok/hanok.json'  # what members of the group hanok may read


class Hypervisor:
    """A host that servers are on. ``name``: in the inventory.

    ``jump``: the words of the command that logs in to it, its name last; empty without ssh.
    ``command``: the words of one that runs another as root, and asks nothing; None: neither ssh nor
    this host.
    """

    def __init__(self, name: str, variables: Mapping[str, Any], loader: Any) -> None:
        """``variables``: of the inventory, which may be templates. ``loader``: of files."""
        self.name = name
        self._variables = {**variables, 'inventory_hostname': name}
        self._templar = Templar(loader=loader, variables=self._variables)
        self._connection = self._connected()
        self._become = self._become_plugin()
        self._python = self._interpreter()
        self.jump = self._jump()
        self.command = self._command()

    @property
    def is_here(self) -> bool:
        """Whether it is this host."""
        return str(self._connection.transport) == 'local'

    def run(self, program: str, data: bytes) -> Tuple[int, bytes, bytes]:
        """Run a program of Python; return its exit code, output and errors."""
        connection = self._connection
        command = f'{shlex.quote(self._python)} -c {shlex.quote(program)}'
        if self._become is not None:
            command = self._become.build_become_command(command, connection._shell)
        if connection.allow_executable:
            command = f'{constants.DEFAULT_EXECUTABLE} -c {shlex.quote(command + _READ_ALL)}'
        code, output, errors = connection.exec_command(command, in_data=data, sudoable=True)
        return int(code), bytes(output), bytes(errors)

    def _jump(self) -> List[str]:
        connection = self._connection
        if str(connection.transport).rpartition('.')[2] != 'ssh':
            return []
        words = [str(connection.get_option('ssh_executable') or 'ssh')]
        for option in ('ssh_common_args', 'ssh_extra_args'):
            words += shlex.split(connection.get_option(option) or '')
        if not connection.get_option('host_key_checking'):
            words += ['-o', 'StrictHostKeyChecking=no']
        for option, flag in (('private_key_file', '-i'), ('port', '-p'), ('remote_user', '-l')):
            value = connection.get_option(option)
            words += [flag, os.path.expanduser(str(value))] if value else []
        return [*words, str(connection.get_option('host') or self.name)]

    def _command(self) -> List[str] | None:
        root = ['sudo', '-n'] if self._needs_root() else []
        if self.is_here:
            return root
        return [self.jump[0], '-o', 'BatchMode=yes', *self.jump[1:], *root] if self.jump else None

    def _interpreter(self) -> str:
        found = self._value('ansible_python_interpreter') or constants.INTERPRETER_PYTHON
        return str(found) if found and not str(found).startswith('auto') else PYTHON

    def _value(self, name: str) -> Any:
        value = self._variables.get(name)
        return None if value is None else self._templar.template(value)

    def _options(self, kind: str, plugin: Any) -> Dict[str, Any]:
        """The variables that a plugin has options for."""
        names = constants.config.get_plugin_vars(kind, plugin._load_name)
        return {name: self._value(name) for name in names if name in self._variables}

    def _connected(self) -> Any:
        kind = str(self._value('ansible_connection') or constants.DEFAULT_TRANSPORT)
        context = PlayContext()
        context.remote_addr = str(self._value('ansible_host') or self.name)
        connection = connection_loader.get('ssh' if kind == 'smart' else kind, context)
        if connection is None:
            raise Problem(f'there is no connection plugin {kind}; correct ansible_connection')
        connection.set_options(var_options=self._options('connection', connection))
        shell = connection._shell
        shell.set_options(var_options=self._options('shell', shell))
        return connection

    def _become_plugin(self) -> Any:
        """What makes the user root, unless the variables say that nothing shall.

        On this host, members of the group hanok look without.
        """
        if not self._needs_root():
            return None
        if self._value('ansible_become') is None and self.is_here and os.access(EXPORT, os.R_OK):
            return None
        method = str(self._value('ansible_become_method') or constants.DEFAULT_BECOME_METHOD)
        plugin = become_loader.get(method)
        if plugin is None:
            raise Problem(f'there is no become plugin {method}; correct ansible_become_method')
        plugin.set_options(var_options=self._options('become', plugin))
        self._connection.set_become_plugin(plugin)
        return plugin

    def _needs_root(self) -> bool:
        wanted = self._value('ansible_become')
        return self._user() != 'root' if wanted is None else boolean(wanted)

    def _user(self) -> str | None:
        """The user of the connection; None if it is not known."""
        if self.is_here:
            return 'root' if os.geteuid() == 0 else None
        try:
            user = self._connection.get_option('remote_user')
        except (AnsibleError, KeyError):
            return None
        return None if user is None else str(user)
