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
  - List all init scripts, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the init script.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the content of an init script
  hanok.cloud.init_script_info:
    name: web
    query: "[0].content"
  register: script

- name: Get the names of all init scripts
  hanok.cloud.init_script_info:
    query: "[].name"
"""

RETURN = r"""
init_scripts:
  description:
    - The init scripts, each like RV(hanok.cloud.init_script#module:init_script), or the result of
      O(query).
  returned: success
  type: list
  elements: dict
refused:
  description: Reasons why the task was refused, one sentence each.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description:
    - What is wrong, an item for each problem, as M(hanok.cloud.server) returns it. V(msg) has all
      of them in one line.
  returned: on failure
  type: list
  elements: dict
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('init_script')
