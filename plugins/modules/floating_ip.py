#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage floating IPs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: floating_ip
short_description: Manage floating IPs
version_added: 0.1.0
description:
  - An address of a pool of this cloud, by which a server or balancer is reached from outside its network.
  - It is known by its name, else by its address, else by who has it.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: A name of your choice.
    type: str
  address:
    description: This address of the pool. Any free one when left out.
    type: str
  state:
    description: V(present) takes it, V(attached) connects it, V(detached) disconnects it and keeps it, V(absent) gives it back.
    type: str
    choices: [present, attached, detached, absent]
    default: present
  server:
    description: The server to connect it to.
    type: str
  lb:
    description: The load balancer to connect it to.
    type: str
  port:
    description: A port, made by M(hanok.cloud.port), that it is to lead to, whether a server has it already or not.
    type: str
  fixed_ip:
    description:
      - Which address of the server. The first one when left out.
      - A server answers by the network of its first connection. What comes to another one by a floating IP therefore bears the address
        of that network's gateway, and not of who sent it.
    type: str
  pool:
    description: The pool to take it from. Any when left out.
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
- name: Take an address of the pool, to use it later
  hanok.cloud.floating_ip:
    name: public
    description: The address that is in the DNS

- name: Connect it to a server
  hanok.cloud.floating_ip:
    name: public
    server: web-1
    state: attached

- name: Move it to another server
  hanok.cloud.floating_ip:
    name: public
    server: web-2
    state: attached

- name: Move it to a load balancer
  hanok.cloud.floating_ip:
    name: public
    lb: web
    state: attached

- name: Disconnect it, and keep it
  hanok.cloud.floating_ip:
    name: public
    state: detached

- name: Give it back
  hanok.cloud.floating_ip:
    name: public
    state: absent

- name: Take and connect a certain address of a certain pool
  hanok.cloud.floating_ip:
    address: 198.18.0.80
    pool: default
    server: web-1
    state: attached
    labels:
      stage: production

- name: Give back whatever address a server has
  hanok.cloud.floating_ip:
    server: web-1
    state: absent
"""

RETURN = r"""
floating_ip:
  description: The floating IP; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name; its address when it was given none.
      type: str
    address:
      description: The address.
      type: str
    pool:
      description: Its pool.
      type: str
    server:
      description: The server that has it.
      type: str
    lb:
      description: The load balancer that has it.
      type: str
    port:
      description: The port it leads to, if that was made by name.
      type: str
    fixed_ip:
      description: The address it leads to.
      type: str
    automatic:
      description: Whether it came with a server or balancer, and goes with it.
      type: bool
    description:
      description: Its description.
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.floating_ip import main

if __name__ == '__main__':
    main()
