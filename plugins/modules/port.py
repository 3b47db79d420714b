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
  - A port is a network interface with an address, a MAC address and security groups, which is
    created before the server that uses it.
  - A server refers to it in its option O(hanok.cloud.server#module:networks). When the server is
    deleted, the port keeps its address for the next server.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the port. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the port. V(absent) is refused while a server uses the port.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: Network of the port. Defaults to V(default). It cannot be changed.
    type: str
  fixed_ip:
    description: Fixed IP of the port. Defaults to any free one. It cannot be changed.
    type: str
  mac:
    description:
      - MAC address of the port. Defaults to one derived from the network and the address. It cannot
        be changed.
    type: str
  security_groups:
    description:
      - Names of the security groups of the port, at most three. Defaults to V(default). They can be
        changed while a server uses the port.
    type: list
    elements: str
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
- name: Create a port whose address outlives the servers that use it
  hanok.cloud.port:
    name: entrance
    fixed_ip: 192.168.0.80
    security_groups: [public]

- name: Create a server that uses it
  hanok.cloud.server:
    name: entrance-a
    flavor: g1.nano
    image: tiny
    networks:
      - port: entrance

- name: Delete that server; the port is kept
  hanok.cloud.server:
    name: entrance-a
    state: absent

- name: Create a port in another network, with a MAC address that a licence is bound to
  hanok.cloud.port:
    name: licensed
    network: backend
    mac: "52:54:00:aa:bb:cc"
    labels:
      licence: "4711"

- name: Delete a port; no server may use it
  hanok.cloud.port:
    name: licensed
    state: absent
"""

RETURN = r"""
port:
  description: The port; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the port.
      type: str
    name:
      description: Name of the port.
      type: str
    network:
      description: Network of the port.
      type: str
    fixed_ip:
      description: Fixed IP of the port.
      type: str
    mac:
      description: MAC address of the port.
      type: str
    security_groups:
      description: Names of the security groups of the port.
      type: list
      elements: str
    description:
      description: Description of the port.
      type: str
    labels:
      description: Labels of the port.
      type: dict
    server:
      description: Name of the server that uses the port; null if there is none.
      type: str
    floating_ip:
      description: Floating IP that is attached to the port; null if there is none.
      type: str
    project:
      description: Project of the port.
      type: str
    created_by:
      description: User who created the port.
      type: str
    created_at:
      description: Creation time of the port (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.port import main

if __name__ == '__main__':
    main()
