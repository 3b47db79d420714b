# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""End the OpenStack. It runs without the virtual environment, which may be incomplete.

usage: stop.py [--wipe]
"""

from __future__ import annotations

import shutil
import sys

import layout
import processes


def stop() -> None:
    """End the services, then their database."""
    processes.stop(layout.SERVICES)
    processes.stop([layout.DATABASE])
    processes.refuse_others()
    shutil.rmtree(layout.RUN, ignore_errors=True)


def main() -> None:
    """End it, and delete what was made."""
    stop()
    if '--wipe' in sys.argv[1:]:
        layout.forget()
        for folder in (layout.CONF, layout.LOGS):
            shutil.rmtree(folder, ignore_errors=True)
        layout.CLOUDS.unlink(missing_ok=True)


if __name__ == '__main__':
    main()
