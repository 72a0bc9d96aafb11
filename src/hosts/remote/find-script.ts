import { PRELUDE } from './script.js';

/**
 * Where config files and services of redis and sentinel may be. $1 = places to look in, files or directories, two levels
 * deep; $2 = directories of running servers, one level; $3 = pids. It prints names and reads no config file: whoever may
 * write one could make it a link to any file, and this may run as root.
 */
export const FIND = `${PRELUDE}nl='
'
printf 'name %s\\n' "$(uname -n)"
awk '/^Local:/ { own = 1 } own && /[|]-- / { last = $2 } own && /\\/32 host LOCAL/ { print "address " last }' /proc/net/fib_trie 2> /dev/null | sort -u
awk '{ print "address6 " $1 }' /proc/net/if_inet6 2> /dev/null
count=0
one() {
  [ -f "$1" ] || return 0
  case $1 in *"$nl"*) return 0 ;; esac
  count=$((count + 1))
  [ $count -gt 300 ] || printf 'config %s\\n' "$1"
}
for f in /etc/redis*.conf /etc/*sentinel*.conf /etc/valkey*.conf /etc/redis/*.conf /etc/redis/*/*.conf /etc/valkey/*.conf \\
  /etc/valkey/*/*.conf /etc/sentinel/*.conf /usr/local/etc/redis*.conf /usr/local/etc/*sentinel*.conf /usr/local/etc/valkey*.conf \\
  /usr/local/etc/redis/*.conf /usr/local/etc/valkey/*.conf /opt/redis/*.conf /opt/redis/*/*.conf /opt/valkey/*.conf \\
  /opt/valkey/*/*.conf /var/lib/redis/*.conf /var/lib/valkey/*.conf /srv/redis/*.conf /srv/redis/*/*.conf /data/redis/*.conf \\
  /data/redis/*/*.conf; do one "$f"; done
places() {
  old=$IFS; IFS=$nl; set -f
  for at in $1; do
    IFS=$old; set +f
    if [ -d "$at" ]; then
      for f in "$at"/*.conf; do one "$f"; done
      [ "$2" = one ] || for f in "$at"/*/*.conf; do one "$f"; done
    else one "$at"; fi
    IFS=$nl; set -f
  done
  IFS=$old; set +f
}
places "$1" two
places "$2" one
for pid in $3; do
  unit=$(sed -n 's|^.*/\\([^/]*[.]service\\)$|\\1|p' "/proc/$pid/cgroup" 2> /dev/null | head -n 1)
  [ -z "$unit" ] || printf 'in %s %s\\n' "$pid" "$unit"
done
if [ -d /run/systemd/system ]; then
  echo systemd
  units=$({
    { systemctl list-unit-files --type=service --no-legend --no-pager; systemctl list-units --all --type=service --no-legend --plain --no-pager; } |
      awk '{ print $1 }' | grep -E 'redis|valkey|sentinel'
    grep -lsE '(redis|valkey)-(server|sentinel)' /etc/systemd/system/*.service /lib/systemd/system/*.service /usr/lib/systemd/system/*.service |
      sed 's|.*/||'
  } 2> /dev/null | grep -v '@[.]service$' | grep -E '^[A-Za-z0-9_@.:-]+[.]service$' | sort -u | head -n 64)
  [ -z "$units" ] || systemctl show --no-pager -p Id,LoadState,ExecStart -- $units 2> /dev/null | sed 's/^/show /'
else
  for f in /etc/init.d/*; do
    [ -f "$f" ] && grep -qsE '(redis|valkey)-(server|sentinel)' "$f" || continue
    printf 'script %s\\n' "\${f##*/}"
    grep -oE '/[^][:space:]"=;{}$*]*[.]conf' "$f" 2> /dev/null | sort -u | sed 's/^/of /'
  done
fi
exit 0`;
