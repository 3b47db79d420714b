# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which resources can be deleted: who uses another one goes first."""

from __future__ import annotations

REMOVAL = (
    'lb',
    'floating_ip',
    'server',
    'image',
    'volume',
    'port',
    'network',
    'security_group',
    'keypair',
    'init_script',
    'flavor',
)
