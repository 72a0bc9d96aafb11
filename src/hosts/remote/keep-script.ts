import { shellQuote } from '../shell-quote.js';
import { OPEN_STRICTLY } from './file-scripts.js';
import { INSIDE, PLACES } from './run-as.js';
import { HASHED, PRELUDE, QUICKLY_HASHED } from './script.js';

/** Makes the kept directory $KEPT, 0700, and refuses it where it leads elsewhere than its name says. */
const MAKE_KEPT = `if [ ! -d "$KEPT" ]; then
  e=$(mkdir -p -- "$KEPT" 2>&1) || because "$e"
  sync "$KEPT" "$KEPT/.." 2> /dev/null || :
fi
[ ! -L "$KEPT" ] || exit 42
if [ -n "$PROVEN" ] && [ "$(cd -P -- "$KEPT" && pwd -P)" != "$KEPT" ]; then exit 53; fi
trap 'rm -f -- \${T:+"$T" "$T.link"}' EXIT
trap 'exit 129' HUP INT TERM PIPE
`;

/** Owner, mode and time of the original for a copy, as far as the acting user may give them. */
const LIKE = `like() { chown "$1" "$T" 2> /dev/null || :; chmod "$(($2 >> 6 & 7))$(($2 >> 3 & 7))$(($2 & 7))" "$T"; touch -d "@$3" -- "$T" 2> /dev/null || :; }
`;

/** The temporary name becomes the kept one only when that is free: link(2) refuses a name that exists. */
const GIVE_NAME = `give_name() {
  e=$(ln -- "$1" "$KEPT/$B" 2>&1) || { [ ! -e "$KEPT/$B" ] && [ ! -L "$KEPT/$B" ] || exit 65; because "$e"; }
  sync "$KEPT" 2> /dev/null || sync
}
told() {
  size=$(stat -c %s -- "$KEPT/$B") || exit 50
  if [ "$HOW" = hold ]; then printf '%s %s -\\n' "$1" "$size"; return; fi
  HASH=$(head -c "$size" -- "$KEPT/$B" | $SUM); only_hash
  printf '%s %s %s\\n' "$1" "$size" "$HASH"
}
`;

/** Both places belong to one user. $1 = kept directory, $2 = where it must be, $3 = link-or-copy, copy, or hold (link-or-copy, not read). */
const ONE_USER = `${INSIDE}${HASHED}${OPEN_STRICTLY}${QUICKLY_HASHED}${LIKE}${GIVE_NAME}KEPT=$1 PROVEN=$2 HOW=$3 T=
${MAKE_KEPT}if [ -e "$KEPT/$B" ] || [ -L "$KEPT/$B" ]; then
  [ ! -L "$KEPT/$B" ] && [ -f "$KEPT/$B" ] || exit 65
  if [ "$(stat -c '%d:%i' -- "$KEPT/$B")" = "$ID" ]; then told link; exit; fi
  [ "$(hashed < "$KEPT/$B")" = "$(hashed <&3)" ] || exit 65
  told copy; exit
fi
T=$(mktemp "$KEPT/.$B.redis-runbook-XXXXXXXXXX" 2>&1) || { e=$T; T=; because "$e"; }
if [ "$3" != copy ] && ln -- "./$B" "$T.link" 2> /dev/null; then
  [ "$(stat -c '%d:%i' -- "$T.link")" = "$ID" ] || exit 50
  give_name "$T.link"; told link; exit
fi
if cp --reflink=always -- /dev/fd/3 "$T" 2> /dev/null; then how=reflink
else
  how=copy
  HASH=$(tee -- "$T" <&3 2> /dev/null | $SUM); only_hash; went=$HASH
  size=$(stat -c %s -- "$T") && [ "$size" -ge "$SIZE" ] || exit 44
  hash_of "$T"
  [ "$HASH" = "$went" ] || exit 56
fi
s=$(stat -L -c '%u:%g %f %Y' /dev/fd/3); o=\${s%% *}; t=\${s##* }; f=\${s#* }
like "$o" "$((0x\${f% *}))" "$t"
sync "$T" 2> /dev/null || sync
give_name "$T"
# A copy was just read back, and nobody else has written it.
if [ "$how" = copy ]; then printf '%s %s %s\\n' "$how" "$size" "$went"; else told "$how"; fi`;

const FACTS = `${INSIDE}${OPEN_STRICTLY}${HASHED}sum=$(head -c "$SIZE" <&3 | hashed)
printf '%s %s %s\\n' "$(stat -L -c '%u:%g %f %Y' /dev/fd/3)" "$SIZE" "$sum"`;
const CONTENT = `${INSIDE}${OPEN_STRICTLY}exec head -c "$1" <&3`;

/** The side that keeps, when the file comes from another user's directory: its content on standard input, $4... = what FACTS said. */
const STORE = `${PRELUDE}cd / || exit 49
${HASHED}${LIKE}${GIVE_NAME}KEPT=$1 PROVEN=$2 B=$3 HOW= T=
${MAKE_KEPT}T=$(mktemp "$KEPT/.$B.redis-runbook-XXXXXXXXXX" 2>&1) || { e=$T; T=; because "$e"; }
e=$(cat 2>&1 > "$T") || because "$e"
[ "$(hashed < "$T")" = "$8" ] || exit 50
if [ -e "$KEPT/$B" ] || [ -L "$KEPT/$B" ]; then
  [ ! -L "$KEPT/$B" ] && [ -f "$KEPT/$B" ] && [ "$(hashed < "$KEPT/$B")" = "$8" ] || exit 65
else
  like "$4" "$((0x$5))" "$6"
  sync "$T" 2> /dev/null || sync
  give_name "$T"
fi
told copy`;

/** $1 = file, $2 = kept directory, $3 = link-or-copy, copy or hold, $4 and $5 = by whom they were named; says `HOW SIZE SHA256`. */
export const KEEP = `${PLACES}limit "$4" "$5"
here "$1" stay; bound; SU=$U SG=$G SD=$D SB=$B SC=$C
here "$2" make; bound
cd / || exit 49
if [ "$SU" = "$U" ]; then as "$SU" "$SG" /bin/sh -c ${shellQuote(ONE_USER)} sh "$SD" "$SB" "$SC" "$D" "$C" "$3"; exit; fi
source() { as "$SU" "$SG" /bin/sh -c "$1" sh "$SD" "$SB" "$SC" "\${2-}"; }
s=$(source ${shellQuote(FACTS)}) || exit
set -- $s
source ${shellQuote(CONTENT)} "$4" | as "$U" "$G" /bin/sh -c ${shellQuote(STORE)} sh "$D" "$C" "$SB" "$@"`;
