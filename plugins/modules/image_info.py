#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Get information about images
version_added: 0.1.0
description:
  - All images, the one of a name, or those with labels, as M(hanok.cloud.image) shows them.
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
- name: The images of a project
  hanok.cloud.image_info:
    labels:
      project: shop
  register: images

- name: One image, to see which servers stand on it
  hanok.cloud.image_info:
    name: tiny
    query: "[0].used_by"
  register: servers_of_it
"""

RETURN = r"""
images:
  description: The images, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    source:
      description: Where it came from.
      type: str
    checksum:
      description: The checksum that was said.
      type: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    size:
      description: The size of the disk in it (bytes).
      type: int
    min_disk:
      description: The least root volume (GB).
      type: int
    used_by:
      description: Names of the servers that stand on it.
      type: list
      elements: str
    status:
      description: V(available), V(error) (its disk is gone from the host), or what is being done with it.
      type: str
    task_state:
      description: What is being done with it.
      type: str
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('image')
