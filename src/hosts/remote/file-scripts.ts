import { INSIDE } from './run-as.js';
import { HASHED, PRELUDE, QUICKLY_HASHED } from './script.js';

/** stat without following a link, as `parseStatLine` reads it. */
export const STAT = `${INSIDE}s=$(stat -c '%s|%.9Y|%.9Z|%a|%u|%g|%d|%i|%f' -- "./$B" 2>&1) || because "$s"
printf '%s\\n' "$s"`;

/**
 * Opens ./B as 3, only when it is a regular file (a pipe would hang, a device would act), and sees that what was opened is
 * one. Sets SIZE and ID (device:inode) of what was opened.
 */
const OPEN = `if [ ! -f "./$B" ]; then
  s=$(stat -L -c %f -- "./$B" 2>&1) || because "$s"
  case $((0x$s & 0170000)) in 32768) ;; 16384) exit 46 ;; *) exit 47 ;; esac
fi
[ -r "./$B" ] || exit 41
exec 3< "./$B"
s=$(stat -L -c '%f %s %d:%i' /dev/fd/3) || exit 50
f=\${s%% *}; ID=\${s##* }; SIZE=\${s#* }; SIZE=\${SIZE% *}
[ $((0x$f & 0170000)) -eq 32768 ] || exit 50
`;

/** The same without following a link. */
export const OPEN_STRICTLY = `[ ! -L "./$B" ] || exit 42
${OPEN}[ "$(stat -c '%d:%i' -- "./$B" 2> /dev/null)" = "$ID" ] || exit 50
`;

/** Defines `gently`: whatever else the machine does comes first. */
const GENTLY = `gently() {
  renice -n 19 -p $$ > /dev/null 2>&1 || :
  ionice -c 3 -p $$ > /dev/null 2>&1 || :
}
`;

/**
 * Reading scripts. whole: at most $1 bytes. part: from byte $1 on, at most $2 bytes (to the end when empty), with $3 =
 * gently as the last in the queue for processor and disk, where the host has the programs. tail: the last $1 bytes. hash: of
 * the first $1 bytes, with $2 = gently as part. list: at most $1 names, each ended by NUL.
 */
export const READ = {
  whole: `${INSIDE}${OPEN}head -c "$1" <&3`,
  part: `${INSIDE}${OPEN}${GENTLY}[ "$3" != gently ] || gently
# head reads a few kilobytes at a time, which costs; not every dd counts bytes.
BY_BYTES='iflag=count_bytes,fullblock status=none'
if [ "$1" = 0 ] && [ -z "$2" ]; then exec cat <&3; fi
if [ "$1" = 0 ] && [ "$2" -ge 67108864 ] && [ "$(printf xy | dd bs=1 $BY_BYTES count=1 2> /dev/null)" = x ]; then
  exec dd bs=131072 $BY_BYTES count="$2" <&3
fi
if [ "$1" = 0 ]; then exec head -c "$2" <&3; fi
if [ -z "$2" ]; then exec tail -c "+$(($1 + 1))" <&3; fi
tail -c "+$(($1 + 1))" <&3 | head -c "$2"`,
  packed: `${INSIDE}${OPEN}command -v "$2" > /dev/null 2>&1 || exit 40
${GENTLY}gently
head -c "$1" <&3 | "$2" -1 -q -c`,
  tail: `${INSIDE}${OPEN}exec tail -c "$1" <&3`,
  hash: `${INSIDE}${OPEN}${HASHED}${QUICKLY_HASHED}${GENTLY}[ "$2" != gently ] || gently
if [ -z "$1" ]; then hashed <&3; exit; fi
# A file of just that size needs no pipe in front of the sum, as long as it does not grow meanwhile.
if [ "$1" = "$SIZE" ]; then
  HASH=$($SUM <&3); only_hash
  if [ "$(stat -L -c %s /dev/fd/3)" = "$1" ]; then printf '%s' "$HASH"; exit 0; fi
  exec 3< /dev/fd/3
fi
head -c "$1" <&3 | hashed`,
  list: `${INSIDE}[ -r . ] || exit 41
n=0
for each in * .*; do
  case $each in .|..) continue ;; esac
  [ -e "./$each" ] || [ -L "./$each" ] || continue
  n=$((n + 1)); [ $n -le "$1" ] || exit 48
  printf '%s\\000' "$each"
done`,
} as const;

/** Removes a file or a link (never what it leads to); one that is gone already is fine. */
export const REMOVE = `${INSIDE}[ -e "./$B" ] || [ -L "./$B" ] || exit 0
e=$(rm -f -- "./$B" 2>&1) || because "$e"
sync . 2> /dev/null || sync`;

/** Removes a directory that is empty; anything else stays as it is, which whoever looks again sees. */
export const REMOVE_DIRECTORY = `${INSIDE}[ ! -L "./$B" ] && [ -d "./$B" ] || exit 0
rmdir -- "./$B" 2> /dev/null || exit 0
sync . 2> /dev/null || sync`;

/** Makes a directory and its missing parents, 0700; one that is there is left as it is. */
export const MAKE = `${PRELUDE}D=$1 C=$3
cd / || exit 49
if [ -n "$C" ]; then
  cd -P -- "$C" && [ "$(pwd -P)" = "$C" ] || exit 53
  D=./\${D#"$C"}
fi
[ ! -d "$D" ] || exit 0
e=$(mkdir -p -- "$D" 2>&1) || because "$e"
sync "$D" "$D/.." 2> /dev/null || sync`;
