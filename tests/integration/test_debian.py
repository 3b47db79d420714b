# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a real distribution shows: cloud-init, udev, its CD drive, EFI and a TPM.

One guest is booted for all of it. Its first-boot content is that of the user's guide: a volume that
the first boot formats.
"""

from __future__ import annotations

import functools
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, SEEN, STATE, keep, newest_image, refused, run
from .test_ground import eventually

Guest = Callable[..., str]

TPMS = Path('/var/lib/libvirt/swtpm')
WAIT = {'wait_for': 'ssh', 'wait_timeout': 300}
LONG = {**WAIT, 'wait_timeout': 900}
UDEV = 'systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket'
READ = 'sudo mount -o ro /dev/sr0 /mnt && cat /mnt/name && cat /proc/sys/kernel/random/boot_id'
# The guest numbers its drives in any order; one of them has its first-boot content.
READ_ALL = (
    'for drive in /dev/sr*; do sudo mount -o ro $drive /mnt; cat /mnt/name; sudo umount /mnt; done '
    '2>/dev/null'
)


@pytest.fixture
def guest(debian_server: dict[str, Any], ssh: Guest, key: str) -> Iterator[Guest]:
    """Run a command in the guest, all over one connection: without KVM each takes it seconds."""
    control, place = '/run/debian-guest.ssh', f'debian@{debian_server["fixed_ip"]}'
    options = ['-oStrictHostKeyChecking=no', '-oUserKnownHostsFile=/dev/null', '-i', key]
    subprocess.run(
        ['ssh', '-f', '-N', '-M', '-S', control, *options, place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    yield functools.partial(ssh, debian_server['fixed_ip'], user='debian', control=control)
    subprocess.run(['ssh', '-q', '-S', control, '-O', 'exit', place], check=True, timeout=60)


def test_debian(debian_server: dict[str, Any], ssh: Guest) -> None:
    """Host name, key, user data and root file system are as requested."""
    output = ssh(
        debian_server['fixed_ip'],
        'hostname; findmnt -no FSTYPE /srv/photos; cloud-init status',
        user='debian',
    ).splitlines()
    assert output == ['real', 'ext4', 'status: done']


def test_description(guest: Guest) -> None:
    """Users, files and scripts of the image are as tests/prepare.yml describes them."""
    assert guest('sudo -u deploy sudo -n id -un').strip() == 'root'
    files = '/srv/web/index.html /srv/web/copied'
    seen = guest(f"sudo stat -c '%U %G %a' {files}; sudo cat {files}").splitlines()
    assert seen == ['deploy web 640'] * 2 + ['described'] * 2
    keys = '/home/deploy/.ssh/authorized_keys'
    seen = guest(f"sudo stat -c '%U %a' {keys}; sudo cat {keys}; id -Gn deploy").splitlines()
    assert seen == ['deploy 600', 'ssh-ed25519 AAAA deploy', 'deploy web']
    assert '.image-builder-script' not in guest('sudo ls -A /root')


# On SATA: test_sata.
@pytest.mark.parametrize('bus', ['scsi', 'virtio'])
def test_disks_by_their_paths(
    bus: str, soak: bool, debian_server: dict[str, Any], ssh: Guest
) -> None:
    """On each bus udev has the paths that are shown, and a mounted volume is not detached."""
    if bus != 'scsi':
        if not soak:
            pytest.skip('it takes a boot: make soak runs it')
        keep('server', name='real', state='stopped')
        keep('server', name='real', hardware={'disk_bus': bus})
    device = keep('volume', name='plain', size=1, server='real', state='attached')['volume'][
        'device'
    ]
    run('server', name='real', state='started', **WAIT)
    (root,) = run('volume_info', name='real/root')['volumes']
    paths = (SEEN.format(root['device']), SEEN.format(device))
    mount = f'sudo mkfs.ext4 -q {device} && sudo mount {device} /mnt'
    ssh(debian_server['fixed_ip'], '; '.join((*paths, mount)), user='debian')
    assert 'is mounted in real' in refused('volume', name='plain', state='detached')
    ssh(debian_server['fixed_ip'], 'sudo umount /mnt', user='debian')
    keep('volume', name='plain', state='detached')
    keep('volume', name='plain', state='absent')


@pytest.mark.parametrize('os_type', ['windows', 'other'])
def test_sata(os_type: str, soak: bool, key: str, open_group: str, ssh: Guest) -> None:
    """A distribution boots from SATA, with a volume there, and with the NIC of its type."""
    if not soak:
        pytest.skip('it takes another image and a boot: make soak has both')
    keep('image', name='sata', path=newest_image('sata/debian'))
    wanted = {'name': 'sata', 'image': 'sata', 'flavor': 'g1.micro', 'key_name': 'test'}
    wanted |= {'security_groups': [open_group], 'hardware': {'os_type': os_type}}
    keep('server', **wanted, state='stopped')
    volume = keep('volume', name='data', size=1, server='sata', state='attached')['volume']
    assert '/ata-' in volume['device']
    server = run('server', **wanted, **LONG, state='started')['server']
    (root,) = run('volume_info', name='sata/root')['volumes']
    in_guest = functools.partial(ssh, server['fixed_ip'], user='debian')
    in_guest('; '.join(SEEN.format(disk['device']) for disk in (root, volume)))
    mounted = f'readlink -e {root["device"]}; lsblk -npo PKNAME "$(findmnt -no SOURCE /)"'
    assert len(set(in_guest(mounted).split())) == 1
    in_guest(f'sudo mkfs.ext4 -q {volume["device"]} && sudo mount {volume["device"]} /mnt')
    in_guest('echo kept | sudo tee /mnt/file; sync')
    grown = run('server', **wanted, volume_size=server['volume_size'] + 1, grow=True)
    assert grown['changed'], grown
    keep('server', **wanted, state='stopped')
    run('server', **wanted, **LONG, state='started')
    assert in_guest(f'sudo mount {volume["device"]} /mnt && cat /mnt/file') == 'kept'
    keep('server', name='sata', state='absent')
    keep('volume', name='data', state='absent')
    keep('image', name='sata', state='absent')


# Twice a second: without a pause it would take the only CPU of the guest from what is tested.
WRITES = (
    "sudo systemd-run --quiet --unit=writer sh -c 'n=0; while true; do echo $n >> /srv/counted; "
    "sync; n=$((n + 1)); sleep 0.5; done'"
)


def test_grow(debian_server: dict[str, Any], guest: Guest) -> None:
    """Partition and file system of the root disk fill it, while the guest writes on."""
    name = guest('lsblk -no PKNAME $(findmnt -no SOURCE /)').strip()
    before = int(guest('findmnt -bno SIZE /'))
    assert not run('server', name='real', grow=True)['changed']  # cloud-init did it
    guest(f'sudo dd if=/dev/urandom of=/srv/random bs=1M count=4; {WRITES}')
    checksum = guest('sha256sum /srv/random')
    size = debian_server['volume_size']
    keep('server', name='real', volume_size=size + 1, grow=True)
    assert int(guest('findmnt -bno SIZE /')) > before + 2**29
    keep('volume', name='real/root', size=size + 2)
    grown = keep('server', name='real', grow=True)
    assert grown['diff']['after'] == 'volume real/root:  # update\n  filled: true\n'
    disk, *parts = map(int, guest(f'lsblk -bno SIZE /dev/{name}').split())
    assert disk == (size + 2) * 2**30
    assert disk - max(parts) < 2**25
    assert int(guest('findmnt -bno SIZE /')) > before + 3 * 2**29
    guest('sudo systemctl stop writer')
    counted = guest('cat /srv/counted').split()
    assert counted == [str(number) for number in range(len(counted))]
    assert guest('sha256sum /srv/random') == checksum
    guest('sudo rm /srv/random /srv/counted')


@pytest.fixture(scope='module')
def programs(debian_server: dict[str, Any], key: str, soak: bool) -> None:
    """Programs for xfs and btrfs in the guest, which has no way to a mirror.

    They are unpacked, not installed: that would build another initrd.
    """
    if not soak:
        pytest.skip('each takes a minute: make soak runs them')
    packed = subprocess.run(
        ['tar', '-c', '-C', '/var/cache/hanok/growth', '.'], capture_output=True, check=True
    ).stdout
    install = (
        'mkdir /tmp/debs && tar -x -C /tmp/debs && for file in /tmp/debs/*.deb; do '
        'dpkg-deb --fsys-tarfile $file | sudo tar -x -C / --keep-directory-symlink; done'
    )
    options = ['-oStrictHostKeyChecking=no', '-oUserKnownHostsFile=/dev/null']
    subprocess.run(
        ['ssh', *options, '-i', key, f'debian@{debian_server["fixed_ip"]}', install],
        input=packed,
        capture_output=True,
        check=True,
        timeout=300,
    )


@pytest.mark.usefixtures('programs')
@pytest.mark.parametrize(('kind', 'table'), [('xfs', 'dos'), ('btrfs', 'gpt')])
def test_grow_others(kind: str, table: str, guest: Guest) -> None:
    """So do other file systems, on partitions in either table."""
    device = keep('volume', name='grown', size=1, server='real', state='attached')['volume'][
        'device'
    ]
    guest(SEEN.format(device))
    guest(
        f"printf 'label: {table}\\n,\\n' | sudo sfdisk -q --wipe always {device}; "
        f'udevadm wait --timeout=30 {device}-part1; sudo mkfs.{kind} -q {device}-part1'
    )
    refusal = refused('volume', name='grown', size=2, grow=True)
    assert 'is not mounted in the guest; mount it there first' in refusal
    guest(f'sudo mount {device}-part1 /mnt; sudo dd if=/dev/urandom of=/mnt/r bs=1M count=4')
    checksum = guest('sha256sum /mnt/r')
    assert not run('volume', name='grown', grow=True)['changed']
    before = int(guest('findmnt -bno SIZE /mnt'))
    keep('volume', name='grown', size=2, grow=True)
    assert int(guest('findmnt -bno SIZE /mnt')) > before + 9 * 2**30 // 10
    guest(f'sudo umount /mnt; sudo mount {device}-part1 /mnt')
    assert guest('sha256sum /mnt/r') == checksum
    guest('sudo umount /mnt')
    keep('volume', name='grown', state='detached')
    keep('volume', name='grown', state='absent')


def test_read(guest: Guest) -> None:
    """The guest reads the disc, and others after that while it runs, mounted or not.

    The udev of Debian unlocks the drive when it is asked to; without that it is locked by a mount.
    """
    name, boot = guest(READ).split()
    assert name == 'one'
    guest(f'sudo umount /mnt; sudo systemctl stop {UDEV}; {READ}')
    keep('server', name='real', hardware={'cdroms': ['two']})
    assert guest(f'sudo umount /mnt; {READ}').split() == ['two', boot]
    guest(f'sudo umount /mnt; sudo systemctl start {UDEV}')
    keep('server', name='real', hardware={'cdroms': ['one']})
    assert guest(READ).split() == ['one', boot]
    guest('sudo umount /mnt')


def test_drives(debian_server: dict[str, Any], ssh: Guest, soak: bool) -> None:
    """Drives are added and removed with a restart."""
    if not soak:
        pytest.skip('it takes two boots of Debian: make soak runs it')
    both = {'cdroms': ['two', 'one']}
    assert "cdroms from ['one'] to ['two', 'one']" in refused('server', name='real', hardware=both)
    keep('server', name='real', hardware=both, allow_restart=True, **WAIT)
    address = debian_server['fixed_ip']
    assert sorted(ssh(address, READ_ALL, 'debian').split()) == ['one', 'two']
    keep('server', name='real', hardware={'cdroms': []}, allow_restart=True, **WAIT)
    assert ssh(address, 'ls /dev/sr*', 'debian').split() == ['/dev/sr0']


VLANS = """
modprobe -a bridge tun
ip link add br0 up type bridge vlan_filtering 1
ip tuntap add hkt7 mode tap
ip link set hkt7 master br0
hook() { echo "<x><alias name='ua-hkt7-v20'/></x>" | sh /tmp/hook x "$1" begin -; }
hook prepare; bridge vlan show dev hkt7 | tail -n 1
hook start; echo $?; bridge vlan show dev hkt7 | tail -n +2
ip link set br0 type bridge vlan_filtering 0
hook start 2>&1; echo $?
ip link delete br0; ip link delete hkt7
"""


def test_vlans(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The hook of libvirt puts a tap in its VLAN, and in no other, or fails.

    Here, because the kernels of some hosts of tests have no VLANs on bridges.
    """
    hook = shlex.quote(Path(ROOT, 'roles/host/files/qemu-hook').read_text('utf-8'))
    script = f'printf %s {hook} >/tmp/hook; sudo sh -c {shlex.quote(VLANS)}'
    words = ' '.join(ssh(debian_server['fixed_ip'], script, 'debian').split())
    assert words == (
        'hkt7 1 PVID Egress Untagged 0 hkt7 20 PVID Egress Untagged the bridge of hkt7 does not '
        'separate VLANs (vlan_filtering), and hkt7 has to be in VLAN 20 1'
    )


