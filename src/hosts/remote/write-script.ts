import { INSIDE } from './run-as.js';
import { HASHED } from './script.js';

/** What is compared right before the rename: the same regular file as at the beginning, the bytes that were read, and what arrived. */
const SAME = `same() {
  [ ! -L "./$B" ] || exit 42
  if [ -n "$OLD" ]; then
    [ -e "./$B" ] || exit 61
    [ "./$B" -ef "$OLD" ] || exit 63
  else
    now=$(stat -c '%d:%i' -- "./$B" 2> /dev/null) || exit 61
    [ "$now" = "$ID" ] || exit 63
  fi
  sums=$($SUM "$NEW" "./$B")
  HASH=\${sums%%"$NL"*}; only_hash
  [ "$HASH" = "$ARRIVING" ] || exit 56
  HASH=\${sums#*"$NL"}; only_hash
  [ "$HASH" = "$EXPECTED" ] || exit 60
}
`;

/**
 * Owner, group, mode, access control list and SELinux label of ./B for the new file, before its content. A group that
 * the acting user cannot give loses its rights instead of another group getting them.
 */
const LIKE = `facts() { f=\${1%% *}; UIDGID=\${1#* }; ID=\${UIDGID##* }; UIDGID=\${UIDGID%% *}; MODE=$((0x$f)); }
like() {
  s=$(stat -c '%f %u:%g %d:%i' -- "$NEW" "\${OLD:-./$B}" 2>&1) || { case $s in *'No such file'*) exit 61 ;; esac; because "$s"; }
  facts "\${s%%"$NL"*}"; own=$UIDGID made=$((MODE & 07777))
  facts "\${s#*"$NL"}"
  case $((MODE & 0170000)) in 32768) ;; 16384) exit 46 ;; 40960) exit 42 ;; *) exit 47 ;; esac
  if [ "$own" != "$UIDGID" ]; then
    made=
    if ! chown "$UIDGID" "$NEW" 2> /dev/null; then chgrp "\${UIDGID#*:}" "$NEW" 2> /dev/null || :; fi
    if [ "$(stat -c '%g' -- "$NEW")" != "\${UIDGID#*:}" ]; then MODE=$(( (MODE & ~070) | ((MODE & 07) << 3 & MODE) )); fi
  fi
  if [ "$made" != "$((MODE & 07777))" ]; then
    chmod "$((MODE >> 9 & 7))$((MODE >> 6 & 7))$((MODE >> 3 & 7))$((MODE & 7))" "$NEW" || exit 41
  fi
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

/** The new content: exclusive temporary name, private, from standard input, on the disk (not every dd can see to that). What is replaced has a second name from the first look on. */
const FILL = `NEW=$(mktemp "./.$B.redis-runbook-XXXXXXXXXX" 2>&1) || because "$NEW"
OLD=
trap '[ -z "$NEW$OLD" ] || rm -f -- \${NEW:+"$NEW"} \${OLD:+"$OLD"}' EXIT
trap 'exit 129' HUP INT TERM PIPE
if [ "$EXPECTED" != absent ]; then
  if ln -- "./$B" "$NEW.old" 2> /dev/null; then OLD=$NEW.old; fi
  like
fi
exec 4> "$NEW"
e=$(dd bs=65536 conv=fsync 2>&1 >&4) || case $e in
  *conv*|*'not found'*) e=$(cat 2>&1 >&4) || because "$e"; sync "$NEW" 2> /dev/null || sync ;;
  *) because "\${e%%"$NL"*}" ;;
esac
exec 4>&-
`;

/**
 * Replaces ./B by standard input. $1 = sha256 of what is there, or `absent`; $2 = sha256 of what arrives. A file that a
 * writer changed between the last comparison and the rename is seen through a second name, and put back.
 */
export const WRITE = `${INSIDE}${HASHED}${SAME}${LIKE}EXPECTED=$1 ARRIVING=$2 NL='
'
if [ "$EXPECTED" = absent ]; then
  if [ -e "./$B" ] || [ -L "./$B" ]; then exit 62; fi
else
  [ ! -L "./$B" ] || exit 42
  [ -e "./$B" ] || { s=$(stat -c %f -- "./$B" 2>&1) || case $s in *'No such file'*) exit 61 ;; *) because "$s" ;; esac; }
  [ ! -d "./$B" ] || exit 46
  [ -f "./$B" ] || exit 47
  [ -r "./$B" ] || exit 41
fi
${FILL}if [ "$EXPECTED" = absent ]; then
  hash_of "$NEW"
  [ "$HASH" = "$ARRIVING" ] || exit 56
  e=$(ln -- "$NEW" "./$B" 2>&1) || { [ ! -e "./$B" ] && [ ! -L "./$B" ] || exit 62; because "$e"; }
  rm -f -- "$NEW"
  NEW=
else
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
