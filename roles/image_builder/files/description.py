# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply the users, files and scripts of a description to a root file system.

Usage: description.py TREE. The description is JSON in the environment variable IMAGE_DESCRIPTION.
debian-image.sh runs it as root, with mounts and processes of its own: what is mounted or started
here is gone when it ends.
All paths are looked up in the tree, also those of links.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# What Ansible takes for true (ansible.module_utils.parsing.convert_bool).
YES = ('true', 'yes', 'on', 'y', 't', '1', '1.0')
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

# What is mounted in the tree while it is described.
OF_HOST = ('dev', 'proc', 'sys')


def main() -> None:
    """Users, then the files that may belong to them, then the scripts that may use both."""
    description = json.loads(os.environ['IMAGE_DESCRIPTION'])
    enter(sys.argv[1])
    for user in description['users']:
        add_user(user)
    for user in description['users']:  # a group of one may be the own group of another
        join_groups(user)
    for number, file in enumerate(description['files']):
        try:
            write_file(file)
        except (LookupError, OSError) as error:
            sys.exit(f'image_builder_files[{number}]: {file["path"]}: {error}')
    for number, script in enumerate(description['scripts']):
        run_script(f'image_builder_scripts[{number}]', script)


def enter(tree: str) -> None:
    """Make the tree the root of this process, with what programs expect below it."""
    for folder in ('dev', 'sys'):
        subprocess.run(['mount', '--rbind', f'/{folder}', f'{tree}/{folder}'], check=True)
    subprocess.run(['mount', '-t', 'proc', 'proc', f'{tree}/proc'], check=True)
    os.chroot(tree)
    os.chdir('/')


def add_user(user: dict[str, Any]) -> None:
    """Create a user with a home directory; without a password, it signs in with a key."""
    name = user['name']
    run('useradd', '--create-home', '--shell', user.get('shell', '/bin/bash'), '--', name)
    if str(user.get('sudo', False)).lower() in YES:
        rule = f'{name} ALL=(ALL) NOPASSWD:ALL\n'
        write_file({'path': f'/etc/sudoers.d/{name}', 'content': rule, 'mode': '0440'})
    keys = user.get('ssh_keys', [])
    if isinstance(keys, str):  # one key: its options may have commas
        keys = [keys]
    if keys:
        folder = Path(pwd.getpwnam(name).pw_dir, '.ssh')
        folder.mkdir(mode=0o700)
        shutil.chown(folder, name, name)
        text = ''.join(f'{key}\n' for key in keys)
        file = {'path': str(folder / 'authorized_keys'), 'content': text, 'mode': '0600'}
        write_file({**file, 'owner': name, 'group': name})


def join_groups(user: dict[str, Any]) -> None:
    """Add a user to its groups, of which those that do not exist are created."""
    groups = user.get('groups', [])
    if isinstance(groups, str):  # as Ansible allows it
        groups = groups.split(',')
    for group in groups:
        run('groupadd', '--force', group)
    if groups:
        run('usermod', '--append', '--groups', ','.join(groups), '--', user['name'])


def write_file(file: dict[str, Any]) -> None:
    """Write a file, and the directories above it."""
    path = Path(file['path']).resolve()
    if path.parts[1:2] and path.parts[1] in OF_HOST:
        raise OSError(f'it leads to {path}, which is of the host, not of the image')
    owner = pwd.getpwnam(file.get('owner', 'root')).pw_uid
    group = grp.getgrnam(file.get('group', 'root')).gr_gid
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file['content'], encoding='utf-8')
    os.chown(path, owner, group)
    path.chmod(int(file.get('mode', '0644'), 8))


def run_script(option: str, script: str) -> None:
    """Run a script in the tree."""
    path = Path('/root/.image-builder-script')
    path.write_text(script, encoding='utf-8')
    path.chmod(0o700)
    try:
        run(str(path), what=option)
    finally:
        path.unlink(missing_ok=True)


def run(*words: str, what: str = '') -> None:
    """Run a program of the tree; without success the image is not built."""
    environment = {'PATH': PATH, 'HOME': '/root', 'LC_ALL': 'C.UTF-8'}
    environment['DEBIAN_FRONTEND'] = 'noninteractive'
    try:
        code = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        sys.exit(f'{what or words[0]}: {error.strerror}')
    if code.returncode:
        sys.exit(f'{what or " ".join(words)}: exit code {code.returncode}')


if __name__ == '__main__':
    main()
