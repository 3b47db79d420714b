#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# tiny-image.sh OUTPUT SIZE_MIB
#
# Builds OUTPUT, a small bootable qcow2 image (BIOS), from the packages of the host's distribution:
# a stock kernel, busybox, dropbear (ssh), qemu-guest-agent and e2fsprogs, which are unpacked and
# not installed. It uses no loop device, no mount and no chroot. If the name of OUTPUT ends with
# .tar, it is the archive of the root file system, for containers.
#
# The guest
#   - reads a NoCloud seed (label cidata; a virtio disk, or a CD-ROM on virtio-scsi; in a container
#     the folder /var/lib/cloud/seed/nocloud): instance-id,
#     local-hostname, public-keys, and as user-data a script ("#!", run once per instance-id) or
#     "#cloud-config" with hostname, password and ssh_authorized_keys (any other key is reported as
#     an error);
#   - gets a new identity (host name, host keys) for every new instance-id;
#   - reports like cloud-init: /run/cloud-init/result.json, "cloud-init status --wait", a last line
#     on the console;
#   - grows its root file system, supports the ACPI power button and the guest agent, and names
#     disks in /dev/disk/by-id;
#   - has /var/www/index.html (its host name) and the applet httpd, which is started at boot if
#     /var/www/.serve exists.
set -euo pipefail

OUTPUT=$(realpath -m "${1:?usage: tiny-image.sh OUTPUT SIZE_MIB}")
SIZE_MIB=${2:?usage: tiny-image.sh OUTPUT SIZE_MIB}
MASTER_BOOT_RECORD=/usr/lib/syslinux/mbr/mbr.bin
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8

# A quiet boot without slow self tests and probes of the kernel; interfaces are named eth0, eth1.
# noreplace-smp: without KVM it takes a second to patch the kernel for one CPU.
COMMAND_LINE="console=tty0 console=ttyS0,115200 quiet net.ifnames=0 mitigations=off cryptomgr.notests no_timer_check edd=off noreplace-smp \
random.trust_cpu=on panic=10 8250.nr_uarts=1 rcupdate.rcu_expedited=1"

main() {
  [ "$(dpkg --print-architecture)" = amd64 ] || fail "built for amd64 hosts only, this is $(dpkg --print-architecture)"
  lock_folder
  fetch_packages
  index_modules
  make_root
  case $OUTPUT in
    *.tar) make_archive ;;
    *)
      make_initrd
      make_disk
      ;;
  esac
  mv "$WORK/image" "$OUTPUT" # whole, or not at all
}

fail() {
  echo "tiny-image.sh: $*" >&2
  exit 1
}

# One build at a time in a directory; the next build removes files of an interrupted one.
lock_folder() {
  mkdir -p "${OUTPUT%/*}"
  exec 9>"${OUTPUT%/*}/.build.lock"
  flock 9
  rm -rf "${OUTPUT%/*}"/.build-*
  [ ! -e "$OUTPUT" ] || exit 0 # made while this one waited
  WORK=$(mktemp -d -p "${OUTPUT%/*}" .build-XXXXXX)
  trap 'rm -rf "$WORK"' EXIT
}

# ---- packages ------------------------------------------------------------------------------------

depends() {
  apt-cache depends --important --no-pre-depends "$@" | sed -n 's/^ *|\{0,1\}Depends: \([^<]*\)$/\1/p'
}

# The kernel of the distribution for virtual machines: the package that the metapackage depends on.
kernel_package() {
  local metapackage
  for metapackage in linux-image-cloud-amd64 linux-image-virtual; do # Debian, Ubuntu
    depends "$metapackage" 2>/dev/null | grep -m 1 -E '^linux-image-(unsigned-)?[0-9]' && return 0
  done
  return 1
}

with_libraries() {
  local packages more
  packages=$(printf '%s\n' "$@")
  while true; do
    # shellcheck disable=SC2086 # a list of words
    more=$( (printf '%s\n' $packages; depends $packages | grep -E '^(lib|zlib1g)') | sort -u)
    [ "$more" != "$packages" ] || break
    packages=$more
  done
  echo "$packages"
}

