# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run on a host by python -c: server_info, whose code is on standard input.

First the number of its bytes in a line, then a zip file, then the options as modules read them.
"""

from __future__ import annotations

import sys
import tempfile


def main() -> None:
    """Run the module; nothing of it stays on the host."""
    source = sys.stdin.buffer
    code = source.read(int(source.readline()))
    with tempfile.NamedTemporaryFile(prefix='hanok-', suffix='.zip') as file:
        file.write(code)
        file.flush()
        sys.path.insert(0, file.name)
        from ansible_collections.hanok.cloud.plugins.module_utils._ansible import server_info

        server_info.main_listing()


if __name__ == '__main__':
    main()
