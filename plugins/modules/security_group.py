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
  - Rules of what is let in and out of servers. A server has up to three groups, and what one of them allows is allowed.
  - Nothing is let in without a rule. Everything may go out until one of the groups of a server has an egress rule; then only what egress rules allow.
  - Changes work at once for new connections, of all servers that have the group. Who is connected stays connected, unless O(cut) ends that.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the group. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether it is to be there. The group V(default) stays.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: One line of at most 255 characters.
    type: str
  rules:
    description: The rules, at most 100. Their order means nothing.
    type: list
    elements: dict
    suboptions:
      preset:
        description: V(ssh), V(http), V(https), V(all_icmp) or V(all_tcp), instead of O(rules[].protocol) and O(rules[].port).
        type: str
      direction:
        description: V(ingress) or V(egress).
        type: str
        default: ingress
      protocol:
        description:
          - V(any), V(tcp), V(udp) or V(icmp). A rule has either this or O(rules[].preset); what is empty is refused, because it would open all.
        type: str
      port:
        description: A port, or a range such as C(8000-8080). All when left out.
        type: str
      ports:
        description: Several ports and ranges.
        type: list
        elements: str
      remote:
        description: The other side, V(any), an address, a CIDR, or the name of a group (C(group:NAME)).
        type: str
        default: any
  purge_rules:
    description: Whether O(rules) are the whole. With V(false) they are an addition.
    type: bool
    default: true
  cut:
    description:
      - Whether a change of O(rules) also ends connections of the servers that have the group, in both directions, which the rules would not let
        begin any more. It does nothing in a task that changes no rules.
    type: bool
    default: false
  labels:
    description: Labels; when said, they are the whole set.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Web servers; ssh is let in from one network only
  hanok.cloud.security_group:
    name: web
    description: What the world may ask of web servers
    rules:
      - preset: http
      - preset: https
      - preset: ssh
        remote: 192.168.0.0/24

- name: Databases; only servers with the group web are let in
  hanok.cloud.security_group:
    name: database
    rules:
      - protocol: tcp
        port: 5432
        remote: group:web

- name: Several ports and ranges
  hanok.cloud.security_group:
    name: telephony
    rules:
      - protocol: udp
        ports: [5060, 10000-20000]

- name: Servers that may ask for names and web pages, and reach nothing else
  hanok.cloud.security_group:
    name: fenced
    rules:
      - direction: egress
        protocol: udp
        port: 53
      - direction: egress
        preset: https

- name: Let ping in too, whatever other rules there are
  hanok.cloud.security_group:
    name: web
    purge_rules: false
    rules:
      - preset: all_icmp

- name: Let nothing in any more
  hanok.cloud.security_group:
    name: telephony
    rules: []

- name: Remove a group; no server may have it, and no rule of another group may name it
  hanok.cloud.security_group:
    name: telephony
    state: absent
"""

RETURN = r"""
security_group:
  description: The group; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    description:
      description: Its description.
      type: str
    rules:
      description: Its rules.
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
          description: A port (a number) or a range (text such as C(8000-8080)); null for all.
          type: raw
        remote:
          description: The other side, V(any), a CIDR, or C(group:NAME).
          type: str
    used_by:
      description: Names of the servers that have it.
      type: list
      elements: str
    named_by:
      description: Other groups whose rules name it.
      type: list
      elements: str
    labels:
      description: Its labels.
      type: dict
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
msg:
  description: One line that says what was done and why, or in check mode would be, or what went wrong.
  returned: always
  type: str
steps:
  description: What was done, in that order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Why it is needed; empty where that goes without saying.
      type: str
    seconds:
      description: How long it took.
      returned: when it was done
      type: float
refused:
  description: What speaks against the task, each as a sentence; nothing was done.
  returned: when it is refused
  type: list
  elements: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.security_group import main

if __name__ == '__main__':
    main()
