#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage networks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Manage networks
version_added: 0.1.0
description:
  - An IPv4 network with DHCP and names on this cloud. Servers in it go out under the address of the host; what comes in is decided by security groups.
  - Networks are kept apart; a floating address connects them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the network. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  cidr:
    description:
      - Its range, a /8 to /29 that is private. The first free /24 of 192.168.0.0/16, then of 10.0.0.0/8, when left out.
      - One that is chosen takes nothing from the host. Its nameservers, gateways and who is logged in by ssh are passed over.
      - One that is requested is made beside routes that it overlaps, with a warning of what it hides. What has a longer prefix wins.
    type: str
  gateway:
    description: The address of the host in it. The first one when left out.
    type: str
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
- name: A network; its range is the first one that is free on this host
  hanok.cloud.network:
    name: office

- name: A network with a range of your choice
  hanok.cloud.network:
    name: database
    cidr: 10.30.0.0/24
    description: Databases, and who talks to them
    labels:
      tier: database

- name: A network in which the host has the last address
  hanok.cloud.network:
    name: lab
    cidr: 10.40.0.0/22
    gateway: 10.40.3.254

- name: Remove a network; no server may be in it
  hanok.cloud.network:
    name: office
    state: absent
"""

RETURN = r"""
network:
  description: The network; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    cidr:
      description: Its range.
      type: str
    gateway:
      description: The address of the host in it.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    bridge:
      description: Its device on the host.
      type: str
    used_by:
      description: Servers and balancers in it.
      type: list
      elements: str
    task_state:
      description: What is being done with it.
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.network import main

if __name__ == '__main__':
    main()
