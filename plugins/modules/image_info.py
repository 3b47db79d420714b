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
  - List all images, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the image.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the images of a project
  hanok.cloud.image_info:
    labels:
      project: shop
  register: images

- name: Get the names of the servers that use an image
  hanok.cloud.image_info:
    name: tiny
    query: "[0].used_by"
  register: servers_of_it
"""

RETURN = r"""
images:
  description:
    - The images, each like RV(hanok.cloud.image#module:image), or the result of O(query).
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
    main('image')
