# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventory of servers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: servers
short_description: Servers of hosts, or of an OpenStack, as an inventory
version_added: 0.1.0
description:
  - Reads the servers from the records of hypervisors, all at once, over the connections that the
    inventory has for these hosts, or from an OpenStack. No guest is asked, so that also servers
    that do not run are listed, with all their variables.
  - Its source is a YAML file whose name ends in C(hanok.yml) or C(hanok.yaml), with
    C(plugin=hanok.cloud.servers).
  - A host has all that M(hanok.cloud.server_info) returns for its server as variables, with
    O(vars_prefix), and C(hanok_node), the name of its hypervisor in the inventory, and
    C(hanok_cloud).
  - Its C(ansible_host) is the floating IP of the server, else its fixed IP; its C(ansible_user) is
    O(hanok.cloud.image#module:os_admin_user) of the image. A fixed IP on another host is reached
    through that host, by C(ansible_ssh_common_args).
  - A server that is only on bridges of its host has no C(ansible_host), but its
    C(ansible_connection) is P(hanok.cloud.agent#connection).
  - What comes from a hypervisor is data. Nothing of it is a template, and names and addresses are
    checked.
author:
  - Hanok developers (@hanok)
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [hanok.cloud.servers]
  hypervisors:
    description:
      - Names of hosts, or of groups of hosts, whose servers are listed. They are in sources that
        are read before this one, such as with C(-i hosts.yml -i hanok.yml), or in the same folder
        under a name that sorts before.
      - Their variables say how they are reached (C(ansible_host), C(ansible_user),
        C(ansible_become), and so on). Unless C(ansible_become) is set, another user than root
        becomes root. With C(ansible_become=false) the user has to be in the group C(hanok) of the
        host; on this host such a user does not become root by default.
      - Their interpreter is C(ansible_python_interpreter), by default C(/usr/bin/python3).
      - One that cannot be asked is left out with a warning; with O(strict=true) it is an error.
      - By default this host, as V(localhost), without a connection.
    type: list
    elements: str
  cloud:
    description:
      - Name of an entry of C(clouds.yaml), an OpenStack, whose servers are listed instead of those
        of O(hypervisors). The controller asks it, with the Python of Ansible, which has to have
        C(openstacksdk).
    type: str
  projects:
    description:
      - Names of the projects whose servers are listed. By default all projects of hypervisors; in
        an OpenStack the project of the entry of C(clouds.yaml), which is V(default) here.
    type: list
    elements: str
  nodes:
    description: Names of hypervisors; the other ones are not asked. By default all.
    type: list
    elements: str
  status:
    description: Statuses of servers that are listed, such as V(ACTIVE). By default all.
    type: list
    elements: str
  labels:
    description: Labels that servers must have to be listed.
    type: dict
    default: {}
  query:
    description:
      - JMESPath expression that selects servers, such as C([?memory > `1024`]). Each hypervisor
        applies it to its list of servers.
    type: str
  hostname:
    description:
      - Template of the names of hosts, from their variables, such as
        V({{ hanok_name }}.{{ hanok_project }}). By default the name of the server.
      - Servers whose names are equal get their project appended, then their node, then their id,
        and a warning says so. So does one that has the name of a host or a group of another source.
    type: str
  vars_prefix:
    description: Prefix of the variables that are named after results of M(hanok.cloud.server_info).
    type: str
    default: hanok_
  group:
    description: Group that all servers are in.
    type: str
    default: hanok
  connect_with:
    description:
      - Which address C(ansible_host) is.
      - V(floating_ip) is the floating IP of a server that has one, else its fixed IP.
      - V(fixed_ip) is its fixed IP in any case, for floating IPs that only the hypervisor reaches.
    type: str
    choices: [floating_ip, fixed_ip]
    default: floating_ip
  timeout:
    description: Seconds in which all hypervisors have to answer.
    type: int
    default: 30
requirements:
  - on each hypervisor, what the role P(hanok.cloud.host#role) installs
seealso:
  - module: hanok.cloud.server_info
"""

EXAMPLES = r"""
# hanok.yml: the servers of this host (ansible-inventory -i hanok.yml --graph)
plugin: hanok.cloud.servers

---
# kvm.hanok.yml, after hosts.yml, which has the group kvm: the servers of several hosts that run
plugin: hanok.cloud.servers
hypervisors: [kvm]
status: [ACTIVE]
labels: {stage: live}
hostname: "{{ hanok_name }}.{{ hanok_project }}"
keyed_groups:
  - {prefix: tier, key: hanok_labels.tier}
  - {prefix: node, key: hanok_node}
  - {prefix: network, key: "hanok_networks | map(attribute='name')"}
groups:
  reachable: hanok_floating_ip is not none
compose:
  http_port: hanok_labels.port | default(80) | int

---
# cloud.hanok.yml: the servers of two projects of an OpenStack
plugin: hanok.cloud.servers
cloud: mycloud
projects: [default, shop]
query: "[?contains(name, 'web')]"
"""

import hashlib
import json
from typing import Any, Dict, List

from ansible import template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils.answers import Item
from ..plugin_utils.host_names import Candidate, host_names
from ..plugin_utils.host_vars import Place, is_prefix, variables_of
from ..plugin_utils.inventory_hosts import names_of, taken_names
from ..plugin_utils.inventory_hosts import variables_of as host_variables
from ..plugin_utils.sources import CONTROLLER, HERE, LOCAL, Asked, asked

# Text without a mark is no template since ansible-core 2.19; before, a mark said that it is none.
MARKS_TEMPLATES = hasattr(template, 'trust_as_template')
# The options that decide what is asked; the others are about what is found.
ASKED = ('cloud', 'hypervisors', 'labels', 'nodes', 'projects', 'query')


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The servers of hypervisors or of an OpenStack."""

    NAME = 'hanok.cloud.servers'

    def verify_file(self, path: str) -> bool:
        """Return whether a source is one of this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(('hanok.yml', 'hanok.yaml'))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the servers to the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self._check_options()
        hosts: List[Dict[str, Any]] = []
        for found in self._found(path, cache):
            place = Place(found['cloud'], found['node'], found['jump'], found['command'])
            hosts += [
                self._variables(item, place) for item in found['servers'] if self._is_wanted(item)
            ]
        names = self._names(hosts)
        self._add(names, hosts)

    def _check_options(self) -> None:
        prefix = self.get_option('vars_prefix')
        if not is_prefix(prefix):
            raise AnsibleParserError(
                f'vars_prefix: {prefix!r} cannot begin the names of variables of this plugin; use '
                'letters, digits and underscores, such as hanok_'
            )
        for option in ('hypervisors', 'nodes'):
            if self.get_option('cloud') and self.get_option(option) is not None:
                raise AnsibleParserError(f'{option}: a cloud has none; omit either of them')

    def _found(self, path: str, cache: bool) -> List[Dict[str, Any]]:
        """Return what each hypervisor has answered, from the cache if that is to be used."""
        is_cached = self.get_option('cache')
        key = f'{self.get_cache_key(path)}-{self._digest_of_question()}'
        if is_cached and cache:
            try:
                return list(self._cache[key])
            except KeyError:
                pass  # not there, or expired
        answers = self._ask(path)
        cloud = self.get_option('cloud')
        found = [
            {
                'cloud': cloud or 'local',
                'node': None if cloud else one.name,
                'jump': one.jump,
                'command': None if cloud else one.command,
                'servers': one.answer.servers,
            }
            for one in answers
        ]
        if is_cached and not any(one.answer.problem for one in answers):
            self._cache[key] = found
        return found

    def _digest_of_question(self) -> str:
        """What tells apart the answers to other questions: they differ in hosts and in servers."""
        question = json.dumps([self.get_option(name) for name in ASKED], default=str)
        return hashlib.sha256(question.encode()).hexdigest()[:16]

    def _ask(self, path: str) -> List[Asked]:
        cloud = self.get_option('cloud')
        timeout = self.get_option('timeout')
        options = {
            'cloud': cloud or 'local',
            'all_projects': not cloud or self.get_option('projects') is not None,
            'labels': self.get_option('labels'),
            'query': self.get_option('query'),
            'wait_timeout': timeout,
        }
        answers = asked(self._hosts(path), self.loader, options, timeout)
        for one in answers:
            for warning in one.answer.warnings:
                self.display.warning(f'{one.name}: {warning}')
        problems = [f'{one.name}: {one.answer.problem}' for one in answers if one.answer.problem]
        if problems and self.get_option('strict'):
            raise AnsibleParserError('; '.join(problems))
        for problem in problems:
            self.display.warning(f'{problem} (its servers are not in the inventory)')
        return answers

    def _hosts(self, path: str) -> Dict[str, Dict[str, Any]]:
        """Return the variables of the hosts to ask, by name."""
        wanted = self.get_option('hypervisors')
        if self.get_option('cloud'):
            return {HERE: CONTROLLER}
        if wanted is None:
            found = {HERE: LOCAL}
        else:
            found = {
                name: host_variables(self.inventory, self.loader, name, path, self._vars)
                for name in names_of(self.inventory, wanted)
            }
        nodes = self.get_option('nodes')
        return {name: found[name] for name in found if nodes is None or name in nodes}

    def _is_wanted(self, item: Item) -> bool:
        projects = self.get_option('projects')
        statuses = self.get_option('status')
        if projects is not None and item['project'] not in projects:
            return False
        return statuses is None or item['status'] in map(str.upper, statuses)

    def _variables(self, item: Item, place: Place) -> Dict[str, Any]:
        prefix, connect_with = self.get_option('vars_prefix'), self.get_option('connect_with')
        found = variables_of(item, place, prefix, connect_with)
        return found if MARKS_TEMPLATES else dict(wrap_var(found))

    def _names(self, hosts: List[Dict[str, Any]]) -> List[str]:
        """Return the names of hosts with these variables."""
        prefix = self.get_option('vars_prefix')
        candidates = [
            Candidate(
                self._wanted_name(variables),
                variables[f'{prefix}id'],
                variables[f'{prefix}project'],
                variables[f'{prefix}node'] or '',
            )
            for variables in hosts
        ]
        names, warnings = host_names(candidates, taken_names(self.inventory, f'{prefix}id'))
        for warning in warnings:
            self.display.warning(warning)
        return names

    def _wanted_name(self, variables: Dict[str, Any]) -> str:
        name: str = variables[f'{self.get_option("vars_prefix")}name']
        hostname = self.get_option('hostname')
        if not hostname:
            return name
        self.templar.available_variables = variables
        try:
            return str(self.templar.template(hostname)) or name
        except AnsibleError as error:
            if self.get_option('strict'):
                raise AnsibleParserError(f'hostname: of server {name}: {error}') from error
            self.display.warning(f'hostname: of server {name}: {error}; its name is used')
            return name

    def _add(self, names: List[str], hosts: List[Dict[str, Any]]) -> None:
        """Add hosts with their variables, then the groups that follow from these."""
        inventory = self.inventory
        strict = self.get_option('strict')
        group = inventory.add_group(self._sanitize_group_name(self.get_option('group')))
        for name, variables in zip(names, hosts):
            inventory.add_host(name, group=group)
            # Not by set_variable, which takes a name for that of a group, and some time.
            inventory.hosts[name].vars.update(variables)
        options = (self.get_option(one) for one in ('compose', 'groups', 'keyed_groups'))
        compose, groups, keyed_groups = options
        for name in names if compose else ():
            self._set_composite_vars(compose, inventory.hosts[name].get_vars(), name, strict)
        for name in names if groups or keyed_groups else ():
            found = inventory.hosts[name].get_vars()
            self._add_host_to_composed_groups(groups, found, name, strict, False)
            self._add_host_to_keyed_groups(keyed_groups, found, name, strict, False)
