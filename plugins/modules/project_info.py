#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about projects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: project_info
short_description: Get information about projects
version_added: 0.1.0
description:
  - List all projects of the host, with their quotas and what they hold, or those with a name or
    labels. Projects that no task has declared are listed, too.
  - In an OpenStack these are the projects in the domain of that of the entry in C(clouds.yaml), or
    those in which its user has a role, if it shows no others.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the project.
    type: str
  labels:
    description: Return only projects that have all of these labels.
    type: dict
    default: {}
  query:
    description:
      - JMESPath expression such as C([].name), which is applied to the list. Its result is returned
        in place of the list.
      - Requires jmespath on the host; the role P(hanok.cloud.host#role) installs it.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get what a project holds
  hanok.cloud.project_info:
    name: blue
    query: "[0].used"
  register: held

- name: Get the names of all projects
  hanok.cloud.project_info:
    query: "[].name"
"""

RETURN = r"""
projects:
  description:
    - The projects, each like RV(hanok.cloud.project#module:project), or the result of O(query).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.project_info import main

if __name__ == '__main__':
    main()
