#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage security groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: security_group
short_description: Manage security groups
version_added: 0.1.0
description:
  - A security group is a set of firewall rules for servers. A server has up to three groups; what a
    rule of one of them allows is allowed.
  - Ingress traffic needs a rule. A group without egress rules allows all egress traffic, so that
    the egress of a server is limited only if each of its groups has an egress rule. The same holds
    for the group V(default).
  - An egress rule that allows everything, as the only egress rule of a group, is the same as none,
    and is not shown.
  - Changes apply at once to new connections of all servers that use the group. Established
    connections are kept unless O(cut=true).
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the security group. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the security group. The group V(default) cannot be deleted.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description, one line of at most 255 characters.
    type: str
  rules:
    description: Rules of the security group, at most 100. Their order does not matter.
    type: list
    elements: dict
    suboptions:
      preset:
        description:
          - V(ssh), V(http), V(https), V(all_icmp) or V(all_tcp), instead of O(rules[].protocol) and
            O(rules[].port).
        type: str
      direction:
        description: V(ingress) or V(egress).
        type: str
        default: ingress
      protocol:
        description:
          - V(any), V(tcp), V(udp) or V(icmp). A rule needs either this or O(rules[].preset). An
            empty value is refused, because it would allow everything.
        type: str
      port:
        description: Port, or port range such as C(8000-8080). Defaults to all ports.
        type: str
      ports:
        description: List of ports and port ranges.
        type: list
        elements: str
      remote:
        description:
          - Remote side of the rule, V(any), an address, a CIDR, or a group as C(group:NAME).
        type: str
        default: any
  purge_rules:
    description:
      - Whether O(rules) replace all existing rules, including rules of a kind that this module
        cannot write. With V(false) they are added.
      - The first egress rule of a group is a limit, also if it is added.
    type: bool
    default: true
  cut:
    description:
      - Whether a change of O(rules) also closes established connections, in both directions, that
        the new rules would not allow.
      - It has no effect in a task that changes no rules.
    type: bool
    default: false
  labels:
    description: Labels. If set, they replace all existing labels.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Create a group for web servers, with SSH from one network only
  hanok.cloud.security_group:
    name: web
    description: What the world may ask of web servers
    rules:
      - preset: http
      - preset: https
      - preset: ssh
        remote: 192.168.0.0/24

- name: Create a group for databases that only servers of the group web reach
  hanok.cloud.security_group:
    name: database
    rules:
      - protocol: tcp
        port: 5432
        remote: group:web

- name: Create a group with several ports and port ranges
  hanok.cloud.security_group:
    name: telephony
    rules:
      - protocol: udp
        ports: [5060, 10000-20000]

- name: Create a group for servers that may only use DNS and HTTPS, if they are in no other group
  hanok.cloud.security_group:
    name: fenced
    rules:
      - direction: egress
        protocol: udp
        port: 53
      - direction: egress
        preset: https

- name: Add a rule for ping, and keep the existing rules
  hanok.cloud.security_group:
    name: web
    purge_rules: false
    rules:
      - preset: all_icmp

- name: Remove all rules
  hanok.cloud.security_group:
    name: telephony
    rules: []

- name: Delete a group; no server and no rule of another group may use it
  hanok.cloud.security_group:
    name: telephony
    state: absent
"""

RETURN = r"""
security_group:
  description: The security group; null if it does not exist.
  returned: success
  type: dict
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
msg:
  description:
    - Summary of the changes with their reasons; in check mode, of those that would be made. The
      error message if the task fails.
  returned: always
  type: str
steps:
  description:
    - The changes in the order in which they were made; in check mode, those that would be made.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Reason for the step; empty if it is obvious.
      type: str
    seconds:
      description: Duration of the step in seconds.
      returned: unless in check mode
      type: float
refused:
  description: Reasons why the task was refused, one sentence each. Nothing was changed.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description: What is wrong, an item for each problem. V(msg) has all of them in one line.
  returned: on failure
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(invalid), a wrong value; V(refused), not possible in the present state; V(missing), it
          refers to what does not exist; V(busy), another run holds or has just changed it;
          V(timeout); V(unsupported) by the cloud; V(failed); V(defect) of this collection.
      type: str
      sample: busy
    kind:
      description: Kind of the resource, such as V(server); null if it is about none.
      type: str
    name:
      description: Name of the resource; null if it is about none.
      type: str
    option:
      description: Option that it is about; null if it is about none.
      type: str
    msg:
      description: What is wrong, and what to do about it.
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.security_group import main

if __name__ == '__main__':
    main()
