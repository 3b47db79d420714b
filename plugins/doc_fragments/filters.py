# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of every module that tells what there is."""

from __future__ import annotations


class ModuleDocFragment:
    """Filters."""

    DOCUMENTATION = r"""
options:
  labels:
    description: Only those that have all of these labels.
    type: dict
    default: {}
  query:
    description:
      - A JMESPath expression over the list, such as C([?size > `10`].name). What it makes of the list is returned in the list's place.
      - It needs jmespath on the host; the role P(hanok.cloud.host#role) installs it.
    type: str
"""
