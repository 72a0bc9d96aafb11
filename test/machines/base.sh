#!/bin/sh
# base.sh CACHE NAME SUITE PACKAGES: makes the root file system CACHE/NAME of a Debian suite with these packages (by
# comma), unless it is there. Only one of several callers makes it; it appears whole or not at all. As root. The mirror is
# the one that apt of this machine uses. Users of every machine: `ops` (sudo without a password), `opspw` (sudo with
# one), `opsno` (no sudo), all with the password below; whose keys are let in is written for each fleet.
set -eu
cache=$1 name=$2 suite=$3 packages=$4
password='Ops-pass 1'
root=$cache/$name

mkdir -p -m 0755 "$cache"
[ "$(stat -c %u "$cache")" = 0 ] || { echo "base: $cache is not root's" >&2; exit 1; }
exec 9>"$cache/.$name.lock"
flock 9
[ ! -d "$root" ] || exit 0

# What an interrupted build left; nobody else builds while this holds the lock.
new=$cache/.$name.new
log=$cache/.$name.log
clear_new() {
  if grep -qs " $new/proc " /proc/mounts; then umount -l "$new/proc"; fi
  if grep -qs " $new/sys " /proc/mounts; then umount -l "$new/sys"; fi
  rm -rf --one-file-system "$new"
}
clear_new
trap clear_new EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 !~ /-/ { print $1; exit }')
[ -n "$mirror" ] || { echo 'base: apt of this machine names no mirror (apt-get update?)' >&2; exit 1; }

# The tree is thrown away when the machine goes down in the middle: no need to sync every file of it.
export DPKG_FORCE=unsafe-io
if ! debootstrap --variant=minbase --include="$packages" "$suite" "$new" "$mirror" </dev/null >"$log" 2>&1 9>&-; then
  echo "base: debootstrap $suite failed; the end of $log and of its own log:" >&2
  tail -n 15 "$log" "$new/debootstrap/debootstrap.log" >&2 || true
  exit 1
fi

chroot "$new" /bin/sh -eu 9>&- >>"$log" 2>&1 <<EOF
for user in ops opspw opsno; do
  useradd --create-home --shell /bin/bash \$user
  mkdir -m 0700 /home/\$user/.ssh
  chown \$user:\$user /home/\$user/.ssh
  printf '%s:%s\n' \$user '$password' | chpasswd
done
mkdir -p -m 0700 /root/.ssh
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\nopspw ALL=(ALL:ALL) ALL\n' >/etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops
# Each machine gets its own.
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
# No mirror to ask, and no work of its own in the background.
rm -rf /etc/apt/sources.list /var/lib/apt/lists/* /var/cache/apt/*
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim; do
  ln -sf /dev/null /etc/systemd/system/\$timer.timer
done
# A container has no virtual consoles to log in at.
[ ! -e /etc/inittab ] || sed -i 's/^[1-6]:.*getty/#&/' /etc/inittab
mkdir -p /var/log/journal
EOF

# apt of this machine may keep what it reads; the base does not need to say where from.
mv "$new" "$root"
trap - EXIT
