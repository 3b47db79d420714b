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
  - A floating IP is an address of a pool, by which a server or load balancer is reached from
    outside its network.
  - It is identified by its name, else by its address, else by what it is attached to.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the floating IP.
    type: str
  address:
    description: Address to allocate from the pool. Defaults to any free one.
    type: str
  state:
    description:
      - V(present) allocates the floating IP. V(attached) attaches it, and allocates it first if it
        does not exist.
      - V(detached) detaches it and keeps it allocated. V(absent) releases it.
    type: str
    choices: [present, attached, detached, absent]
    default: present
  server:
    description: Name of the server to attach it to.
    type: str
  lb:
    description: Name of the load balancer to attach it to.
    type: str
  port:
    description:
      - Name of a port created by M(hanok.cloud.port) to attach it to, whether a server uses the
        port or not.
    type: str
  fixed_ip:
    description:
      - Fixed IP of the server to translate it to. Defaults to the first one.
      - A server replies through the network of its first interface. Packets to another fixed IP
        through a floating IP therefore get the gateway of that network as their source address, not
        the address of the sender.
    type: str
  pool:
    description: Pool to allocate the address from. Defaults to any.
    type: str
  delete_protection:
    description:
      - Whether the floating IP is protected from deletion. V(false) also lifts the protection in
        the task that deletes the floating IP. One that was allocated with a server or load balancer
        outlives that once it is protected.
    type: bool
  description:
    description: Description, one line of at most 255 characters.
    type: str
  labels:
    description: Labels. If set, they replace all existing labels.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Allocate a floating IP to use it later
  hanok.cloud.floating_ip:
    name: public
    description: The address that is in the DNS

- name: Attach it to a server
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

- name: Detach it and keep it allocated
  hanok.cloud.floating_ip:
    name: public
    state: detached

- name: Release it
  hanok.cloud.floating_ip:
    name: public
    state: absent

- name: Allocate and attach a specific address of a pool
  hanok.cloud.floating_ip:
    address: 198.18.0.80
    pool: default
    server: web-1
    state: attached
    labels:
      stage: production

- name: Release the floating IP of a server
  hanok.cloud.floating_ip:
    server: web-1
    state: absent
"""

RETURN = r"""
floating_ip:
  description: The floating IP; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the floating IP.
      type: str
    name:
      description: Name of the floating IP; its address if it was created without a name.
      type: str
    address:
      description: Address of the floating IP.
      type: str
    pool:
      description: Pool of the address.
      type: str
    server:
      description: Name of the server that the floating IP is attached to; null if there is none.
      type: str
    lb:
      description:
        - Name of the load balancer that the floating IP is attached to; null if there is none.
      type: str
    port:
      description:
        - Name of the port that the floating IP is attached to, if the port was created by
          M(hanok.cloud.port).
      type: str
    fixed_ip:
      description: Fixed IP that the floating IP is translated to; null if it is detached.
      type: str
    automatic:
      description:
        - Whether the floating IP was created with a server or load balancer and is deleted with it.
      type: bool
    description:
      description: Description of the floating IP.
      type: str
    labels:
      description: Labels of the floating IP.
      type: dict
    delete_protection:
      description: Whether the floating IP is protected from deletion.
      type: bool
    project:
      description: Project of the floating IP.
      type: str
    created_by:
      description: User who created the floating IP.
      type: str
    created_at:
      description: Creation time of the floating IP (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.floating_ip import main

if __name__ == '__main__':
    main()
