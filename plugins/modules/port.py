#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage ports."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port
short_description: Manage ports
version_added: 0.1.0
description:
  - A network interface that is made beforehand, with its address, MAC and security groups, and given to a server by its name.
  - A server names it in its option O(hanok.cloud.server#module:networks). When the server is deleted the port stays, with its address, for the next one.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the port. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether the port is to be there. V(absent) is refused while a server has it.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: Its network. V(default) when left out. It never changes.
    type: str
  fixed_ip:
    description: Its address there. Any free one when left out. It never changes.
    type: str
  mac:
    description: Its MAC. Made from network and address when left out. It never changes.
    type: str
  security_groups:
    description: Its groups, at most three. V(default) when left out. They change at any time, while a server has it too.
    type: list
    elements: str
  description:
    description: One line of at most 255 characters.
    type: str
  labels:
    description: Labels; when said, they are the whole set.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: An address that outlives the servers that have it
  hanok.cloud.port:
    name: entrance
    fixed_ip: 192.168.0.80
    security_groups: [public]

- name: The server that has it now
  hanok.cloud.server:
    name: entrance-a
    flavor: g1.nano
    image: tiny
    networks:
      - port: entrance

- name: Delete that server; the port stays
  hanok.cloud.server:
    name: entrance-a
    state: absent

- name: A port in another network, with a MAC that a licence is bound to
  hanok.cloud.port:
    name: licensed
    network: backend
    mac: "52:54:00:aa:bb:cc"
    labels:
      licence: "4711"

- name: Remove a port; no server may have it
  hanok.cloud.port:
    name: licensed
    state: absent
"""

RETURN = r"""
port:
  description: The port; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    network:
      description: Its network.
      type: str
    fixed_ip:
      description: Its address.
      type: str
    mac:
      description: Its MAC.
      type: str
    security_groups:
      description: Its security groups.
      type: list
      elements: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    server:
      description: The server that has it.
      type: str
    floating_ip:
      description: The floating address that leads to it.
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.port import main

if __name__ == '__main__':
    main()
