#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# debian-image.sh OUTPUT SIZE_MIB SUITE
#
# Builds OUTPUT, a Debian cloud image in qcow2 format that boots with BIOS and with UEFI, with
# cloud-init (NoCloud), sshd and the guest agent. mmdebstrap creates a directory, mke2fs creates a
# file system from it: no loop device is used. If the name of OUTPUT ends with .tar, it is the
# archive of the root file system, for containers: without a kernel, a boot loader and the agent.
#
# Environment
#   IMAGE_MIRROR, IMAGE_SECURITY_MIRROR, IMAGE_KEYRING
#     The sources of packages, and the keys that sign them; empty values are taken from the apt
#     sources of the host, if it has sources for Debian.
#   IMAGE_EXTRA_PACKAGES
#     Additional packages, separated by blanks. A kernel among them (linux-image-...) replaces that
#     for clouds, which has no driver for SATA.
#   IMAGE_DESCRIPTION, IMAGE_DESCRIBE
#     Users, files and scripts of the image as JSON, and the program that applies them
#     (description.py).
#   IMAGE_FAST=1
#     (bookworm) cloud-init in two stages instead of four, and fewer services: the first boot takes
#     about half the time under emulation.
set -euo pipefail

USAGE='usage: debian-image.sh OUTPUT SIZE_MIB SUITE'
OUTPUT=$(realpath -m "${1:?$USAGE}")
SIZE_MIB=${2:?$USAGE}
SUITE=${3:?$USAGE}
GRUB=/usr/lib/grub
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8

PACKAGES="systemd-sysv udev dbus openssh-server cloud-init netbase iproute2 iputils-ping ca-certificates sudo less procps \
${IMAGE_EXTRA_PACKAGES:-}"
# Those that need, or are, a kernel and disks.
MACHINE_PACKAGES='cloud-guest-utils fdisk e2fsprogs qemu-guest-agent busybox-static cpio xz-utils kmod'
case " ${IMAGE_EXTRA_PACKAGES:-}" in
  *' linux-image-'*) ;;
  *) MACHINE_PACKAGES+=' linux-image-cloud-amd64' ;;
esac

# The layout of the disk, in sectors of 512 bytes.
BIOS_START=2048
EFI_START=4096
EFI_MIB=8
ROOT_START=20480
COMMAND_LINE='root=LABEL=root ro console=tty0 console=ttyS0,115200 quiet systemd.show_status=false net.ifnames=0 mitigations=off'

main() {
  [ "$(dpkg --print-architecture)" = amd64 ] || fail "built for amd64 hosts only, this is $(dpkg --print-architecture)"
  if [ -z "${IMAGE_MOUNTS:-}" ]; then # mmdebstrap mounts /proc and /dev in its folder: in mounts of our own, they cannot be left behind
    IMAGE_MOUNTS=private exec unshare --mount --propagation private bash "${BASH_SOURCE[0]}" "$@"
  fi
  lock_folder
  find_sources
  case $OUTPUT in
    *.tar) make_archive ;;
    *) make_image ;;
  esac
  mv "$WORK/image" "$OUTPUT" # whole, or not at all
}

make_archive() {
  mkdir "$WORK/early"
  # shellcheck disable=SC2086 # a list of words
  install_packages $PACKAGES
  configure
  mask sys-kernel-{config,debug,tracing}.mount # of the kernel of the host
  describe
  tar --create --file "$WORK/image" --numeric-owner --sort=name --exclude='./dev/*' --directory "$TREE" .
}

make_image() {
  write_early_files
  # shellcheck disable=SC2086 # a list of words
  install_packages $PACKAGES $MACHINE_PACKAGES
  configure
  configure_machine
  if [ "${IMAGE_FAST:-}" = 1 ] && [ "$SUITE" = bookworm ]; then
    make_first_boot_fast
  fi
  describe
  make_initrds
  make_disk
  qemu-img convert -O qcow2 -c -o compression_type=zstd "$WORK/disk.raw" "$WORK/image"
}

