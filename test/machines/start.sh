#!/bin/sh
# start.sh CGROUP COMMAND...: becomes COMMAND in a control group of its own, in every hierarchy of this machine. Without
# one, the systemds of all machines would share the groups of their units, and a stop on one would wait for the others.
set -eu
group=$1
shift
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  # A new group of cpuset lets nothing in before it has processors; nobody needs it.
  [ ! -e "$hierarchy/cpuset.cpus" ] || [ -e "$hierarchy/cgroup.controllers" ] || continue
  mkdir -p "$hierarchy/$group"
  echo $$ >"$hierarchy/$group/cgroup.procs"
done
exec "$@"
