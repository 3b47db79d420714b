#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what hangs on what."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_info
short_description: Tell what hangs on what
version_added: 0.1.0
description:
  - Networks with the servers and balancers in them, floating IPs, volumes and groups with who has them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: The whole picture
  hanok.cloud.topology_info:
  register: picture
"""

RETURN = r"""
topology:
  description: What there is, and what hangs on what.
  returned: success
  type: dict
  contains:
    networks:
      description: Networks, each with its servers and lbs.
      type: list
      elements: dict
    floating_ips:
      description: Floating IPs, each with the server or lb that has it.
      type: list
      elements: dict
    volumes:
      description: Volumes, each with the server that has it.
      type: list
      elements: dict
    security_groups:
      description: Groups, each with its rules and servers.
      type: list
      elements: dict
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.topology import main

if __name__ == '__main__':
    main()
