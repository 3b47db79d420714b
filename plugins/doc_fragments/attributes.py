# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module promises; tests/unit/test_attributes.py holds them to it."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of every module: of those that keep something, and of those that only tell (C(_info))."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description:
      - Predicts exactly what the same task would then do, and changes nothing.
      - A reference to what is not there is a warning then, because an earlier task of the play may be about to make it; a run refuses it.
    support: full
  diff_mode:
    description: Tells what differs between what is and what was asked for.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: Tells the same in check mode, because it changes nothing.
    support: full
  diff_mode:
    description: It changes nothing, so that nothing ever differs.
    support: N/A
  idempotent:
    description: It changes nothing, however often it runs.
    support: full
"""
