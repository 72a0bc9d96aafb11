#!/bin/sh
# watch.sh DIRECTORY: ends the fleet of DIRECTORY when its owner (file `owner`: pid and kernel start time) is gone, and
# itself when the directory is.
directory=$1
here=$(dirname "$0")
cd /
read -r pid ticks <"$directory/owner" || exit 0
while [ -d "$directory" ]; do
  now=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)
  if [ "$now" != "$ticks" ]; then
    sh "$here/down.sh" "$directory"
    exit
  fi
  sleep 0.5
done
