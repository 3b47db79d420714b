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
  - A script that is kept by its name, and run once, as root, at the first boot of each server that is made with it.
  - A server names it by its option O(hanok.cloud.server#module:init_script).
  - What the script prints, and whether it went well, is told by M(hanok.cloud.server_info) with O(hanok.cloud.server_info#module:init=true).
  - The text is kept on the host, for root's eyes only, and is shown in results and diffs. It is no place for passwords; what is secret
    belongs into O(hanok.cloud.server#module:user_data), which is not kept.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description: The name of the script. Letters, digits, hyphen, underscore and dot.
    type: str
    required: true
  state:
    description: Whether the script is to be there. V(absent) is refused while a server is being made with it.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The script, at most 64 KiB. Needed to make it. Its first line names a shell, Python or Perl, which the image must have.
      - A change is for servers that will be made; those that are there keep what they ran.
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
- name: A script for web servers
  hanok.cloud.init_script:
    name: page
    content: |
      #!/bin/sh
      mkdir -p /var/www
      hostname > /var/www/index.html

- name: A server that runs it at its first boot
  hanok.cloud.server:
    name: page
    flavor: g1.nano
    image: tiny
    init_script: page

- name: A script from a file of the project
  hanok.cloud.init_script:
    name: database
    content: "{{ lookup('ansible.builtin.file', 'database.sh') }}"
    labels:
      tier: database

- name: A script in Python, for images that have it
  hanok.cloud.init_script:
    name: report
    content: |
      #!/usr/bin/python3
      import platform
      print(platform.platform())
    description: Prints what the guest runs on

- name: Remove a script
  hanok.cloud.init_script:
    name: database
    state: absent
"""

RETURN = r"""
init_script:
  description: The script; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    content:
      description: The script.
      type: str
    language:
      description: V(shell), V(python) or V(perl), by its first line.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    used_by:
      description: Servers that are being made with it, and have not read it yet.
      type: list
      elements: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.init_script import main

if __name__ == '__main__':
    main()