download() {
  local kernel
  kernel=$(kernel_package) || return 1
  rm -f "$WORK"/packages/*
  # shellcheck disable=SC2046 # a list of words
  (cd "$WORK/packages" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" $(kernel_modules "$kernel") \
    $(with_libraries busybox-static dropbear-bin qemu-guest-agent e2fsprogs))
}

kernel_modules() { # Ubuntu keeps them in a package of their own
  depends "$1" | grep -E '^linux-modules-[0-9]' || true
}

fetch_packages() {
  mkdir "$WORK/packages" "$WORK/stage"
  download || { apt-get -qq update && download; } || fail "the distribution's packages cannot be fetched (see apt's messages above)"
  # Merged /usr, also for packages that install their files outside of it.
  mkdir -p "$WORK"/stage/usr/{bin,sbin,lib,lib64}
  local folder package
  for folder in bin sbin lib lib64; do
    ln -s "usr/$folder" "$WORK/stage/$folder"
  done
  for package in "$WORK"/packages/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$WORK/stage" --keep-directory-symlink
  done
}

# ---- kernel modules ------------------------------------------------------------------------------

declare -A MODULE_FILES=()

index_modules() {
  local file name
  while read -r file; do
    name=${file##*/}
    name=${name%%.ko*}
    MODULE_FILES[${name//-/_}]=$file
  done < <(find "$WORK/stage/usr/lib/modules" -name '*.ko*')
}

# Sets ORDERED to the modules in loading order, dependencies first. A module that is built into the
# kernel has no file.
order_modules() {
  local module file dependency
  for module in "$@"; do
    module=${module//-/_}
    file=${MODULE_FILES[$module]:-}
    [[ -n $file && " $ORDERED " != *" $module "* ]] || continue
    for dependency in $(modinfo -F depends "$file" | tr , ' '); do
      order_modules "$dependency"
    done
    ORDERED="$ORDERED $module"
  done
}

copy_modules() { # FOLDER MODULE...
  local folder=$1 module file
  shift
  mkdir -p "$folder"
  for module in "$@"; do
    file=${MODULE_FILES[$module]}
    case $file in # busybox loads plain modules only
      *.xz) xz -dc "$file" >"$folder/$module.ko" ;;
      *.zst) zstd -qdc "$file" >"$folder/$module.ko" ;;
      *) cp "$file" "$folder/$module.ko" ;;
    esac
  done
}

# ---- root file system of the guest ---------------------------------------------------------------

