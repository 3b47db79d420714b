#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about key pairs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keypair_info
short_description: Get information about key pairs
version_added: 0.1.0
description:
  - All key pairs, the one of a name, or those with labels, as M(hanok.cloud.keypair) shows them.
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
- name: All key pairs
  hanok.cloud.keypair_info:
  register: keypairs

- name: The key pairs that no server was made with
  hanok.cloud.keypair_info:
    query: "[?length(used_by) == `0`].name"
"""

RETURN = r"""
keypairs:
  description: The key pairs, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    public_key:
      description: The public key.
      type: str
    fingerprint:
      description: The fingerprint, as C(ssh-keygen -l) shows it.
      type: str
    used_by:
      description: Names of the servers made with it.
      type: list
      elements: str
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
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.info import main

if __name__ == '__main__':
    main('keypair')
