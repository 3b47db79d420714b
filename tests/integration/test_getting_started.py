# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Getting Started as a newcomer runs it: predicted, done, done again, and taken away without a trace."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .conftest import Play, inventory


def test_host_role_again(host: None) -> None:
    """The role host changes nothing on a host that it made, and says so beforehand."""
    assert Play('hanok.cloud.host', '--check').changed == 0
    assert Play('hanok.cloud.host').changed == 0


def test_getting_started(host: None, tmp_path: Path) -> None:
    """Check mode changes nothing; the play does all of T1 to T12; a second run changes nothing; teardown leaves nothing."""
    before, key = inventory(), tmp_path / 'key.pem'
    where = f'getting_started_key_file={key}'
    assert Play('hanok.cloud.getting_started', '-e', where, '--check', '--diff').changed > 10
    assert inventory() == before
    first = Play('hanok.cloud.getting_started', '-e', where)
    assert first.changed > 10
    assert 'PRIVATE KEY' not in first.output
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text(encoding='utf-8').splitlines()[2]
    assert not [path for path in Path('/var/lib/hanok').glob('*') if path.is_file() and secret.encode() in path.read_bytes()]
    assert Play('hanok.cloud.getting_started', '-e', where).changed == 0
    assert Play('hanok.cloud.getting_started', '-e', where, '--check', '--diff').changed == 0
    assert Play('hanok.cloud.teardown', '-e', where).changed == 9
    assert inventory() == before
    assert not key.exists()
    flows = subprocess.run(['conntrack', '-L'], capture_output=True, text=True, check=True).stdout
    assert not re.search(r'=(192\.168\.0\.[2-9]|198\.18\.0\.\d+) ', flows)
    assert Play('hanok.cloud.teardown', '-e', where).changed == 0