make_root() {
  ROOT=$WORK/root
  mkdir -p "$ROOT"/{bin,dev,etc/acpi/PWRF,etc/dropbear,lib/modules-tiny,lib/x86_64-linux-gnu,lib64,mnt,proc,root/.ssh,run,sbin,sys,tmp}
  mkdir -p "$ROOT"/{usr/bin,usr/sbin,var/lib/cloud,var/log,var/www}
  chmod 1777 "$ROOT/tmp"
  chmod 700 "$ROOT/root" "$ROOT/root/.ssh"
  install_programs
  # early: modules needed to find the root disk and the seed; late: all others
  ORDERED=
  order_modules virtio_pci virtio_blk virtio_scsi sd_mod sr_mod ext4 crc32c_generic virtio_net isofs
  EARLY_MODULES=$ORDERED
  order_modules virtio_rng virtio_balloon virtio_console button evdev virtio_mem vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
  LATE_MODULES=${ORDERED#"$EARLY_MODULES"}
  # shellcheck disable=SC2086 # a list of words
  copy_modules "$ROOT/lib/modules-tiny" $LATE_MODULES
  echo "$LATE_MODULES" >"$ROOT/lib/modules-tiny/order"
  write_settings
  write_boot_script
  write_hotplug
  write_helpers
}

# Copies a dynamically linked program with all libraries that it needs, found by the staged loader.
install_program() { # FROM TO
  local stage=$WORK/stage libraries=$WORK/stage/usr/lib/x86_64-linux-gnu library
  install -m 755 "$stage$1" "$ROOT$2"
  while read -r library; do
    cp -nL "$library" "$ROOT/lib/x86_64-linux-gnu/"
  done < <("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" --list "$stage$1" | awk '$3 ~ "^/" {print $3}')
}

install_programs() {
  cp -L "$WORK/stage/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$ROOT/lib64/"
  install_program /usr/sbin/dropbear /usr/sbin/dropbear
  install_program /usr/bin/dropbearkey /usr/bin/dropbearkey
  install_program /usr/sbin/qemu-ga /usr/sbin/qemu-ga
  install_program /usr/sbin/resize2fs /sbin/resize2fs
  install_program /usr/sbin/mke2fs /bin/mke2fs
  ln -s mke2fs "$ROOT/bin/mkfs.ext4"
  cp "$WORK/stage/etc/mke2fs.conf" "$ROOT/etc/"
  cp "$WORK/stage/usr/bin/busybox" "$ROOT/bin/"
  local applet
  for applet in $("$ROOT/bin/busybox" --list); do
    [ -e "$ROOT/bin/$applet" ] || ln -s busybox "$ROOT/bin/$applet"
  done
  ln -s ../bin/busybox "$ROOT/sbin/init"
}

write_settings() {
  echo 'root:x:0:0:root:/root:/bin/sh' >"$ROOT/etc/passwd"
  echo 'root:*:19000:0:99999:7:::' >"$ROOT/etc/shadow" # keys only, until a password is set
  chmod 600 "$ROOT/etc/shadow"
  echo 'root:x:0:' >"$ROOT/etc/group"
  echo /bin/sh >"$ROOT/etc/shells"
  echo tiny >"$ROOT/etc/hostname"
  echo '127.0.0.1 localhost' >"$ROOT/etc/hosts"
  echo 'passwd: files' >"$ROOT/etc/nsswitch.conf"
  cat >"$ROOT/etc/os-release" <<'GUEST'
NAME="Hanok Tiny"
ID=tiny
VERSION_ID="1"
PRETTY_NAME="Hanok Tiny 1"
GUEST
  cat >"$ROOT/etc/inittab" <<'GUEST'
::sysinit:/etc/rc
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
tty1::respawn:/bin/getty 38400 tty1 linux
::ctrlaltdel:/bin/reboot
::shutdown:/etc/rc.stop
GUEST
}

write_boot_script() {
  cat >"$ROOT/etc/rc" <<'GUEST'
#!/bin/sh
# The boot sequence of the guest. Started by busybox init; logins are possible when it has ended.
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root
CLOUD=/var/lib/cloud       # kept: instance-id, the user's script and its exit code
RUN=/run/cloud-init        # of this boot: the seed, status, result.json
SEED_SOURCE='DataSourceNone'

is_container() { # systemd.io/CONTAINER_INTERFACE
  [ -n "$container" ]
}

mount_all() {
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  mkdir -p $RUN /dev/pts /dev/shm
  is_container || mount -t devpts devpts /dev/pts
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
}

load_modules() {
  for module in $(cat /lib/modules-tiny/order); do
    insmod /lib/modules-tiny/$module.ko
  done 2>/dev/null
}

read_seed() {
  if is_container; then
    seed=/var/lib/cloud/seed/nocloud
    cp $seed/meta-data $seed/user-data $RUN/ || return
    SEED_SOURCE="DataSourceNoCloud [seed=$seed]"
    return
  fi
  seed=$(findfs LABEL=cidata 2>/dev/null || findfs LABEL=CIDATA 2>/dev/null) || return
  mount -o ro "$seed" /mnt || return
  tr -d '\r' </mnt/meta-data >$RUN/meta-data
  cp /mnt/user-data $RUN/user-data
  umount /mnt
  SEED_SOURCE="DataSourceNoCloud [seed=$seed]"
} 2>/dev/null

meta_data() { # KEY: its value, from YAML or JSON
  sed -n "s/.*\(^\|[{ ,]\)\"\{0,1\}$1\"\{0,1\}: *[\"']\{0,1\}\([^\"',}]*\).*/\2/p" $RUN/meta-data 2>/dev/null | head -n 1
}

cloud_config() { # KEY: its value, if user-data is a #cloud-config
  case $(head -n 1 $RUN/user-data 2>/dev/null) in
    '#cloud-config'*) sed -n "s/^$1: *//p" $RUN/user-data ;;
  esac
}

public_keys() {
  cat $RUN/meta-data
  case $(head -n 1 $RUN/user-data) in '#cloud-config'*) cat $RUN/user-data ;; esac
} 2>/dev/null

