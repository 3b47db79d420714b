# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images from a real registry on the loopback device, and from one that lies."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib import request

import pytest
import yaml

from ansible_collections.hanok.cloud.tests import oci_archives as oci

from .conftest import STATE, eventually, keep, run

CACHE = Path('/var/cache/hanok/registry')
REGISTRY, LIAR = '127.0.0.1:5000', '127.0.0.1:5001'
REPOSITORY = f'docker://{REGISTRY}/team/app'
INSECURE = Path('/etc/containers/registries.conf.d/hanok-tests.conf')
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
INDEX = 'application/vnd.oci.image.index.v1+json'
USER, PASSWORD = 'kim', 'not-shown'
# htpasswd -nbB kim not-shown
HTPASSWD = 'kim:$2b$05$91ppuIEY9AnwxrElm1evZehojCnR14wAYr/Iu.5ePEyd.Swfrc2Be\n'
PROGRAM = ('./app', 'file', '#!/bin/sh\n')
PLAIN = '--dest-tls-verify=false'


@pytest.fixture(scope='module')
def registry(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A registry whose users sign in, and which has no TLS, as the host is told."""
    folder = tmp_path_factory.mktemp('registry')
    (package,) = CACHE.glob('docker-registry_*.deb')
    subprocess.run(['dpkg-deb', '-x', package, folder], check=True)
    (folder / 'htpasswd').write_text(HTPASSWD, encoding='ascii')
    settings = {
        'version': 0.1,
        'storage': {'filesystem': {'rootdirectory': str(folder / 'images')}},
        'http': {'addr': REGISTRY},
        'auth': {'htpasswd': {'realm': 'test', 'path': str(folder / 'htpasswd')}},
    }
    (folder / 'config.yml').write_text(yaml.safe_dump(settings), encoding='utf-8')
    INSECURE.parent.mkdir(parents=True, exist_ok=True)
    INSECURE.write_text(
        ''.join(
            f'[[registry]]\nlocation = "{place}"\ninsecure = true\n' for place in (REGISTRY, LIAR)
        ),
        encoding='utf-8',
    )
    command = [folder / 'usr/bin/docker-registry', 'serve', folder / 'config.yml']
    with (folder / 'log').open('wb') as log, subprocess.Popen(command, stderr=log) as process:
        eventually(lambda: b'listening on' in (folder / 'log').read_bytes())
        yield
        process.terminate()
    INSECURE.unlink()


@pytest.fixture(scope='module')
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of an image."""
    return written(tmp_path_factory.mktemp('archive') / 'app.tar', 'one')


def written(path: Path, argument: str) -> Path:
    """Write the archive of an image that runs a program with an argument."""
    oci.write(path, [oci.layer(PROGRAM)], {'Cmd': ['/app', argument]})
    return path


def push(archive: Path, tag: str) -> str:
    """Push an image; return its digest."""
    digest = archive.with_suffix('.digest')
    credentials = f'--dest-creds={USER}:{PASSWORD}'
    copy = ('skopeo', 'copy', '--insecure-policy', PLAIN, credentials, f'--digestfile={digest}')
    oci.ran(*copy, f'oci-archive:{archive}', f'{REPOSITORY}:{tag}')
    return digest.read_text(encoding='ascii').strip()


def push_index(tag: str, **digests: str) -> None:
    """Push an index: the digest of an image for each architecture."""
    manifests = [
        {
            'mediaType': MANIFEST,
            'digest': digest,
            'size': int(sent('HEAD', digest).headers['Content-Length']),
            'platform': {'os': 'linux', 'architecture': architecture},
        }
        for architecture, digest in digests.items()
    ]
    index = {'schemaVersion': 2, 'mediaType': INDEX, 'manifests': manifests}
    sent('PUT', tag, json.dumps(index).encode())


def sent(method: str, tag: str, content: bytes | None = None) -> Any:
    """Send a request for a manifest to the registry; the response."""
    credentials = base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
    headers = {'Authorization': f'Basic {credentials}', 'Accept': MANIFEST, 'Content-Type': INDEX}
    url = f'http://{REGISTRY}/v2/team/app/manifests/{tag}'
    asked = request.Request(url, content, headers, method=method)
    return request.urlopen(asked, timeout=30)  # noqa: S310 - of the registry above


def image(name: str, tag: str, **options: Any) -> dict[str, Any]:
    """The options of an image from the registry."""
    return {'name': name, 'url': f'{REPOSITORY}{tag}', 'disk_format': 'oci', **options}


def failed(**options: Any) -> str:
    """Why an image is not created."""
    result = run('image', **options)
    assert result.get('failed'), result
    return str(result['msg'])


def nothing_is_left() -> bool:
    """Whether no import is on the host."""
    return not list(Path(STATE, 'images').glob('*.import'))


def command_of(name: str) -> list[str]:
    """What containers of an image run."""
    (found,) = run('image_info', name=name)['images']
    return list(found['application']['command'])


def test_fetched(
    registry: None, archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By tag or by digest, with the credentials of root; a tag that moves changes nothing."""
    digest = push(archive, '1')
    problem = failed(**image('app', ':1'))
    assert f'url: {REPOSITORY}:1 cannot be fetched (skopeo: ' in problem
    assert 'authentication required' in problem
    assert 'no image was created; sign in as root: skopeo login' in problem
    # As in a session of root with systemd; other files stand behind it.
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    monkeypatch.setenv('HOME', str(tmp_path))
    other = tmp_path / '.docker' / 'config.json'
    other.parent.mkdir()
    other.write_text('[]', encoding='utf-8')
    problem = failed(**image('app', ':1'))
    assert f'{other} has no credentials of registries' in problem
    other.write_text(f'{{"auths": {{"{REGISTRY}": {{"auth": "eDp5"}}}}}}', encoding='utf-8')
    login = ['skopeo', 'login', '--tls-verify=false', '-u', USER, '--password-stdin', REGISTRY]
    subprocess.run(login, input=PASSWORD, text=True, check=True, capture_output=True)
    try:
        made = keep('image', **image('app', ':1'))['image']
        assert made['source'] == f'url:{REPOSITORY}:1'
        assert not run('image', **image('app', ':1', checksum=digest))['changed']
        keep('image', **image('pinned', ':1', checksum=digest))
        second = push(written(archive.with_name('two.tar'), 'two'), '1')
        keep('image', **image('by-digest', f'@{digest}'))
        keep('image', **image('moved', ':1'))
        assert not run('image', **image('app', ':1'))['changed']
        found = [command_of(name) for name in ('app', 'pinned', 'by-digest', 'moved')]
        assert found == [['/app', 'one']] * 3 + [['/app', 'two']]
        push_index('all', **{'s390x': second, oci.ARCHITECTURE: digest})
        keep('image', **image('of-index', ':all'))
        assert command_of('of-index') == ['/app', 'one']
        push_index('elsewhere', s390x=second)
        problem = failed(**image('none', ':elsewhere'))
        assert 'has no image for the platform of this host; no image was created' in problem
        unknown = f'sha256:{"0" * 64}'
        for missing in (image('none', ':3'), image('none', ':1', checksum=unknown)):
            assert 'manifest unknown' in failed(**missing)
        assert nothing_is_left()
        for name in ('app', 'pinned', 'by-digest', 'moved', 'of-index', 'none'):
            keep('image', name=name, state='absent')
    finally:
        subprocess.run(['skopeo', 'logout', REGISTRY], check=True, capture_output=True)


class Liar(BaseHTTPRequestHandler):
    """A registry with an image whose layer is longer than it says: it never ends."""

    config = json.dumps({'os': 'linux', 'architecture': oci.ARCHITECTURE}).encode()
    claimed = 100

    def do_HEAD(self) -> None:
        """As GET."""
        self.do_GET()

    def do_GET(self) -> None:
        """Whatever is asked for."""
        if self.path.endswith('/manifests/1'):
            self.answer(self.manifest(), 'application/vnd.oci.image.manifest.v1+json')
        elif self.path.endswith(hashlib.sha256(self.config).hexdigest()):
            self.answer(self.config, 'application/octet-stream')
        elif '/blobs/' in self.path:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(2**20))
        else:
            self.answer(b'{}', 'application/json')

    def manifest(self) -> bytes:
        """One layer, and the configuration above."""
        kind = 'application/vnd.oci.image.'
        digest = hashlib.sha256(self.config).hexdigest()
        config = {'digest': f'sha256:{digest}', 'size': len(self.config)}
        layer = {'digest': f'sha256:{"1" * 64}', 'size': self.claimed}
        found = {
            'schemaVersion': 2,
            'config': {'mediaType': f'{kind}config.v1+json', **config},
            'layers': [{'mediaType': f'{kind}layer.v1.tar', **layer}],
        }
        return json.dumps(found).encode()

    def answer(self, content: bytes, kind: str) -> None:
        """Send content."""
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        if self.command == 'GET':
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_liar(registry: None) -> None:
    """What is larger than it says, or than the disk, is refused, and leaves nothing."""
    url = f'docker://{LIAR}/team/app:1'
    with ThreadingHTTPServer(('127.0.0.1', 5001), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        problem = failed(**image('lies', '', url=url))
        assert f'url: {url} cannot be fetched (skopeo: ' in problem
        Liar.claimed = 2**60
        assert f'has {2**60} bytes, and ' in failed(**image('lies', '', url=url))
        server.shutdown()
    assert nothing_is_left()
    keep('image', name='lies', state='absent')
