#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Manage volumes
version_added: 0.1.0
description:
  - A disk that is made on its own, and plugged into servers while they run.
  - Detaching one that the guest has mounted is refused unless O(force=true).
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the volume. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description:
      - V(present) makes it. V(attached) makes it and gives it to O(server), taking it from another one that has it.
      - V(detached) makes it and takes it from the server that has it. V(absent) deletes it; it must be detached.
    type: str
    choices: [present, attached, detached, absent]
    default: present
  size:
    description: GB (2^30 bytes), 1 to 5120. Needed to make it. It grows, while it is in use too, and never shrinks.
    type: int
  server:
    description: The server to attach it to. With O(state=detached), take it from this server only.
    type: str
  force:
    description: Detach it even if the guest has it mounted. Data may be lost.
    type: bool
    default: false
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
- name: A volume that no server has yet
  hanok.cloud.volume:
    name: data
    size: 10
    labels:
      content: photos

- name: Plug it into a server that runs
  hanok.cloud.volume:
    name: data
    server: web-1
    state: attached
  register: data

- name: Tell its device in the guest
  ansible.builtin.debug:
    var: data.volume.device

- name: Enlarge it while it is in use
  hanok.cloud.volume:
    name: data
    size: 20

- name: Move it to another server; the guest must have unmounted it
  hanok.cloud.volume:
    name: data
    server: web-2
    state: attached

- name: Unplug it, and keep what is on it
  hanok.cloud.volume:
    name: data
    state: detached

- name: Delete it
  hanok.cloud.volume:
    name: data
    state: absent
"""

RETURN = r"""
volume:
  description: The volume; null when it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    size:
      description: Its size (GB).
      type: int
    server:
      description: The server that has it.
      type: str
    status:
      description: V(available), V(in-use), V(error) (its disk is gone from the host), or what is being done with it.
      type: str
    task_state:
      description: What is being done with it.
      type: str
    serial:
      description: The serial that the guest sees.
      type: str
    device:
      description: Its device in a guest with udev.
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.volume import main

if __name__ == '__main__':
    main()
