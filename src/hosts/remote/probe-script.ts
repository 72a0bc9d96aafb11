import { PRELUDE } from './script.js';

/**
 * With the login's own right: which tools are there and which servers, and what is mounted how. $1 = tools, one word for
 * each need, `a|b` where one is enough. Programs are asked for their version and nothing else; they are never run as root.
 */
export const PROBE_MACHINE = `${PRELUDE}for need in $1; do
  found=
  old=$IFS; IFS='|'
  for each in $need; do ! command -v "$each" > /dev/null 2>&1 || { found=yes; break; }; done
  IFS=$old
  [ -n "$found" ] || printf 'missing %s\\n' "$need"
done
[ ! -d /run/systemd/system ] || echo systemd
for each in redis-server valkey-server; do
  path=$(command -v "$each" 2> /dev/null) || continue
  printf 'program %s %s\\n' "$path" "$("$path" --version < /dev/null 2>&1 | head -n 1 | cut -c 1-200)"
done
while read -r device mount kind options rest; do printf 'mount %s %s %s\\n' "$mount" "$kind" "$options"; done < /proc/mounts
exit 0`;

/** With the highest right: each directory, or the nearest one above it that exists. Arguments are the directories. */
export const PROBE_PLACES = `${PRELUDE}n=0
for path; do
  at=$path; there=yes
  until [ -d "$at" ] || [ "$at" = / ]; do there=no; at=\${at%/*}; at=\${at:-/}; done
  if [ "$there" = no ] && [ ! -x "$at" ]; then there=unseen; fi
  may=no; [ ! -w "$at" ] || may=yes
  printf '%s %s %s %s\\n' "$n" "$there" "$may" "$(df -Pk -- "$at" 2> /dev/null | tail -n 1)"
  n=$((n + 1))
done
exit 0`;
