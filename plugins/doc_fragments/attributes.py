# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module promises."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of every module."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Predicts exactly what the same task would then do, and changes nothing.
    support: full
  diff_mode:
    description: Tells what differs between what is and what was asked for.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""
