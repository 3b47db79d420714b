# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that all _info modules of resources share."""

from __future__ import annotations


class ModuleDocFragment:
    """Filters."""

    DOCUMENTATION = r"""
options:
  labels:
    description: Return only items that have all of these labels.
    type: dict
    default: {}
  query:
    description:
      - JMESPath expression such as C([?size > `10`].name), which is applied to the list. Its result
        is returned in place of the list.
      - Requires jmespath on the host; the role P(hanok.cloud.host#role) installs it.
    type: str
  all_projects:
    description:
      - Whether to list what all projects have, each item with its C(project), instead of what the
        project of the task has.
      - In the cloud V(local) these are the projects of the host in which the O(ignore:actor) is an
        admin, or which have no members (see M(hanok.cloud.project)). In an OpenStack these are the
        projects in which the user of the entry in C(clouds.yaml) has a role; an application
        credential belongs to one project only.
      - What several projects see, such as built-in flavors and public images, is returned for each
        of them.
    type: bool
    default: false
"""
