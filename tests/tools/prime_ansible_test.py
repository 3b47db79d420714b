# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provide ansible-test with pip from PyPI, so that it downloads no bootstrap program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ansible_test  # pylint: disable=import-error

CACHE = Path('~/.ansible/test/cache').expanduser()

SHIM = """# Stands for get-pip.py: installs pip from the wheel beside it.
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here / '{wheel}'))
from pip._internal.cli.main import main

options = [option for option in sys.argv[1:] if option not in ('--no-setuptools', '--no-wheel')]
sys.exit(main(['install', '--no-index', '--find-links', str(here), *options]))
"""


def pip_version() -> str:
    """Return the version of pip that this ansible-test requires."""
    source = Path(ansible_test.__path__[0]) / '_internal' / 'python_requirements.py'
    found = re.search(r"pip='([0-9.]+)'", source.read_text(encoding='utf-8'))
    if not found:
        raise SystemExit(f'{source} contains no version of pip')
    return found.group(1)


def main() -> None:
    """Write the bootstrap program to the cache of ansible-test, unless it exists."""
    version = pip_version()
    bootstrap = CACHE / f'get_pip_{version.replace(".", "_")}.py'
    if bootstrap.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            sys.executable,
            '-m',
            'pip',
            'download',
            '--quiet',
            '--no-deps',
            '--dest',
            str(CACHE),
            f'pip=={version}',
        ],
        check=True,
    )
    bootstrap.write_text(SHIM.format(wheel=f'pip-{version}-py3-none-any.whl'), encoding='utf-8')


if __name__ == '__main__':
    main()
