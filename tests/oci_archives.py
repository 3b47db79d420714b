# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of OCI images: real ones by skopeo and umoci, and ones that nothing would write."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ARCHITECTURE = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), '')
Members = Sequence[tuple[str, str, str]]


def ran(*command: object) -> None:
    """Run a program."""
    subprocess.run([*map(str, command)], check=True, capture_output=True)


def layer(*members: tuple[str, str, str]) -> bytes:
    """A tar archive of members: name, type (file, folder, link, hard, device), content or target.

    Those with a name of home belong to the user 1000.
    """
    found = io.BytesIO()
    types = {
        'folder': tarfile.DIRTYPE,
        'link': tarfile.SYMTYPE,
        'hard': tarfile.LNKTYPE,
        'device': tarfile.CHRTYPE,
    }
    with tarfile.open(fileobj=found, mode='w') as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            data = content.encode() if kind == 'file' else b''
            member.type, member.size = types.get(kind, tarfile.REGTYPE), len(data)
            member.linkname, member.mode = content if kind in ('link', 'hard') else '', 0o755
            member.uid = member.gid = 1000 if 'home' in name else 0
            tar.addfile(member, io.BytesIO(data))
    return found.getvalue()


def write(path: Path, layers: Sequence[bytes], config: Mapping[str, Any], **document: Any) -> None:
    """Write an archive (oci-archive) with these layers."""
    files: dict[str, bytes] = {'oci-layout': b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        files[f'blobs/sha256/{digest}'] = content
        return {
            'mediaType': f'application/vnd.oci.image.{media_type}',
            'digest': f'sha256:{digest}',
            'size': len(content),
        }

    image = {
        'os': 'linux',
        'architecture': ARCHITECTURE,
        'config': config,
        'rootfs': {'type': 'layers', 'diff_ids': [digest_of(content) for content in layers]},
        **document,
    }
    manifest = {
        'schemaVersion': 2,
        'config': blob(json.dumps(image).encode(), 'config.v1+json'),
        'layers': [blob(content, 'layer.v1.tar') for content in layers],
    }
    index = {
        'schemaVersion': 2,
        'manifests': [blob(json.dumps(manifest).encode(), 'manifest.v1+json')],
    }
    files['index.json'] = json.dumps(index).encode()
    write_files(path, files)


def digest_of(content: bytes) -> str:
    """The digest of a blob."""
    return f'sha256:{hashlib.sha256(content).hexdigest()}'


def write_files(path: Path, files: Mapping[str, bytes]) -> None:
    """Write an archive of files."""
    with tarfile.open(path, 'w') as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def rewrite(path: Path, change: Mapping[str, bytes | None], blobs: str = '') -> None:
    """Replace or remove files of an archive; ``blobs``: lose, or alter all that are large."""
    with tarfile.open(path) as tar:
        files = {}
        for member in tar:
            file = tar.extractfile(member)
            files[member.name] = file.read() if file else b''
    for name, content in list(files.items()):
        if name.startswith('blobs/') and len(content) > 5000:
            if blobs == 'lose':
                del files[name]
            elif blobs == 'alter':
                files[name] = content[:3000] + bytes([content[3000] ^ 1]) + content[3001:]
    for name, other in change.items():
        files.pop(name, None)
        if other is not None:
            files[name] = other
    write_files(path, files)


def build(folder: Path, root: str, options: Sequence[str]) -> Path:
    """Build an image of a root file system in three layers, the last of which removes a file.

    ``options``: of umoci config. Return its layout, for skopeo.
    """
    layout, bundle = folder / 'layout', folder / 'bundle'
    image = f'{layout}:it'
    ran('umoci', 'init', '--layout', layout)
    ran('umoci', 'new', '--image', image)
    ran('umoci', 'unpack', '--image', image, bundle)
    files = bundle / 'rootfs'
    ran('tar', '--extract', '--file', root, '--directory', files, '--exclude=./dev/*')
    home = files / 'home' / 'kim'
    home.mkdir(parents=True)
    ran('chown', '1000:1001', home)
    (files / 'removed').write_text('of the first layer\n')
    with (files / 'etc' / 'passwd').open('a') as passwd:
        passwd.write('kim:x:1000:1001::/home/kim:/bin/sh\n')
    ran('umoci', 'repack', '--refresh-bundle', '--image', image, bundle)
    (files / 'removed').unlink()
    (home / 'app').write_text(APP)
    (home / 'app').chmod(0o755)
    ran('umoci', 'repack', '--image', image, bundle)
    ran('umoci', 'config', '--image', image, *options)
    return layout


# Prints what it was started with, serves it, and ends by the signal that it is told.
APP = """#!/bin/sh
echo "started as $(id -u):$(id -g) in $(pwd) with $* home $HOME said $SAID"
trap 'echo ended by INT >>/home/kim/ended; exit 3' INT
ls /removed 2>&1
while :; do sleep 0.1; done
"""