# A new instance-id means a new machine, even if the disk was copied from another one.
become_new_instance() {
  name=$(cloud_config hostname)
  name=${name:-$(meta_data local-hostname)}
  if [ -n "$name" ]; then
    echo "$name" >/etc/hostname
    echo "127.0.0.1 localhost $name" >/etc/hosts
  fi
  password=$(cloud_config password)
  [ -z "$password" ] || echo "root:$password" | chpasswd
  public_keys | grep -oE "(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( [^\"',]*)?" >/root/.ssh/authorized_keys
  chmod 600 /root/.ssh/authorized_keys
  rm -f /etc/dropbear/*key $CLOUD/user-script $CLOUD/user-script.rc
  # Written before the script runs: a script interrupted by a power failure is reported and not run
  # again.
  echo "$1" >$CLOUD/instance-id
  case $(head -n 1 $RUN/user-data 2>/dev/null) in
    '#!'*) cp $RUN/user-data $CLOUD/user-script && chmod 700 $CLOUD/user-script ;;
  esac
  sync
}

start_network() {
  ip link set lo up
  is_container && return # its addresses are there
  for device in /sys/class/net/eth*; do
    [ ! -e "$device" ] || /etc/nic "${device##*/}"
  done
}

start_services() {
  [ -s /etc/dropbear/dropbear_ed25519_host_key ] || dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key >/dev/null 2>&1
  dropbear -r /etc/dropbear/dropbear_ed25519_host_key
  acpid -c /etc/acpi >/dev/null 2>&1
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
    qemu-ga -d -m virtio-serial -p "/dev/${port##*/}" -t /run -l /run/qemu-ga.log -f /run/qemu-ga.pid
  done
  hostname >/var/www/index.html
  [ ! -e /var/www/.serve ] || httpd -p 80 -h /var/www
}

has_address() {
  ip -4 -o address show scope global | grep -q .
}

run_user_script() {
  [ -x $CLOUD/user-script ] || return
  tries=0 # it may want the network: ten seconds, as long as there is a device that could get an address
  while [ -e /sys/class/net/eth0 ] && ! has_address && [ $tries -lt 100 ]; do
    usleep 100000
    tries=$((tries + 1))
  done
  $CLOUD/user-script </dev/null >/var/log/cloud-init-output.log 2>&1
  echo $? >$CLOUD/user-script.rc
  sync
}

# The error of the user script, if it failed: "MODULE (REASON)".
script_error() {
  [ -e $CLOUD/user-script ] || return
  code=$(cat $CLOUD/user-script.rc 2>/dev/null)
  case $code in
    0) ;;
    '') echo 'scripts_user (user script was interrupted and is not run again)' ;;
    *) echo "scripts_user (user script failed with exit code $code)" ;;
  esac
}

