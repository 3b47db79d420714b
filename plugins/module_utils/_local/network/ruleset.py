# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nftables ruleset of this host: a pure function of the datapath, as text for `nft -f`.

All packets are routed and filtered in one place. Bridges do not forward frames from port to port
(table bridge): a packet reaches the host, is routed, and passes two stages of the inet forward
hook, first what the sender may send (egress), then what the receiver accepts (ingress).
`_model/verdict.py` evaluates the same rules; a test with real packets compares both.
"""

from __future__ import annotations

import re

from ..._model.datapath import Datapath
from .nft_text import INDENT
from .ruleset_bridge import bridge_table
from .ruleset_inet import inet_table

_REVISION = re.compile(r'[a-z0-9_]{1,64}')
_TABLES = ('inet hanok', 'bridge hanok')


def render(datapath: Datapath, revision: str) -> str:
    """Return the complete ruleset, which replaces the loaded one in one transaction.

    ``revision`` marks what is loaded, as the name of an empty chain `rev_REVISION`. The same
    arguments result in the same text.
    """
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        raise ValueError(
            f'{revision!r} is not a revision; use up to 64 lower case letters, digits, underscores'
        )
    lines = []
    for table in _TABLES:
        # Deleting a table that does not exist fails, so it is created first.
        lines += [f'table {table}', f'delete table {table}']
    for table, content in zip(_TABLES, (inet_table(datapath, revision), bridge_table(datapath))):
        lines += [f'table {table} {{', *(INDENT + line for line in content), '}']
    return '\n'.join(lines) + '\n'
