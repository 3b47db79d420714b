#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about security groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: security_group_info
short_description: Get information about security groups
version_added: 0.1.0
description:
  - List all security groups, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the security group.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the names of the groups that allow port 22
  hanok.cloud.security_group_info:
    query: "[?rules[?port_min <= `22` && port_max >= `22`]].name"
  register: groups

- name: Get the rules of the group that servers use by default
  hanok.cloud.security_group_info:
    name: default
    query: "[0].rules"
"""

RETURN = r"""
security_groups:
  description: The security groups, or the result of O(query).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID of the security group.
      type: str
    name:
      description: Name of the security group.
      type: str
    description:
      description: Description of the security group.
      type: str
    rules:
      description: Rules of the security group.
      type: list
      elements: dict
      contains:
        direction:
          description: V(ingress) or V(egress).
          type: str
        protocol:
          description: V(any), V(tcp), V(udp) or V(icmp).
          type: str
        port:
          description:
            - Port (an integer) or port range (a string such as C(8000-8080)); null for all ports.
          type: raw
        remote:
          description: Remote side of the rule, V(any), a CIDR, or a group as C(group:NAME).
          type: str
        foreign:
          description:
            - Only in a rule of a kind that tasks cannot write, such as one that another program
              created; then V(true). Its protocol, port and remote are null.
          type: bool
          returned: if the rule is foreign
        id:
          description: Identifies a foreign rule in its cloud.
          type: str
          returned: if the rule is foreign
        text:
          description: A foreign rule in one line.
          type: str
          returned: if the rule is foreign
    used_by:
      description: Names of the servers that use the security group.
      type: list
      elements: str
    named_by:
      description: Names of other security groups whose rules refer to it.
      type: list
      elements: str
    labels:
      description: Labels of the security group.
      type: dict
    project:
      description: Project of the security group.
      type: str
    created_by:
      description: User who created the security group.
      type: str
    created_at:
      description: Creation time of the security group (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('security_group')
