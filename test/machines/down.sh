#!/bin/sh
# down.sh DIRECTORY: ends a fleet of machines and removes all of it: every process in its network namespaces (they hold
# nothing else), its mounts, its namespaces, its directory. Safe to run twice, and by two at once.
set -u
directory=$1
token=${directory##*/}
case $token in rrb-*) ;; *) echo "down: $directory is not a fleet of machines" >&2; exit 2 ;; esac

namespaces() { ip netns list 2>/dev/null | awk -v mine="$token-" 'index($1, mine) == 1 { print $1 }'; }
# systemd-nspawn itself stays outside of the namespaces: it is told by the name of the machine it boots.
starters() {
  for dir in /proc/[0-9]*; do
    [ "$(cat "$dir/comm" 2>/dev/null)" = systemd-nspawn ] || continue
    if tr '\0' '\n' 2>/dev/null <"$dir/cmdline" | grep -q "^--machine=$token-"; then echo "${dir#/proc/}"; fi
  done
}
pids() { for name in $(namespaces); do ip netns pids "$name" 2>/dev/null; done; }

for pid in $(starters); do kill -KILL "$pid" 2>/dev/null; done
tries=0
while :; do
  left=$(pids)
  [ -n "$left" ] || break
  for pid in $left; do kill -KILL "$pid" 2>/dev/null; done
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { echo "down: these do not end: $left" >&2; break; }
  sleep 0.1
done

awk -v mine="$directory/" 'index($2, mine) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mounted; do
  umount "$mounted" 2>/dev/null || umount -l "$mounted"
done
for name in $(namespaces); do ip netns del "$name" 2>/dev/null; done
for group in /sys/fs/cgroup/"$token"-* /sys/fs/cgroup/*/"$token"-*; do
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
done
rm -rf /run/systemd/nspawn/propagate/"$token"-* /run/systemd/nspawn/unix-export/"$token"-* 2>/dev/null
if awk -v mine="$directory/" 'index($2, mine) == 1 { found = 1 } END { exit !found }' /proc/mounts; then
  echo "down: mounts are left under $directory" >&2
  exit 1
fi
rm -rf --one-file-system "$directory"
