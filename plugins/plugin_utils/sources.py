# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the servers of an inventory come from: hypervisors, or an OpenStack."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Dict, List, NamedTuple

from ansible.errors import AnsibleError

from .answers import Answer, Problem, shown
from .hypervisors import PYTHON, Hypervisor
from .payload import program, program_input
from .questions import ask

HERE = 'localhost'
# The variables of this host where it is a hypervisor, and where it asks an OpenStack.
LOCAL = {'ansible_connection': 'local', 'ansible_python_interpreter': PYTHON}
CONTROLLER = {**LOCAL, 'ansible_python_interpreter': sys.executable, 'ansible_become': False}


class Asked(NamedTuple):
    """A hypervisor with its answer. ``jump``, ``command``: see Hypervisor."""

    name: str
    answer: Answer
    jump: List[str]
    command: List[str] | None


def asked(
    hosts: Mapping[str, Mapping[str, Any]], loader: Any, options: Mapping[str, Any], timeout: float
) -> List[Asked]:
    """Ask all hosts for their servers.

    ``hosts``: their variables by name. ``options``: of server_info.
    """
    found: Dict[str, Asked] = {}
    hypervisors = []
    for name, variables in hosts.items():
        try:
            hypervisors.append(Hypervisor(name, variables, loader))
        except (Problem, AnsibleError, ValueError) as error:
            found[name] = Asked(name, Answer([], shown(error)), [], None)
    if hypervisors:
        backend = '_local' if options['cloud'] == 'local' else '_openstack'
        is_sent = not all(host.is_here for host in hypervisors)
        data = program_input(options, backend, is_sent)
        answers = ask(hypervisors, program(), data, timeout)
        for host, answer in zip(hypervisors, answers):
            found[host.name] = Asked(host.name, answer, host.jump, host.command)
    return [found[name] for name in hosts]