# Keys of user-data that this image does not support, one per line: "MODULE (REASON)".
left_out() {
  [ -s $RUN/user-data ] || return
  case $(head -n 1 $RUN/user-data) in
    '#!'*) ;;
    '#cloud-config' | '#cloud-config '*)
      awk '/^[^ \t#-]/ && !/^(hostname|password|ssh_authorized_keys):/ && !/^[.][.][.]/ {
        key = match($0, /^[A-Za-z0-9_.-]+/) ? substr($0, 1, RLENGTH) : "cloud_config"
        print key " (#cloud-config of this image has hostname, password and ssh_authorized_keys, in block style, only)"
      }' $RUN/user-data
      ;;
    *) echo 'user_data (this image knows a script, begun with #!, and #cloud-config only)' ;;
  esac
} 2>/dev/null

# Reports the result of the first boot of this instance at every boot, so that it is always
# available; on the console in the format of cloud-init.
report() {
  { script_error; left_out; } | head -n 20 >$RUN/errors
  sed 's/^/cc_tiny.py[WARNING]: Failed to run module /' $RUN/errors >/dev/console
  status=done
  [ ! -s $RUN/errors ] || status=error
  errors=$(awk '{printf "%s\"%s\"", separator, $0; separator = ", "}' $RUN/errors)
  printf '{"v1": {"datasource": "%s", "errors": [%s]}}\n' "$SEED_SOURCE" "$errors" >$RUN/result.json.new
  mv $RUN/result.json.new $RUN/result.json
  echo "status: $status" >$RUN/status
  : >$RUN/boot-finished
  echo "Cloud-init v. tiny finished at $(date -R). Datasource $SEED_SOURCE.  Up $(cut -d ' ' -f 1 /proc/uptime) seconds" >/dev/console
}

mount_all
if ! is_container; then
  load_modules
  mdev -d
  mdev -s
fi
read_seed
instance=$(meta_data instance-id)
first_boot=
if [ -n "$instance" ] && [ "$instance" != "$(cat $CLOUD/instance-id 2>/dev/null)" ]; then
  first_boot=1
  become_new_instance "$instance"
fi
hostname -F /etc/hostname
start_network
is_container || resize2fs "$(findfs LABEL=tinyroot)" >/dev/null 2>&1 &
start_services
[ -z "$first_boot" ] || run_user_script
report
GUEST
  cat >"$ROOT/etc/rc.stop" <<'GUEST'
#!/bin/sh
killall -q dropbear httpd udhcpc qemu-ga mdev
sync
umount -a -r 2>/dev/null
mount -o remount,ro / 2>/dev/null
GUEST
  chmod 755 "$ROOT/etc/rc" "$ROOT/etc/rc.stop"
}

