#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage flavors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flavor
short_description: Manage flavors
version_added: 0.1.0
description:
  - A flavor is a size of server. A catalogue is built in (families general, cpu and memory); this module adds to it.
  - Those of the catalogue stay as they are.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the flavor. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  family:
    description: What the size is meant for. V(general) when left out.
    type: str
    choices: [general, cpu, memory, gpu]
  vcpus:
    description: How many vCPUs. Needed to make it.
    type: int
  memory:
    description: Memory in MiB. Needed to make it.
    type: int
  disk:
    description: The root volume in GB (2^30 bytes). Needed to make it.
    type: int
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
- name: A flavor of our own
  hanok.cloud.flavor:
    name: our.small
    vcpus: 1
    memory: 256
    disk: 2

- name: One with much memory, for databases
  hanok.cloud.flavor:
    name: our.database
    family: memory
    vcpus: 2
    memory: 8192
    disk: 20
    description: For databases of up to 6 GiB

- name: Change what is said of it
  hanok.cloud.flavor:
    name: our.database
    description: For databases

- name: Remove a flavor
  hanok.cloud.flavor:
    name: our.small
    state: absent
"""

RETURN = r"""
flavor:
  description: The flavor; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    family:
      description: Its family.
      type: str
    vcpus:
      description: Its vCPUs.
      type: int
    memory:
      description: Its memory (MiB).
      type: int
    disk:
      description: Its root volume (GB).
      type: int
    description:
      description: Its description.
      type: str
    built_in:
      description: Whether it is one of the catalogue.
      type: bool
    used_by:
      description: Names of the servers made with it.
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.flavor import main

if __name__ == '__main__':
    main()
