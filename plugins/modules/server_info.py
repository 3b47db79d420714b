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
  - One server, the members of a group, those with labels, or all.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: A server, or a group made with C(count).
    type: str
  init:
    description: Ask each server how its first boot went, too. That takes a moment for each.
    type: bool
    default: false
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: All servers
  hanok.cloud.server_info:
  register: all_servers

- name: Tell which of them run, and where
  ansible.builtin.debug:
    msg: "{{ item.name }} {{ item.fixed_ip }}"
  loop: "{{ all_servers.servers | selectattr('status', 'equalto', 'ACTIVE') }}"
  loop_control:
    label: "{{ item.name }}"

- name: One server
  hanok.cloud.server_info:
    name: web-1

- name: The members of a group
  hanok.cloud.server_info:
    name: web

- name: Those with a label
  hanok.cloud.server_info:
    labels:
      tier: web

- name: What the init script of a server printed
  hanok.cloud.server_info:
    name: web
    init: true
    query: "[].init.output"
  register: printed
"""

RETURN = r"""
servers:
  description: The servers, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    status:
      description: V(BUILD), V(ACTIVE), V(SHUTOFF), V(PAUSED) or V(UNMANAGED) (its machine is no longer what was recorded).
      type: str
    status_reason:
      description: What is wrong with its machine, or why it stands still; null when nothing is.
      type: str
    task_state:
      description: What is being done with it, or was when a run was interrupted; null when nothing is.
      type: str
    billable:
      description: Whether it counts for billing in this status.
      type: bool
    flavor:
      description: Its flavor.
      type: str
    vcpus:
      description: Its vCPUs.
      type: int
    memory:
      description: Its memory (MiB).
      type: int
    image:
      description: The image it was made from.
      type: str
    key_name:
      description: The first of its key pairs; null when it has none.
      type: str
    key_names:
      description: Its key pairs.
      type: list
      elements: str
    user_data:
      description: The words (sensitive value) when it was made with first-boot content, which is not told.
      type: str
    init_script:
      description: The init script it was made with.
      type: str
    volume_size:
      description: The size of its root volume (GB).
      type: int
    security_groups:
      description: Its security groups.
      type: list
      elements: str
    networks:
      description: Its networks.
      type: list
      elements: dict
      contains:
        name:
          description: The network.
          type: str
        fixed_ip:
          description: Its address there.
          type: str
        mac:
          description: Its MAC there.
          type: str
        port:
          description: The port that was made for it beforehand; null when none was.
          type: str
        security_groups:
          description: Its own groups; null where it has those of the server.
          type: list
          elements: str
    fixed_ip:
      description: Its address in its first network.
      type: str
    floating_ip:
      description: Its floating address, if it has one.
      type: str
    volumes:
      description: The volumes attached to it.
      type: list
      elements: str
    guest_agent:
      description: Whether its machine has the channel of the guest agent.
      type: bool
    delete_protection:
      description: Whether deleting it is refused.
      type: bool
    outdated:
      description:
        - The options that mean something else now than when it was made. V(init_script) when the text of its script was changed since.
          Empty where nothing is known of it, as after a recovery.
      type: list
      elements: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    member_of:
      description: The group that it was made in with C(count).
      type: str
    init:
      description: How its first boot went; null when its machine is gone.
      returned: with O(init=true)
      type: dict
      contains:
        state:
          description: V(running), V(done) or V(failed).
          type: str
        errors:
          description: What cloud-init says went wrong.
          type: list
          elements: str
        output:
          description: The end of what was printed meanwhile, at most 64 KiB.
          type: str
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server import main_info

if __name__ == '__main__':
    main_info()
