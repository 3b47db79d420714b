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

- name: Get the output of the init script of a server
  hanok.cloud.server_info:
    name: web
    init: true
    query: "[].init.output"
  register: printed
"""

RETURN = r"""
servers:
  description: The servers, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the server.
      type: str
    name:
      description: Name of the server.
      type: str
    status:
      description:
        - V(BUILD), V(ACTIVE), V(SHUTOFF), V(PAUSED), V(ERROR) (a change was not completed, see
          RV(servers[].unfinished)) or V(UNMANAGED) (its machine differs from the record).
      type: str
    status_reason:
      description:
        - What differs from the record, what was not completed, or why the server is paused; null if
          there is nothing to report.
      type: str
    task_state:
      description:
        - What another run is doing with the server; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the server completes it.
      type: str
    billable:
      description: Whether the server counts for billing in this status.
      type: bool
    flavor:
      description: Flavor of the server.
      type: str
    vcpus:
      description: Number of vCPUs.
      type: int
    memory:
      description: Memory in MiB.
      type: int
    image:
      description: Image that the server was created from.
      type: str
    key_name:
      description: Name of its first key pair; null if it has none.
      type: str
    key_names:
      description: Names of its key pairs.
      type: list
      elements: str
    user_data:
      description:
        - The placeholder (sensitive value) if the server was created with user data; null
          otherwise.
      type: str
    init_script:
      description: Name of the init script that the server was created with.
      type: str
    volume_size:
      description: Size of the root volume in GB.
      type: int
    security_groups:
      description: Names of its security groups.
      type: list
      elements: str
    networks:
      description: Network interfaces of the server.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the network.
          type: str
        fixed_ip:
          description: Fixed IP in the network.
          type: str
        mac:
          description: MAC address of the interface.
          type: str
        port:
          description: Name of the port, if it was created by M(hanok.cloud.port); null otherwise.
          type: str
        security_groups:
          description: Security groups of the interface; null if it uses those of the server.
          type: list
          elements: str
    fixed_ip:
      description: Fixed IP in the first network.
      type: str
    floating_ip:
      description: Floating IP of the server; null if there is none.
      type: str
    volumes:
      description: Names of the attached volumes.
      type: list
      elements: str
    guest_agent:
      description: Whether the machine has a channel for the QEMU guest agent.
      type: bool
    delete_protection:
      description: Whether the server is protected from deletion.
      type: bool
    outdated:
      description:
        - Options whose meaning has changed since the server was created, such as V(init_script) if
          the content of the script was changed. Empty if that is not known, as after a recovery.
      type: list
      elements: str
    description:
      description: Description of the server.
      type: str
    labels:
      description: Labels of the server.
      type: dict
    member_of:
      description: Name of the group that the server was created in, with C(count).
      type: str
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
    project:
      description: Project of the server.
      type: str
    created_by:
      description: User who created the server.
      type: str
    created_at:
      description: Creation time of the server (UTC).
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server import main_info

if __name__ == '__main__':
    main_info()