# With mounts and processes of its own, which are not left behind in the tree and on the host.
describe() {
  [ -z "${IMAGE_DESCRIPTION:-}" ] || unshare --mount --pid --fork --kill-child python3 -c "$IMAGE_DESCRIBE" "$TREE"
}

fail() {
  echo "debian-image.sh: $*" >&2
  exit 1
}

# One build at a time in a directory; the next build removes files of an interrupted one.
lock_folder() {
  mkdir -p "${OUTPUT%/*}"
  exec 9>"${OUTPUT%/*}/.build.lock"
  flock 9
  rm -rf --one-file-system "${OUTPUT%/*}"/.build-*
  [ ! -e "$OUTPUT" ] || exit 0 # made while this one waited
  WORK=$(mktemp -d -p "${OUTPUT%/*}" .build-XXXXXX)
  trap 'rm -rf --one-file-system "$WORK"' EXIT
  chmod 755 "$WORK" # apt drops its rights when it downloads
}

# ---- packages ------------------------------------------------------------------------------------

# The sources as apt parses them, in any format. Prints: URL of the repository, tab, the file that
# contains it.
# shellcheck disable=SC2016 # $(REPO_URI) is for apt-get
host_sources() { # PATTERN of the address
  apt-get indextargets --format '$(REPO_URI)	$(SOURCESENTRY)' 'Created-By: Packages' | grep -E "$1" | head -n 1 | sed 's/:[0-9]*$//'
}

