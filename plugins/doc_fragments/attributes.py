# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes of all modules; tests/unit/test_attributes.py checks that they are true."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of the modules that manage a resource, and of the C(_info) modules."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description:
      - Predicts exactly what the same task would change, and changes nothing.
      - A reference to a resource that does not exist is only a warning in check mode, because an
        earlier task of the play may create it; outside check mode it is refused.
    support: full
  diff_mode:
    description: Shows what differs between the observed and the desired state.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: Returns the same in check mode, because it changes nothing.
    support: full
  diff_mode:
    description: Changes nothing, so there is no diff.
    support: N/A
  idempotent:
    description: Changes nothing, however often it runs.
    support: full
"""