# Hotplug of disks and network devices (those present at boot are handled by mdev -s).
write_hotplug() {
  cat >"$ROOT/etc/mdev.conf" <<'GUEST'
vd[a-z]+[0-9]* 0:0 660 */etc/disk
eth[0-9]+ 0:0 660 */etc/nic $MDEV
.* 0:0 660 !
GUEST
  cat >"$ROOT/etc/disk" <<'GUEST'
#!/bin/sh
# Creates or removes /dev/disk/by-id/virtio-SERIAL (and -partN) for the disk MDEV, like udev.
by_id=/dev/disk/by-id
mkdir -p $by_id
if [ "$ACTION" = remove ]; then
  for link in $by_id/*; do
    [ "$(readlink "$link")" != "../../$MDEV" ] || rm -f "$link"
  done
  exit
fi
part=
system=/sys/class/block/$MDEV
if [ -e $system/partition ]; then
  part=-part$(cat $system/partition)
  system=$(readlink -f $system)/..
fi
serial=$(cat $system/serial 2>/dev/null)
[ -z "$serial" ] || ln -sfn "../../$MDEV" "$by_id/virtio-$serial$part"
GUEST
  cat >"$ROOT/etc/nic" <<'GUEST'
#!/bin/sh
# Runs DHCP on the network device $1 while it exists.
pid=/run/udhcpc.$1.pid
if [ "$ACTION" = remove ]; then
  kill "$(cat "$pid")"
  rm -f "$pid"
elif [ ! -e "$pid" ] || ! kill -0 "$(cat "$pid")"; then
  ip link set "$1" up
  udhcpc -i "$1" -b -R -t 20 -T 1 -A 2 -x hostname:"$(hostname)" -s /etc/udhcpc -p "$pid" >/dev/null </dev/null &
  echo $! >"$pid" # until it writes its own: never two for one device
fi 2>/dev/null
GUEST
  cat >"$ROOT/etc/udhcpc" <<'GUEST'
#!/bin/sh
# Called by udhcpc with the lease in the environment.
case $1 in
  deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
  bound | renew)
    ip addr replace "$ip/$mask" dev "$interface"
    for gateway in $router; do
      ip route replace default via "$gateway" dev "$interface" metric $((100 + ${interface#eth}))
    done
    {
      [ -z "$domain" ] || echo "search $domain"
      for server in $dns; do echo "nameserver $server"; done
    } >/etc/resolv.conf
    ;;
esac 2>/dev/null
GUEST
  chmod 755 "$ROOT/etc/disk" "$ROOT/etc/nic" "$ROOT/etc/udhcpc"
}

write_helpers() {
  cat >"$ROOT/etc/acpi/PWRF/00000080" <<'GUEST'
#!/bin/sh
exec /bin/poweroff
GUEST
  cat >"$ROOT/usr/sbin/chpasswd" <<'GUEST'
#!/bin/sh
# "user:password" lines on standard input (-e: already hashed), for guest-set-user-password of the
# guest agent
encrypted=
[ "$1" != -e ] || encrypted=1
while IFS=: read -r user password; do
  [ -n "$encrypted" ] || password=$(printf %s "$password" | mkpasswd -m sha512 -P 0)
  umask 077
  U=$user P=$password awk -F: -v OFS=: '$1 == ENVIRON["U"] {$2 = ENVIRON["P"]} {print}' /etc/shadow >/etc/shadow.new &&
    mv /etc/shadow.new /etc/shadow
done
GUEST
  cat >"$ROOT/sbin/shutdown" <<'GUEST'
#!/bin/sh
# the forms that the guest agent uses: shutdown -h -P +0, shutdown -r +0
case " $* " in
  *' -r '*) exec reboot ;;
  *) exec poweroff ;;
esac
GUEST
  cat >"$ROOT/usr/bin/cloud-init" <<'GUEST'
#!/bin/sh
# "cloud-init status [--wait] [--long]", to wait for the first boot
case " $* " in *' --wait '*) while [ ! -e /run/cloud-init/boot-finished ]; do usleep 200000; done ;; esac
status=$(cat /run/cloud-init/status 2>/dev/null || echo 'status: running')
echo "$status"
case " $* " in *' --long '*) cat /run/cloud-init/result.json 2>/dev/null ;; esac
[ "$status" != 'status: error' ]
GUEST
  chmod 755 "$ROOT/etc/acpi/PWRF/00000080" "$ROOT/usr/sbin/chpasswd" "$ROOT/sbin/shutdown" "$ROOT/usr/bin/cloud-init"
}

# ---- initrd: load the drivers, grow the partition, mount the root --------------------------------

make_initrd() {
  local initrd=$WORK/initrd
  mkdir -p "$initrd"/{bin,dev,proc,sys,root}
  cp "$ROOT/bin/busybox" "$initrd/bin/"
  # shellcheck disable=SC2086 # a list of words
  copy_modules "$initrd/modules" $EARLY_MODULES
  echo "$EARLY_MODULES" >"$initrd/modules/order"
  cat >"$initrd/init" <<'GUEST'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin

wait_for() { # at most five seconds
  tries=0
  until "$@" || [ $tries -ge 200 ]; do
    usleep 25000
    tries=$((tries + 1))
  done
}

load_modules() {
  for module in $(cat /modules/order); do
    parameters=
    [ $module != scsi_mod ] || parameters=scan=sync # disks and the seed are there when the driver is
    insmod /modules/$module.ko $parameters
  done
}

find_root() {
  root=$(findfs LABEL=tinyroot 2>/dev/null)
}

# Sets the length of the first entry of the partition table (bytes 458 to 461) so that it ends with
# the disk, at most 2 TiB because the field has four bytes.
grow_partition() {
  disk=${root%1}
  name=${disk##*/}
  sectors=$(($(cat /sys/block/$name/size) - $(cat /sys/block/$name/${name}1/start)))
  [ $sectors -le 4294967295 ] || sectors=4294967295
  [ $sectors -gt "$(cat /sys/block/$name/${name}1/size)" ] || return
  bytes=$(printf '\\%03o\\%03o\\%03o\\%03o' $((sectors & 255)) $((sectors >> 8 & 255)) $((sectors >> 16 & 255)) $((sectors >> 24 & 255)))
  printf "$bytes" | dd of=$disk bs=1 seek=458 conv=notrunc 2>/dev/null
  sync
  blockdev --rereadpt $disk
  wait_for test -e $root
}

mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
load_modules
wait_for find_root
case $root in /dev/[sv]d[a-z]1) grow_partition ;; esac
# noinit_itable: unused blocks are not written, and take no space in the image
mount -t ext4 -o rw,noatime,noinit_itable "$root" /root || exec sh
for folder in dev proc sys; do
  mount --move /$folder /root/$folder
done
exec switch_root /root /sbin/init
GUEST
  chmod 755 "$initrd/init"
  mkdir "$WORK/boot"
  (cd "$initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$WORK/boot/initrd"
  cp "$WORK"/stage/boot/vmlinuz-* "$WORK/boot/vmlinuz"
}

# ---- archive for containers ----------------------------------------------------------------------

make_archive() {
  sed -i /respawn/d "$ROOT/etc/inittab" # it has none of these terminals
  tar --create --file "$WORK/image" --directory "$ROOT" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" --exclude=./lib/modules-tiny .
}

# ---- disk: a FAT partition with SYSLINUX, the kernel and the initrd, and after it ext4 -----------

# The root is the first entry of the partition table, and the last partition, which grows. SYSLINUX
# calls the BIOS once where GRUB calls it four times, and in a guest without KVM the calls of GRUB
# take as long as the rest of the boot.
make_disk() {
  local disk=$WORK/disk.raw boot=$WORK/boot.img boot_mib
  boot_mib=$(($(du --apparent-size --summarize --block-size=1M "$WORK/boot" | cut -f 1) + 3))
  make_boot_partition "$boot" "$boot_mib"
  truncate -s "${SIZE_MIB}M" "$disk"
  sfdisk -q "$disk" <<TABLE
label: dos
1: start=$(((boot_mib + 1) * 2048)), type=83
4: start=2048, size=$((boot_mib * 2048)), type=e, bootable
TABLE
  dd if="$MASTER_BOOT_RECORD" of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$boot" of="$disk" bs=1M seek=1 conv=notrunc status=none
  # uninit_bg and resize (in blocks: 5 TiB): growing the root at the first boot is fast and writes
  # little data, whatever the size
  mke2fs -q -t ext4 -L tinyroot -b 4096 -i 16384 -m 0 -J size=16 -O ^metadata_csum,uninit_bg \
    -E offset=$(((boot_mib + 1) * 1048576)),root_owner=0:0,resize=1342177280 -d "$ROOT" "$disk" \
    $((SIZE_MIB - boot_mib - 1))M
  # not compressed: the BIOS reads the kernel in small pieces, and each would decompress its cluster
  qemu-img convert -O qcow2 "$disk" "$WORK/image"
}

make_boot_partition() { # FILE MIB
  truncate -s "$2M" "$1"
  mkfs.vfat -n TINYBOOT --invariant "$1" >/dev/null
  cat >"$WORK/boot/syslinux.cfg" <<GUEST
DEFAULT tiny
LABEL tiny
  LINUX vmlinuz
  INITRD initrd
  APPEND $COMMAND_LINE
GUEST
  mcopy -i "$1" "$WORK"/boot/* ::
  syslinux --install "$1"
}

main
