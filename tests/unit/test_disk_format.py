# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk formats are identified by bytes.

Files that refer to others, are compressed or are not a disk are refused.
"""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._cloud.images.checksums import digests
from ansible_collections.hanok.cloud.plugins.module_utils._cloud.images.disk_format import (
    identify,
    identify_iso,
)

needs_qemu_img = pytest.mark.skipif(
    shutil.which('qemu-img') is None, reason='qemu-img creates the disks'
)
BOOTABLE = bytes(510) + b'\x55\xaa' + bytes(512)
DESCRIPTOR = b'# Disk DescriptorFile\ncreateType="monolithicFlat"\nRW 256 FLAT "../hanok.json" 0\n'


def problem_of(data: bytes) -> str:
    """The problem of a file of these bytes; empty if there is none."""
    try:
        identify(io.BytesIO(data), 'it')
    except CloudError as error:
        return str(error)
    return ''


@needs_qemu_img
@pytest.mark.parametrize('name', ['qcow2', 'vmdk', 'vpc', 'vdi', 'vhdx'])
def test_disks_of_qemu_img(name: str, tmp_path: Path) -> None:
    """Each format is identified, for most with the size."""
    path = tmp_path / 'disk'
    subprocess.run(['qemu-img', 'create', '-q', '-f', name, str(path), '64M'], check=True)
    with path.open('rb') as file:
        found = identify(file, 'it')
    assert found.name == name
    assert found.size is None or 64 << 20 <= found.size < 65 << 20


@needs_qemu_img
@pytest.mark.parametrize(
    'options',
    [
        ('-f', 'qcow2', '-b', 'base', '-F', 'qcow2'),
        ('-f', 'qcow2', '-o', 'data_file=data'),
        ('-f', 'vmdk', '-o', 'subformat=monolithicFlat'),
        ('-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'),
        ('-f', 'qcow2', '-o', 'size=6T'),
    ],
    ids=['backing', 'data', 'flat', 'split', 'large'],
)
def test_disks_that_refer_to_other_files(options: tuple[str, ...], tmp_path: Path) -> None:
    """All ways in which the formats refer to other files, and a size over the limit."""
    subprocess.run(
        ['qemu-img', 'create', '-q', '-f', 'qcow2', 'base', '64M'], check=True, cwd=tmp_path
    )
    size = [] if 'size=6T' in options else ['64M']
    subprocess.run(['qemu-img', 'create', '-q', *options, 'disk', *size], check=True, cwd=tmp_path)
    problem = problem_of((tmp_path / 'disk').read_bytes()[: 1 << 20])
    assert problem.startswith('it ')
    assert '; ' in problem


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (b'', 'it is empty; use a disk image'),
        (
            gzip.compress(BOOTABLE, mtime=0),
            'it is compressed with gzip; decompress it first: gzip -d',
        ),
        (lzma.compress(BOOTABLE), 'it is compressed with xz; decompress it first: xz -d'),
        (b'PK\x03\x04' + bytes(600), 'it is a zip archive; extract the disk image first: unzip'),
        (b'<!DOCTYPE html>', 'it is an HTML or XML page; use the URL of the file itself'),
        (
            DESCRIPTOR,
            'it is a VMDK descriptor, whose data is in other files; '
            'convert it together with them: qemu-img convert -O qcow2',
        ),
        (
            DESCRIPTOR + bytes(510 - len(DESCRIPTOR)) + b'\x55\xaa',
            'it is a VMDK descriptor, whose data is in other files',
        ),
        (b'KDMV' + bytes(2000), 'it refers to other files (its extents)'),
        (
            b'QFI\xfb\0\0\0\x03' + bytes(24) + b'\0\0\0\x02' + bytes(500),
            'it is encrypted; convert it first',
        ),
        (b'hello', 'it is not a disk image: it has none of the known formats'),
        (bytes(4096), 'it is not a disk image: it has none of the known formats'),
    ],
    ids=range(11),
)
def test_files_that_are_not_disks(data: bytes, problem: str) -> None:
    """The refusal says what to do."""
    assert problem_of(data).startswith(problem)


def test_a_raw_disk() -> None:
    """It has a boot sector."""
    assert identify(io.BytesIO(BOOTABLE), 'it') == ('raw', 1024)


@given(
    st.binary(max_size=3000), st.sampled_from([b'', b'QFI\xfb', b'KDMV', b'vhdxfile', b'conectix'])
)
def test_any_bytes(data: bytes, begin: bytes) -> None:
    """Any bytes are a disk, or are refused with a sentence."""
    problem = problem_of(begin + data)
    assert not problem or problem.startswith('it ')


CHECKSUMS = """# of today
AAAA{0}  disk.qcow2
bbbb{0} *./other.qcow2
SHA256 (bsd.img) = cccc{0}
SHA512 (bsd.img) = dddd{0}{0}
aaaa{0}  twice
bbbb{0}  twice
""".format('0' * 60)


@pytest.mark.parametrize(
    ('name', 'found'),
    [
        ('disk.qcow2', {'aaaa'}),
        ('other.qcow2', {'bbbb'}),
        ('bsd.img', {'cccc'}),
        ('twice', {'aaaa', 'bbbb'}),
        ('disk', set()),
        ('', set()),
    ],
)
def test_a_checksum_file(name: str, found: set[str]) -> None:
    """In the formats of sha256sum and BSD."""
    assert {digest[:4] for digest in digests(CHECKSUMS, 'sha256', name)} == found


def test_a_checksum_file_of_one_digest() -> None:
    """The digest alone, without a file name."""
    assert digests('A' * 64 + '\n', 'sha256', 'any') == {'a' * 64}
    assert digests('A' * 63 + '\n', 'sha256', 'any') == set()


DESCRIBED = b'CD001' + bytes(2042)
HYBRID = bytes(510) + b'\x55\xaa' + bytes(0x8001 - 512)


def iso_problem_of(data: bytes) -> str:
    """The problem of a file of these bytes that is to be an ISO image; empty if there is none."""
    try:
        assert identify_iso(io.BytesIO(data), 'it') == ('raw', len(data))
    except CloudError as error:
        return str(error)
    return ''


@pytest.mark.parametrize('magic', [b'CD001', b'BEA01'])
def test_iso_images(magic: bytes) -> None:
    """With ISO 9660 or UDF, with a boot sector or not."""
    for before in (bytes(0x8001), HYBRID):
        assert iso_problem_of(before + magic + bytes(2042)) == ''


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (b'', 'it is empty'),
        (bytes(4096), 'it is not an ISO image (ISO 9660 or UDF); omit disk_format for a disk'),
        (bytes(0x8002) + DESCRIBED, 'it is not an ISO image'),
        (gzip.compress(bytes(64)), 'it is compressed with gzip'),
        (b'QFI\xfb' + (3).to_bytes(4, 'big') + bytes(96), 'it is a disk (qcow2), not an ISO image'),
        (
            b'QFI\xfb' + (3).to_bytes(4, 'big') + (512).to_bytes(8, 'big') + bytes(512),
            'it refers to another file (its backing file)',
        ),
    ],
    ids=['empty', 'other', 'shifted', 'compressed', 'qcow2', 'backing'],
)
def test_no_iso_images(data: bytes, problem: str) -> None:
    """Nor is what is a disk as well, which other programs would open as that."""
    both = data.ljust(0x8001, b'\0') + DESCRIBED if data.startswith(b'QFI') else data
    assert iso_problem_of(both).startswith(problem)


def test_iso_image_as_a_disk() -> None:
    """The option is named; one that boots from a disk, too, is a disk."""
    assert problem_of(bytes(0x8001) + DESCRIBED).startswith(
        'it is an ISO image, not a disk; set disk_format: iso'
    )
    assert problem_of(HYBRID + DESCRIBED) == ''
