import { INSIDE } from './run-as.js';
import { HASHED } from './script.js';

/** What is compared right before the rename: the same regular file as at the beginning, the bytes that were read. */
const SAME = `same() {
  [ ! -L "./$B" ] || exit 42
  now=$(stat -c '%d:%i' -- "./$B" 2> /dev/null) || exit 61
  [ "$now" = "$ID" ] || exit 63
  hash_of "./$B"
  [ "$HASH" = "$EXPECTED" ] || exit 60
}
`;

/**
 * Owner, group, mode, access control list and SELinux label of ./B for the new file, before its content. A group that
 * the acting user cannot give loses its rights instead of another group getting them.
 */
const LIKE = `like() {
  own=$(stat -c '%u:%g' -- "$NEW")
  if [ "$own" != "$UIDGID" ]; then
    if ! chown "$UIDGID" "$NEW" 2> /dev/null; then chgrp "\${UIDGID#*:}" "$NEW" 2> /dev/null || :; fi
    if [ "$(stat -c '%g' -- "$NEW")" != "\${UIDGID#*:}" ]; then MODE=$(( (MODE & ~070) | ((MODE & 07) << 3 & MODE) )); fi
  fi
  chmod "$((MODE >> 9 & 7))$((MODE >> 6 & 7))$((MODE >> 3 & 7))$((MODE & 7))" "$NEW" || exit 41
  case $(ls -ld -- "./$B") in ??????????+*)
    command -v getfacl > /dev/null 2>&1 && command -v setfacl > /dev/null 2>&1 || exit 54
    getfacl -cp -- "./$B" 2> /dev/null | setfacl --set-file=- -- "$NEW" 2> /dev/null || exit 54 ;;
  esac
  if [ -e /sys/fs/selinux/enforce ]; then
    chcon --reference="./$B" -- "$NEW" 2> /dev/null || :
    [ "$(stat -c %C -- "./$B")" = "$(stat -c %C -- "$NEW")" ] || exit 54
  fi
}
`;

/** The new content: exclusive temporary name, private, from standard input, whole, on the disk. */
const FILL = `NEW=$(mktemp "./.$B.redis-runbook-XXXXXXXXXX" 2>&1) || because "$NEW"
OLD=
trap '[ -z "$NEW$OLD" ] || rm -f -- \${NEW:+"$NEW"} \${OLD:+"$OLD"}' EXIT
trap 'exit 129' HUP INT TERM PIPE
exec 4> "$NEW"
[ "$EXPECTED" = absent ] || like
e=$(cat 2>&1 >&4) || because "$e"
exec 4>&-
hash_of "$NEW"
[ "$HASH" = "$ARRIVING" ] || exit 56
sync "$NEW" 2> /dev/null || sync
`;

/**
 * Replaces ./B by standard input. $1 = sha256 of what is there, or `absent`; $2 = sha256 of what arrives. A file that a
 * writer changed between the last comparison and the rename is seen through a second name, and put back.
 */
export const WRITE = `${INSIDE}${HASHED}${SAME}${LIKE}EXPECTED=$1 ARRIVING=$2
if [ "$EXPECTED" = absent ]; then
  if [ -e "./$B" ] || [ -L "./$B" ]; then exit 62; fi
else
  [ ! -L "./$B" ] || exit 42
  s=$(stat -c '%f %u:%g %d:%i' -- "./$B" 2>&1) || { case $s in *'No such file'*) exit 61 ;; esac; because "$s"; }
  f=\${s%% *}; ID=\${s##* }; UIDGID=\${s#* }; UIDGID=\${UIDGID% *}; MODE=$((0x$f))
  case $((MODE & 0170000)) in 32768) ;; 16384) exit 46 ;; *) exit 47 ;; esac
  [ -r "./$B" ] || exit 41
fi
${FILL}if [ "$EXPECTED" = absent ]; then
  e=$(ln -- "$NEW" "./$B" 2>&1) || { [ ! -e "./$B" ] && [ ! -L "./$B" ] || exit 62; because "$e"; }
  rm -f -- "$NEW"
  NEW=
else
  if ln -- "./$B" "$NEW.old" 2> /dev/null; then OLD=$NEW.old; fi
  same
  # From here to the comparison nobody ends it: what was written meanwhile is in the old file alone.
  trap '' HUP INT TERM PIPE
  e=$(mv -fT -- "$NEW" "./$B" 2>&1) || because "$e"
  NEW=
  if [ -n "$OLD" ]; then
    hash_of "$OLD"
    if [ "$HASH" != "$EXPECTED" ]; then
      e=$(mv -fT -- "$OLD" "./$B" 2>&1) || { OLD=; because "$e"; }
      OLD=
      exit 64
    fi
  fi
fi
sync . 2> /dev/null || sync`;
