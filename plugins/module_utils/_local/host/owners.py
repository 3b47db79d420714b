# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of one container that another one gets: each user and group has the same number in both.

What is in the files is untrusted, but nobody else changes them meanwhile. Each step can be repeated
after an interruption, which an attribute of the folder tells: the number of a user in a container
follows from any owner. A change of owners loses the bits and capabilities that make programs run
with more rights; an attribute keeps them until they are set again.
"""

from __future__ import annotations

import os
import stat
import struct
from contextlib import suppress
from typing import List, Tuple

from .user_namespace import IDS, is_of_container

_ENTERED = 0o710  # by the group
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Root of a container can neither read nor write them.
_BEGUN, _KEPT = 'trusted.hanok.begun', 'trusted.hanok.mode'
_CAPABILITY = 'security.capability'
_ACLS = ('system.posix_acl_access', 'system.posix_acl_default')
_NOBODY = 65534
_PRIVILEGED = stat.S_ISUID | stat.S_ISGID
_VERSION_3 = 24  # bytes: vfs_ns_cap_data in linux/capability.h, whose last number is the user
_ENTRY = struct.Struct('<HHI')  # linux/posix_acl_xattr.h, after the version
_OF_ONE = (0x02, 0x08)  # ACL_USER, ACL_GROUP


def let_in(folder: str, first: int) -> None:
    """Let a container in, and no user of the host: they would meet its set-user-ID programs.

    ``first``: of its users on the host. libvirt enters as its root.
    """
    about = os.stat(folder)
    if (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) != (0, first, _ENTERED):
        os.chown(folder, 0, first)
        os.chmod(folder, _ENTERED)


def shift_owners(folder: str, first: int) -> None:
    """Give a folder and all in it to the users of a container. ``first``: of them on the host."""
    here = os.open(folder, _FOLDER)
    try:
        about = os.fstat(here)
        if about.st_uid - about.st_uid % IDS == first and not _attribute(folder, _BEGUN):
            return
        os.setxattr(folder, _BEGUN, b'1')
        left = [_shift_children(here, first)]
        while left:  # folders are of any depth: the way back is to their parents
            below = left[-1].pop() if left[-1] else '..'
            if below == '..':
                left.pop()
                if not left:
                    break
            there = os.open(below, _FOLDER, dir_fd=here)
            os.close(here)
            here = there
            if below != '..':
                left.append(_shift_children(here, first))
        _shift_acls(folder, first)
        os.fchown(here, *_owner(about, first))
        os.removexattr(folder, _BEGUN)
    finally:
        os.close(here)


def _shift_children(folder: int, first: int) -> List[str]:
    """Give the files of a folder to others; return the folders in it."""
    folders: List[str] = []
    for name in os.listdir(folder):
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        _shift(f'/proc/self/fd/{folder}/{name}', about, first)
        if stat.S_ISDIR(about.st_mode):
            folders.append(name)
    return folders


def _shift(path: str, about: os.stat_result, first: int) -> None:
    owner = _owner(about, first)
    is_file = stat.S_ISREG(about.st_mode)
    kept = _kept(path, about) if is_file else b''
    if (about.st_uid, about.st_gid) != owner:
        os.chown(path, *owner, follow_symlinks=False)
    if not stat.S_ISLNK(about.st_mode):
        _shift_acls(path, first)
    if kept:
        _restore(path, kept, first)


def _owner(about: os.stat_result, first: int) -> Tuple[int, int]:
    return _number(about.st_uid, first), _number(about.st_gid, first)


def _number(number: int, first: int) -> int:
    """The user or group of a container with the same number; nobody, if it is of the host."""
    is_kept = number == 0 or is_of_container(number)  # root of the host makes the first folder
    return first + (number % IDS if is_kept else _NOBODY)


def _kept(path: str, about: os.stat_result) -> bytes:
    """What a change of owners would lose of a file, which has it as an attribute from now on."""
    kept = _attribute(path, _KEPT)
    capability = b'' if kept else _attribute(path, _CAPABILITY)
    if not kept and (about.st_mode & _PRIVILEGED or capability):
        kept = struct.pack('<I', stat.S_IMODE(about.st_mode)) + capability
        os.setxattr(path, _KEPT, kept, follow_symlinks=False)
    return kept


def _restore(path: str, kept: bytes, first: int) -> None:
    os.chmod(path, struct.unpack('<I', kept[:4])[0])
    capability = kept[4:]
    if len(capability) == _VERSION_3:
        capability = capability[:-4] + struct.pack('<I', first)
        os.setxattr(path, _CAPABILITY, capability, follow_symlinks=False)
    os.removexattr(path, _KEPT, follow_symlinks=False)


def _shift_acls(path: str, first: int) -> None:
    for name in _ACLS:
        found = _attribute(path, name)
        after = found[:4] + b''.join(
            _ENTRY.pack(tag, rights, _number(number, first) if tag in _OF_ONE else number)
            for tag, rights, number in _ENTRY.iter_unpack(found[4:])
        )
        if after != found:
            os.setxattr(path, name, after, follow_symlinks=False)


def _attribute(path: str, name: str) -> bytes:
    """The value of an extended attribute; empty if there is none."""
    with suppress(OSError):
        return os.getxattr(path, name, follow_symlinks=False)
    return b''
