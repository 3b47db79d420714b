#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_info
short_description: Get information about servers
version_added: 0.1.0
description:
  - List all servers, those with a name or labels, or the members of a group.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the server, or of a group created with C(count).
    type: str
  init:
    description:
      - Whether to return the result of the first boot of each server. This takes a moment for each
        server.
    type: bool
    default: false
  usage:
    description:
      - Whether to return for how long servers were billable, by the history of their changes. What
        was done by hand or by a guest is in no history.
      - An empty dictionary means from the beginning until now.
    type: dict
    suboptions:
      from:
        description: Beginning of the period, a time or an age, as in M(hanok.cloud.history_info).
        type: str
      to:
        description: End of the period. By default now.
        type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get all servers
  hanok.cloud.server_info:
  register: all_servers

- name: Show the running servers and their addresses
  ansible.builtin.debug:
    msg: "{{ item.name }} {{ item.fixed_ip }}"
  loop: "{{ all_servers.servers | selectattr('status', 'equalto', 'ACTIVE') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Get one server
  hanok.cloud.server_info:
    name: web-1

- name: Get the members of a group
  hanok.cloud.server_info:
    name: web

- name: Get the servers with a label
  hanok.cloud.server_info:
    labels:
      tier: web

- name: Get the servers of all projects that have a floating IP
  hanok.cloud.server_info:
    all_projects: true
    query: "[?floating_ip].{project: project, name: name, address: floating_ip}"

- name: Get the billable hours of all servers in the last week
  hanok.cloud.server_info:
    usage:
      from: 7d
  register: last_week

- name: Get the output of the init script of a server
  hanok.cloud.server_info:
    name: web
    init: true
    query: "[].init.output"
  register: printed
"""

RETURN = r"""
servers:
  description:
    - The servers, each like RV(hanok.cloud.server#module:server), or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    init:
      description: Result of the first boot; null if the server has no machine.
      returned: with O(init=true)
      type: dict
      contains:
        state:
          description: V(running), V(done) or V(failed).
          type: str
        errors:
          description: Errors that cloud-init reports.
          type: list
          elements: str
        output:
          description: End of the output of the first boot, at most 64 KiB.
          type: str
usage:
  description: For how long servers were billable, also those that were deleted in the period.
  returned: if O(usage) is set
  type: list
  elements: dict
  contains:
    name:
      description: Name of the server.
      type: str
    id:
      description: UUID of the server.
      type: str
    project:
      description: Its project.
      type: str
    hours:
      description: Hours in which it was billable.
      type: float
    from:
      description: Beginning of the period (UTC).
      type: str
    to:
      description: End of the period (UTC).
      type: str
    deleted:
      description: Whether the server no longer exists.
      type: bool
refused:
  description: Reasons why the task was refused, one sentence each.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description:
    - What is wrong, an item for each problem, as M(hanok.cloud.server) returns it. V(msg) has all
      of them in one line.
  returned: on failure
  type: list
  elements: dict
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server_info import main

if __name__ == '__main__':
    main()
