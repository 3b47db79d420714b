#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about init scripts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: init_script_info
short_description: Get information about init scripts
version_added: 0.1.0
description:
  - All init scripts, the one of a name, or those with labels, as M(hanok.cloud.init_script) shows them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Only the one of this name.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: The text of an init script
  hanok.cloud.init_script_info:
    name: web
    query: "[0].content"
  register: script

- name: The names of all scripts
  hanok.cloud.init_script_info:
    query: "[].name"
"""

RETURN = r"""
init_scripts:
  description: The init scripts, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
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
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('init_script')
