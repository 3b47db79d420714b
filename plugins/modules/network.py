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
  - A network is an IPv4 network with DHCP and DNS in this cloud. Its servers reach other networks
    with the address of the host (SNAT). Security groups decide what reaches them.
  - Networks are isolated from each other; servers in different networks reach each other by
    floating IPs.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the network. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description: Desired state of the network.
    type: str
    choices: [present, absent]
    default: present
  cidr:
    description:
      - CIDR of the network, a private range from /8 to /29. Defaults to the first free /24 of
        192.168.0.0/16, then of 10.0.0.0/8.
      - A range that is chosen by default hides nothing that the host reaches. Ranges with its name
        servers, its gateways or clients that are connected to it by SSH are skipped.
      - A range that is set may overlap routes of the host; a warning lists what it hides. The
        longer prefix takes precedence.
    type: str
  gateway:
    description: Address of the host in the network. Defaults to the first address.
    type: str
  delete_protection:
    description:
      - Whether the network is protected from deletion. V(false) also lifts the protection in the
        task that deletes the network.
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
- name: Create a network with the first range that is free on this host
  hanok.cloud.network:
    name: office

- name: Create a network with a specific range
  hanok.cloud.network:
    name: database
    cidr: 10.30.0.0/24
    description: Databases, and who talks to them
    labels:
      tier: database

- name: Create a network in which the host has the last address
  hanok.cloud.network:
    name: lab
    cidr: 10.40.0.0/22
    gateway: 10.40.3.254

- name: Delete a network; no server may be in it
  hanok.cloud.network:
    name: office
    state: absent
"""

RETURN = r"""
network:
  description: The network; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the network.
      type: str
    name:
      description: Name of the network.
      type: str
    cidr:
      description: CIDR of the network.
      type: str
    gateway:
      description: Address of the host in the network, the gateway of its servers.
      type: str
    description:
      description: Description of the network.
      type: str
    labels:
      description: Labels of the network.
      type: dict
    delete_protection:
      description: Whether the network is protected from deletion.
      type: bool
    bridge:
      description: Name of the bridge on the host.
      type: str
    used_by:
      description: Names of the servers and load balancers in the network.
      type: list
      elements: str
    task_state:
      description:
        - What another run is doing with the network; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the network completes it.
      type: str
    project:
      description: Project of the network.
      type: str
    created_by:
      description: User who created the network.
      type: str
    created_at:
      description: Creation time of the network (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.network import main

if __name__ == '__main__':
    main()