find_sources() {
  local mirror security file
  IFS=$'\t' read -r mirror file < <(host_sources '/debian/?	') || true
  IFS=$'\t' read -r security _ < <(host_sources '/debian-security/?	') || true
  MIRROR=${IMAGE_MIRROR:-${mirror:-http://deb.debian.org/debian}}
  SECURITY_MIRROR=${IMAGE_SECURITY_MIRROR:-${security:-http://deb.debian.org/debian-security}}
  KEYRING=${IMAGE_KEYRING:-}
  if [ -z "$KEYRING" ] && [ -n "${file:-}" ]; then
    KEYRING=$(sed -n 's/^Signed-By: *\(\/[^ ]*\).*/\1/p; s/^deb .*signed-by=\([^] ]*\).*/\1/p' "$file" | head -n 1)
  fi
  KEYRING=${KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
  [ -e "$KEYRING" ] || fail "no keyring $KEYRING: name the one that signs $MIRROR in image_builder_keyring"
}

# Files that must exist before the kernel is installed.
write_early_files() {
  local early=$WORK/early
  mkdir -p "$early"/etc/kernel/postinst.d "$early"/usr/local/sbin
  printf 'do_symlinks=yes\nlink_in_boot=no\n' >"$early/etc/kernel-img.conf" # /vmlinuz and /initrd.img, which GRUB boots
  cat >"$early/etc/kernel/postinst.d/zz-small-initrd" <<'GUEST'
#!/bin/sh
exec /usr/local/sbin/make-small-initrd "$1"
GUEST
  cat >"$early/usr/local/sbin/make-small-initrd" <<'GUEST'
#!/bin/sh
# make-small-initrd KERNEL_VERSION: creates /boot/initrd.img-VERSION with busybox and the modules
# that a virtual disk and the seed require. Called again by every kernel upgrade.
set -e
VERSION=$1
MODULES='virtio_pci virtio_blk scsi_mod virtio_scsi ahci sd_mod sr_mod isofs crc32c_generic ext4'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/dev" "$work/proc" "$work/sys" "$work/root" "$work/modules"
cp /bin/busybox "$work/bin/"
for module in $MODULES; do # with those that it needs, in their order; a kernel for clouds has no ahci
  modprobe --set-version "$VERSION" --show-depends "$module" 2>/dev/null || true
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r file; do
  module=${file##*/}
  module=${module%%.ko*}
  [ ! -e "$work/modules/$module.ko" ] || continue
  case $file in
    *.xz) xz -dc "$file" >"$work/modules/$module.ko" ;;
    *) cp "$file" "$work/modules/$module.ko" ;;
  esac
  echo "$module" >>"$work/modules/order"
done
cat >"$work/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in $(cat /modules/order); do
  parameters=
  [ $module != scsi_mod ] || parameters=scan=sync # disks and the seed are there when the driver is
  insmod /modules/$module.ko $parameters
done 2>/dev/null
root=LABEL=root
for word in $(cat /proc/cmdline); do
  case $word in root=*) root=${word#root=} ;; esac
done
find_root() {
  case $root in
    *=*) device=$(findfs "$root" 2>/dev/null) ;;
    *) device=$root ;;
  esac
  [ -b "$device" ]
}
tries=0
until find_root || [ $tries -ge 250 ]; do
  usleep 20000
  tries=$((tries + 1))
done
mount -t ext4 -o ro "$device" /root || exec sh
for folder in dev proc sys; do
  mount --move /$folder /root/$folder
done
exec switch_root /root /sbin/init
INIT
chmod 755 "$work/init"
(cd "$work" && find . | cpio --quiet -o -H newc -R 0:0) >"/boot/initrd.img-$VERSION"
GUEST
  chmod 755 "$early/etc/kernel/postinst.d/zz-small-initrd" "$early/usr/local/sbin/make-small-initrd"
}

install_packages() { # PACKAGE...
  local packages
  packages=$(printf '%s,' "$@")
  TREE=$WORK/tree
  mmdebstrap --quiet --variant=minbase --mode=root --include="${packages%,}" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook="cp -r '$WORK/early/.' \"\$1/\"" \
    "$SUITE" "$TREE" \
    "deb [signed-by=$KEYRING] $MIRROR $SUITE main" \
    "deb [signed-by=$KEYRING] $MIRROR $SUITE-updates main" \
    "deb [signed-by=$KEYRING] $SECURITY_MIRROR $SUITE-security main"
}

# ---- settings of the guest -----------------------------------------------------------------------

put() { # FILE: from standard input
  mkdir -p "$TREE$(dirname "$1")"
  cat >"$TREE$1"
}

mask() {
  local unit
  for unit in "$@"; do
    ln -sf /dev/null "$TREE/etc/systemd/system/$unit"
  done
}

want() { # TARGET UNIT
  mkdir -p "$TREE/etc/systemd/system/$1.wants"
  ln -sf "$2" "$TREE/etc/systemd/system/$1.wants/$(basename "${3:-$2}")"
}

configure() {
  echo debian | put /etc/hostname
  : | put /etc/machine-id
  rm -f "$TREE"/var/lib/dbus/machine-id "$TREE"/etc/ssh/ssh_host_*
  echo LANG=C.UTF-8 | put /etc/default/locale
  configure_cloud_init
  mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer fstrim.timer \
    systemd-pstore.service cloud-init-hotplugd.socket
  printf '[Journal]\nStorage=volatile\n' | put /etc/systemd/journald.conf.d/volatile.conf
  printf 'GSSAPIAuthentication no\nUseDNS no\n' | put /etc/ssh/sshd_config.d/10-hanok.conf
  rm -rf "$TREE"/var/lib/apt/lists/* "$TREE"/var/cache/apt/*.bin "$TREE"/var/log/*.log "$TREE"/var/log/apt
}

# Disks, networks, consoles and the boot loader: what a container has from its host.
configure_machine() {
  echo 'LABEL=root / ext4 defaults,noatime,noinit_itable,errors=remount-ro 0 1' | put /etc/fstab # without it the root stays read-only
  want multi-user.target /lib/systemd/system/systemd-networkd.service
  want getty.target /lib/systemd/system/serial-getty@.service serial-getty@ttyS0.service
  put /etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf <<'GUEST'
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=30
GUEST
  # The guest has no GRUB package: the boot loader below reads this file, which does not change when
  # the kernel is upgraded.
  put /boot/grub/grub.cfg <<GUEST
linux /vmlinuz $COMMAND_LINE
initrd /initrd.img
boot
GUEST
}

# One data source, one network renderer, the modules that a server needs, one host key (an RSA key
# takes seconds under emulation).
configure_cloud_init() {
  put /etc/cloud/cloud.cfg.d/90_hanok.cfg <<'GUEST'
datasource_list: [NoCloud, None]
system_info: {network: {renderers: [networkd]}}
locale: false
ssh_genkeytypes: [ed25519]
ssh_deletekeys: true
no_ssh_fingerprints: true
ssh: {emit_keys_to_console: false}
manage_etc_hosts: true
preserve_hostname: false
apt_preserve_sources_list: true
GUEST
  put /etc/cloud/cloud.cfg.d/91_modules.cfg <<'GUEST'
cloud_init_modules: [migrator, seed_random, bootcmd, write-files, growpart, resizefs, disk_setup, mounts, set_hostname, update_hostname, update_etc_hosts, ca-certs, users-groups, ssh]
cloud_config_modules: [set-passwords, ntp, timezone, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-vendor, scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user, phone-home, final-message]
GUEST
  printf 'policy: enabled\ndatasource: NoCloud\n' | put /etc/cloud/ds-identify.cfg # the answer is known: no guessing at boot
}

# One start of cloud-init before ssh instead of three; systemd grows the root in the background; ssh
# waits for nothing else.
make_first_boot_fast() {
  mask cloud-init.service cloud-config.service
  put /etc/systemd/system/cloud-init-local.service <<'GUEST'
[Unit]
Description=cloud-init, all that comes before ssh (NoCloud, dsmode: local)
DefaultDependencies=no
Wants=network-pre.target
After=systemd-remount-fs.service systemd-tmpfiles-setup.service
Before=network-pre.target ssh.service shutdown.target systemd-user-sessions.service
Conflicts=shutdown.target
RequiresMountsFor=/var/lib/cloud

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init init --local
RemainAfterExit=yes
TimeoutSec=0
StandardOutput=journal+console

[Install]
WantedBy=cloud-init.target
GUEST
  put /etc/systemd/system/cloud-final.service <<'GUEST'
[Unit]
Description=cloud-init, user scripts
After=network-online.target ssh.service cloud-init-local.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init modules --mode=final
RemainAfterExit=yes
TimeoutSec=0
KillMode=process
TasksMax=infinity
StandardOutput=journal+console

[Install]
WantedBy=cloud-init.target
GUEST
  put /etc/cloud/cloud.cfg.d/91_modules.cfg <<'GUEST'
cloud_init_modules: [bootcmd, write-files, disk_setup, mounts, set_hostname, update_hostname, update_etc_hosts, users-groups, ssh, set-passwords, timezone, runcmd]
cloud_config_modules: []
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-vendor, scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user, phone-home, final-message]
GUEST
  printf '[Partition]\nType=root\n' | put /etc/repart.d/50-root.conf
  put /etc/systemd/system/hanok-grow.service <<'GUEST'
[Unit]
Description=Grow the root partition and file system to the disk
After=ssh.service

[Service]
Type=oneshot
ExecStart=-/usr/bin/systemd-repart --dry-run=no
ExecStart=/lib/systemd/systemd-growfs /
GUEST
  want multi-user.target ../hanok-grow.service
  mask systemd-binfmt.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    modprobe@drm.service modprobe@fuse.service modprobe@configfs.service modprobe@loop.service modprobe@dm_mod.service \
    modprobe@efi_pstore.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
    proc-sys-fs-binfmt_misc.automount kmod-static-nodes.service getty@.service systemd-repart.service \
    systemd-journal-flush.service ldconfig.service systemd-sysusers.service systemd-firstboot.service
  printf '[Service]\nExecStartPre=\n' | put /etc/systemd/system/ssh.service.d/fast.conf
  echo 'PrintLastLog no' >>"$TREE/etc/ssh/sshd_config.d/10-hanok.conf"
  sed -i '/pam_motd\|pam_mail/d' "$TREE/etc/pam.d/sshd"
}

make_initrds() {
  local folder
  for folder in "$TREE"/usr/lib/modules/*; do
    chroot "$TREE" /usr/local/sbin/make-small-initrd "${folder##*/}"
  done
  [ -e "$TREE/vmlinuz" ] && [ -e "$TREE/initrd.img" ] || fail 'the kernel package left no /vmlinuz and /initrd.img'
}

# ---- disk: GPT; 14 BIOS boot, 15 EFI, 1 root (last on the disk, so that it can grow) -------------

make_disk() {
  local disk=$WORK/disk.raw
  truncate -s "${SIZE_MIB}M" "$disk"
  sfdisk -q "$disk" <<TABLE
label: gpt
14: start=$BIOS_START, size=2048, type=21686148-6449-6E6F-744E-656564454649
15: start=$EFI_START, size=$((EFI_MIB * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
1: start=$ROOT_START, size=$((SIZE_MIB * 2048 - ROOT_START - 2048)), type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
TABLE
  # resize (in blocks: 5 TiB): the root can grow online to any size of a volume
  mke2fs -q -t ext4 -L root -b 4096 -m 1 -O ^metadata_csum,uninit_bg \
    -E "offset=$((ROOT_START * 512)),root_owner=0:0,resize=1342177280" -d "$TREE" "$disk" $((SIZE_MIB - 11))M
  # shellcheck disable=SC2016 # for GRUB
  printf 'search --no-floppy --set=root --label root\nset prefix=($root)/boot/grub\nconfigfile /boot/grub/grub.cfg\n' >"$WORK/early.cfg"
  write_bios_loader "$disk"
  write_efi_loader "$disk"
}

# Prints a number as eight bytes, little-endian.
bytes() {
  local shift
  for shift in 0 8 16 24 32 40 48 56; do
    printf '%b' "$(printf '\\x%02x' $(($1 >> shift & 255)))"
  done
}

# Like grub-install: writes the start of core.img into boot.img (0x5c), and the start of the rest of
# core.img into its first sector (0x1f4).
write_bios_loader() {
  grub-mkimage -O i386-pc -d "$GRUB/i386-pc" -p /boot/grub -c "$WORK/early.cfg" -o "$WORK/core.img" \
    biosdisk part_gpt ext2 search search_label linux configfile normal boot minicmd
  cp "$GRUB/i386-pc/boot.img" "$WORK/boot.img"
  bytes "$BIOS_START" | dd of="$WORK/boot.img" bs=1 seek=$((0x5c)) conv=notrunc status=none
  bytes "$((BIOS_START + 1))" | dd of="$WORK/core.img" bs=1 seek=$((0x1f4)) conv=notrunc status=none
  dd if="$WORK/boot.img" of="$1" bs=440 count=1 conv=notrunc status=none
  dd if="$WORK/core.img" of="$1" bs=512 seek="$BIOS_START" conv=notrunc status=none
}

write_efi_loader() {
  grub-mkimage -O x86_64-efi -d "$GRUB/x86_64-efi" -p /boot/grub -c "$WORK/early.cfg" -o "$WORK/BOOTX64.EFI" \
    part_gpt ext2 fat search search_label linux configfile normal boot minicmd
  truncate -s "${EFI_MIB}M" "$WORK/efi"
  mformat -i "$WORK/efi" -v ESP ::
  mmd -i "$WORK/efi" ::/EFI ::/EFI/BOOT
  mcopy -i "$WORK/efi" "$WORK/BOOTX64.EFI" ::/EFI/BOOT/
  dd if="$WORK/efi" of="$1" bs=512 seek="$EFI_START" conv=notrunc status=none
}

main "$@"