def folder(server: dict[str, Any]) -> Path:
    """The folder of the files of a server."""
    return Path(STATE, 'servers', server['id'])


def test_efi(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The guest was booted by EFI, and sees the TPM."""
    paths = ['/sys/firmware/acpi/tables/TPM2', '/sys/firmware/efi']
    assert ssh(debian_server['fixed_ip'], f'ls -d {" ".join(paths)}', 'debian').split() == paths
    assert (folder(debian_server) / 'nvram.fd').exists()
    assert (TPMS / debian_server['id']).is_dir()


def test_rescue(debian: str, debian_server: dict[str, Any], ssh: Guest, soak: bool) -> None:
    """A server with EFI that finds its root disk no more is mended from a rescue image."""
    if not soak:
        pytest.skip('it takes two boots of Debian: make soak runs it')
    address = debian_server['fixed_ip']
    ssh(address, 'touch mine; sudo e2label $(findmnt -no SOURCE /) lost; sync', 'debian')
    keep('image', name='rescue', path=debian)
    for action, more in (('rescue', {'image': 'rescue', 'force': True}), ('unrescue', {})):
        done = run('server_action', name='real', action=action, **more, **LONG)
        assert done['changed'], done
        found = ssh(address, 'ls -d mine /sys/firmware/efi 2>/dev/null || true', 'debian').split()
        if action == 'rescue':
            assert found == ['/sys/firmware/efi']
            ssh(address, 'sudo e2label /dev/disk/by-label/lost root; sync', 'debian')
    assert found == ['/sys/firmware/efi', 'mine']
    keep('image', name='rescue', state='absent')


def test_memory(debian_server: dict[str, Any], ssh: Guest) -> None:
    """The guest continues where it was when the snapshot was made, with EFI and the TPM."""
    address = debian_server['fixed_ip']
    command = 'cat /proc/sys/kernel/random/boot_id; ls /tmp/after'
    before = ssh(address, f'{command} 2>&1 || true', 'debian')
    keep('server_snapshot', server='real', name='running', memory=True)
    ssh(address, 'touch /tmp/after', 'debian')
    restored = run('server_snapshot', server='real', name='running', state='restored')
    assert restored['changed'], restored
    assert ssh(address, f'{command} 2>&1 || true', 'debian') == before
    (shown,) = run('server_info', name='real')['servers']
    assert (shown['status'], shown['status_reason']) == ('ACTIVE', None)


def signed_boot_disc(folder: Path) -> Path:
    """An ISO image with what Debian has signed, or has had signed, and with what GRUB reads."""
    for package in Path('/var/cache/hanok/signed').glob('*.deb'):
        subprocess.run(['dpkg-deb', '--extract', package, folder], check=True)
    kept = {
        'shim': folder / 'usr/lib/shim/shimx64.efi.signed',
        'grub': folder / 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed',
        'config': folder / 'grub.cfg',
    }
    kept['config'].write_text('search --set=root --label root\nconfigfile /boot/grub/grub.cfg\n')
    files = [f'{name}={path}' for name, path in kept.items()]
    disc = folder / 'signed.iso'
    words = ['genisoimage', '-quiet', '-r', '-V', 'signed', '-graft-points', '-o', disc]
    subprocess.run([*words, *files], check=True)
    return disc


INSTALL = """
set -e
mkdir /disc /esp
mount -o ro /dev/disk/by-label/signed /disc
mount $(findmnt -no SOURCE / | sed 's/1$/15/') /esp
mv /esp/EFI/BOOT/BOOTX64.EFI /esp/EFI/BOOT/UNSIGNED.EFI
cp /disc/shim /esp/EFI/BOOT/BOOTX64.EFI
cp /disc/grub /esp/EFI/BOOT/grubx64.efi
mkdir -p /esp/EFI/debian
cp /disc/config /esp/EFI/debian/grub.cfg
umount /esp /disc
"""
VARIABLE = '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c'
IS_SECURE = f"""
mountpoint -q {Path(VARIABLE).parent} || mount -t efivarfs none {Path(VARIABLE).parent}
od -An -tu1 -j4 {VARIABLE}
dmesg | grep -o 'Secure boot enabled'
ls -d /sys/firmware/acpi/tables/TPM2
"""
UNINSTALL = """
mount $(findmnt -no SOURCE / | sed 's/1$/15/') /esp
mv /esp/EFI/BOOT/UNSIGNED.EFI /esp/EFI/BOOT/BOOTX64.EFI
umount /esp
sync
"""


def test_signed_boot(debian_server: dict[str, Any], ssh: Guest, soak: bool, tmp_path: Path) -> None:
    """With the signed shim, GRUB and kernel of Debian the guest boots securely, beside its TPM."""
    if not soak:
        pytest.skip('it takes a boot of Debian: make soak runs it')
    address = debian_server['fixed_ip']

    def as_root(script: str) -> str:
        return ssh(address, f'sudo sh -c {shlex.quote(script)}', 'debian')

    keep('image', name='signed', path=str(signed_boot_disc(tmp_path)), disk_format='iso')
    keep('server', name='real', hardware={'cdroms': ['signed']})
    eventually(lambda: 'signed' in ssh(address, 'ls /dev/disk/by-label', 'debian').split())
    as_root(INSTALL)
    secure = {'secure_boot': True, 'cdroms': ['one']}
    keep('server', name='real', hardware=secure, allow_restart=True, **LONG)
    found = as_root(IS_SECURE).split('\n')
    assert [line.strip() for line in found] == [
        '1',
        'Secure boot enabled',
        '/sys/firmware/acpi/tables/TPM2',
    ]
    as_root(UNINSTALL)
    keep('server', name='real', state='stopped', force=True)
    keep('server', name='real', hardware={'secure_boot': False})
    keep('image', name='signed', state='absent')


def test_renamed(debian_server: dict[str, Any]) -> None:
    """What EFI keeps stays with the server that is renamed; disks alone are in a snapshot."""
    keep('server', name='real', state='stopped', force=True)
    before = (folder(debian_server) / 'nvram.fd').read_bytes()
    for name, new in (('real', 'unreal'), ('unreal', 'real')):
        renamed = run('server_action', name=name, action='rename', new_name=new)
        assert renamed['changed'], renamed
    keep('server_snapshot', server='real', name='disks')
    keep('server', name='real', state='started')
    keep('server', name='real', state='stopped', force=True)
    assert (folder(debian_server) / 'nvram.fd').read_bytes()[:64] == before[:64]


def test_secure_boot(debian_server: dict[str, Any]) -> None:
    """What is not signed does not boot."""
    secure = {'firmware': 'efi', 'secure_boot': True}
    keep('server', name='real', hardware=secure)
    keep('server', name='real', state='started')
    console = folder(debian_server) / 'console.log'
    eventually(lambda: b'Access Denied' in console.read_bytes(), 120)
    assert (folder(debian_server) / 'nvram-secure.fd').exists()


def test_nothing_stays(debian_server: dict[str, Any]) -> None:
    """A rebuilt server has a new TPM; one that loses its TPM loses what that keeps."""
    keep('server', name='real', state='stopped', force=True)
    for name in ('running', 'disks'):
        keep('server_snapshot', server='real', name=name, state='absent')
    marker = TPMS / debian_server['id'] / 'marker'
    marker.touch()
    rebuilt = run('server_action', name='real', action='rebuild')
    assert rebuilt['changed'], rebuilt
    assert not marker.exists()
    keep('server', name='real', state='started')
    keep('server', name='real', state='stopped', force=True)
    assert (TPMS / debian_server['id']).is_dir()
    keep('server', name='real', hardware={'tpm': False, 'secure_boot': False})
    assert not (TPMS / debian_server['id']).exists()
    keep('server', name='real', hardware={'tpm': True}, state='started')
    keep('server', name='real', state='absent')
    assert not (TPMS / debian_server['id']).exists()
    assert not folder(debian_server).exists()
    assert not [*Path('/var/log/swtpm/libvirt/qemu').glob('hanok-*')]
