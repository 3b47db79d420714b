#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage init scripts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: init_script
short_description: Manage init scripts
version_added: 0.1.0
description:
  - An init script is stored under its name. It runs once, as root, at the first boot of each server
    that is created with it.
  - A server refers to it with the option O(hanok.cloud.server#module:init_script).
  - Its output and its result are reported by M(hanok.cloud.server_info) with
    O(hanok.cloud.server_info#module:init=true).
  - The content is stored on the host, readable only by root, and shown in results and diffs. Do not
    put passwords into it; use O(hanok.cloud.server#module:user_data) for secrets, which is not
    stored.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: Name of the init script. Letters, digits, hyphens, underscores and dots.
    type: str
    required: true
  state:
    description:
      - Desired state of the init script. V(absent) is refused while a server is being created with
        it.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - Content of the init script, at most 64 KiB. Required to create it. Its first line names a
        shell, Python or Perl, which the image must contain.
      - A change applies to servers that are created later; existing servers have already run
        theirs.
    type: str
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
- name: Create an init script for web servers
  hanok.cloud.init_script:
    name: page
    content: |
      #!/bin/sh
      mkdir -p /var/www
      hostname > /var/www/index.html

- name: Create a server that runs it at its first boot
  hanok.cloud.server:
    name: page
    flavor: g1.nano
    image: tiny
    init_script: page

- name: Create an init script from a file of the project
  hanok.cloud.init_script:
    name: database
    content: "{{ lookup('ansible.builtin.file', 'database.sh') }}"
    labels:
      tier: database

- name: Create an init script in Python, for images that contain it
  hanok.cloud.init_script:
    name: report
    content: |
      #!/usr/bin/python3
      import platform
      print(platform.platform())
    description: Prints what the guest runs on

- name: Delete an init script
  hanok.cloud.init_script:
    name: database
    state: absent
"""

RETURN = r"""
init_script:
  description: The init script; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the init script.
      type: str
    name:
      description: Name of the init script.
      type: str
    content:
      description: Content of the init script.
      type: str
    language:
      description: Language of the init script by its first line, V(shell), V(python) or V(perl).
      type: str
    description:
      description: Description of the init script.
      type: str
    labels:
      description: Labels of the init script.
      type: dict
    used_by:
      description:
        - Names of the servers that are being created with the init script and have not read it yet.
      type: list
      elements: str
    project:
      description: Project of the init script.
      type: str
    created_by:
      description: User who created the init script.
      type: str
    created_at:
      description: Creation time of the init script (UTC).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.init_script import main

if __name__ == '__main__':
    main()
