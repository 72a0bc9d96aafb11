import { fileError } from '../local-files.js';
import { PRELUDE } from './script.js';

/**
 * Finds out with whose right a path may be touched. Every parent is looked at from the root: as long as it is root's and
 * nobody else may write to it, links are root's own and are followed here. From the first directory on that another user
 * owns or may write to, that user (or the owner of the last directory) acts, never root: whoever may change a directory
 * could put a link in it and lead root to any file.
 *
 * Sets U and G (who acts), D and B (directory and name), C (where the shell must find itself, when the directory lies in
 * the tree of a third user), STICKY. A sticky directory is safe for what is root's in it.
 */
const WHO = `group_user() {
  { getent passwd || cat /etc/passwd; } 2> /dev/null | awk -F: -v gid="$1" '$4 == gid && !seen { print $3; seen = 1 }'
}
# Sets GROUP, empty where nobody knows the user.
user_group() {
  line=$(getent passwd "$1" 2> /dev/null)
  case $line in
    *:*:"$1":*) line=\${line#*:*:*:}; GROUP=\${line%%:*} ;;
    *) GROUP=$(awk -F: -v uid="$1" '$3 == uid && !seen { print $4; seen = 1 }' /etc/passwd 2> /dev/null) ;;
  esac
}
ME=\${rrb_me:-$(id -u)}
facts() { s=$(stat -c '%f %u %g' -- "$1" 2>&1) || return 1; f=\${s%% *}; g=\${s##* }; u=\${s#* }; u=\${u% *}; m=$((0x$f)); }
# Whether a directory of root's may be changed by others; OTHER says by whom.
opened() {
  OTHER=
  [ $((m & 01000)) -eq 0 ] || return 1
  if [ $((m & 02)) -ne 0 ]; then return 0; fi
  [ $((m & 020)) -ne 0 ] || return 1
  if [ "$g" != 0 ]; then OTHER=$(group_user "$g"); return 0; fi
  case $(ls -ld -- "$1") in ??????????+*) return 0 ;; esac
  return 1
}
# What stat says of every part of a path without links, in order, by one call; nothing when one of them is not there. It
# ends the shell that it is asked in.
ahead() {
  case /$1/ in *//*|*/./*|*/../*) return 1 ;; esac
  rest=$1 each=
  set --
  while [ -n "$rest" ]; do
    each=$each/\${rest%%/*}
    set -- "$@" "$each"
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
  done
  [ $# -gt 0 ] && exec stat -c '%f %u %g' -- "$@" 2> /dev/null
}
# As facts, from what was seen ahead.
next_facts() {
  if [ -z "$SEEN" ]; then facts "$1"; return; fi
  s=\${SEEN%%"$NL"*}; SEEN=\${SEEN#*"$NL"}
  f=\${s%% *}; g=\${s##* }; u=\${s#* }; u=\${u% *}; m=$((0x$f))
}
NL='
'
who() {
  U=0; G=0; C=; STICKY=; at=/; todo=\${1#/}; hops=0
  SEEN=$(ahead "$todo") && SEEN=$SEEN$NL || SEEN=
  while [ -n "$todo" ]; do
    part=\${todo%%/*}
    case $todo in */*) todo=\${todo#*/} ;; *) todo= ;; esac
    case $part in ''|.) continue ;; ..) at=\${at%/*}; at=\${at:-/}
      facts "$at" || because "$s"
      STICKY=$((m & 01000)); continue ;; esac
    next=\${at%/}/$part
    if ! next_facts "$next"; then
      case "$MODE:$s" in make:*'No such file'*) at=$next\${todo:+/$todo}; todo=; break ;; esac
      because "$s"
    fi
    case $((m & 0170000)) in
      40960)
        if [ "$u" != 0 ]; then U=$u; at=$next; break; fi
        SEEN=
        hops=$((hops + 1)); [ $hops -le 40 ] || exit 42
        target=$(readlink -- "$next" && echo .) || exit 42
        target=\${target%??}
        case $target in /*) at=/ ;; esac
        todo=$target\${todo:+/$todo}
        continue ;;
      16384) ;;
      *) exit 43 ;;
    esac
    at=$next
    STICKY=$((m & 01000))
    if [ "$u" != 0 ]; then U=$u; break; fi
    if opened "$next"; then [ -n "$OTHER" ] || exit 52; U=$OTHER; break; fi
  done
  D=$at\${todo:+/$todo}
  [ "$U" != 0 ] || return 0
  last=$D
  # The last directory was seen already when it is the one that decided.
  if [ -z "$todo" ] && [ $((m & 0170000)) -eq 16384 ]; then s="$u $g"
  else until s=$(stat -L -c '%u %g' -- "$last/." 2>&1); do
    case "$MODE:$s" in make:*'No such file'*) last=\${last%/*}; last=\${last:-/} ;; *) because "$s" ;; esac
  done; fi
  if [ "\${s% *}" != 0 ] && [ "\${s% *}" != "$U" ]; then U=\${s% *}; C=$last; fi
  user_group "$U"; G=\${GROUP:-\${s#* }}
}
place() {
  p=$1; tries=0
  while :; do
    if [ "$MODE" = make ] || [ "$MODE" = directory ]; then who "$p"; B=.; return 0; fi
    B=\${p##*/}; who "\${p%/*}"
    [ "$U" = 0 ] || return 0
    # What root put in a place of root's alone is only asked where it leads.
    if [ "\${STICKY:-0}" = 0 ]; then [ "$MODE" = follow ] && [ -L "\${D%/}/$B" ] || return 0; fi
    facts "\${D%/}/$B" || return 0
    if [ -n "$STICKY" ] && [ "$STICKY" != 0 ] && [ "$u" != 0 ]; then U=$u; user_group "$U"; G=\${GROUP:-$g}; return 0; fi
    [ "$MODE" = follow ] && [ $((m & 0170000)) -eq 40960 ] || return 0
    if [ "$u" != 0 ]; then U=$u; user_group "$U"; G=\${GROUP:-$g}; return 0; fi
    tries=$((tries + 1)); [ $tries -le 8 ] || exit 42
    target=$(readlink -- "\${D%/}/$B" && echo .) || exit 42
    target=\${target%??}
    case $target in /*) p=$target ;; *) p=\${D%/}/$target ;; esac
  done
}
# as UID GID COMMAND...: without more right than that user has; never as root when it cannot be had. DO=exec replaces the shell.
DO=
as() {
  uid=$1 gid=$2; shift 2
  if [ "$uid" = "$ME" ]; then $DO "$@"; return; fi
  if [ "\${rrb_as:-}" = setpriv ] || setpriv --reuid "$uid" --regid "$gid" --clear-groups true 2> /dev/null; then
    $DO setpriv --reuid "$uid" --regid "$gid" --clear-groups -- "$@"; return
  fi
  name=$({ getent passwd "$uid" || cat /etc/passwd; } 2> /dev/null | awk -F: -v uid="$uid" '$3 == uid && !seen { print $1; seen = 1 }')
  if [ -n "$name" ] && runuser -u "$name" -- true 2> /dev/null; then $DO runuser -u "$name" -- "$@"; return; fi
  if sudo -n -u "#$uid" true 2> /dev/null; then $DO sudo -n -u "#$uid" -- "$@"; return; fi
  exit 52
}
# limit CONFIG USER: whose word it is what a config file names. LIMIT = whoever but root may write it, else the user that
# its server runs as; empty for root alone.
limit() {
  LIMIT=
  [ -n "$1" ] && [ "$ME" = 0 ] || return 0
  [ -e "$1" ] || exit 50
  here "$1" follow
  if [ "$U" = 0 ]; then
    facts "\${D%/}/$B" || exit 50
    U=$u
    if [ "$U" = 0 ] && [ $((m & 02)) -ne 0 ]; then exit 52; fi
    if [ "$U" = 0 ] && [ $((m & 020)) -ne 0 ] && [ "$g" != 0 ]; then U=$(group_user "$g"); [ -n "$U" ] || exit 52; fi
    if [ "$U" = 0 ] && [ -n "$2" ]; then U=$2; fi
  fi
  [ "$U" = 0 ] || LIMIT=$U
}
# After here: with no more right than LIMIT.
bound() {
  if [ -z "$LIMIT" ] || [ "$U" = "$LIMIT" ]; then return 0; fi
  U=$LIMIT; user_group "$U"; G=\${GROUP:-$U}
}
# Where root does not act there is nobody to become: whoever is logged in has only that right.
here() {
  MODE=$2
  if [ "$ME" = 0 ]; then place "$1"; return; fi
  U=$ME; G=$(id -g); C=; D=$1; B=.
  case $2 in make|directory) ;; *) B=\${1##*/}; D=\${1%/*}; D=\${D:-/} ;; esac
}
`;

/** What a script that acts in a directory begins with: it is there, and it is where it should be. D, B and its arguments are set. */
export const INSIDE = `${PRELUDE}D=$1 B=$2 C=$3; shift 3
cd / || exit 49
cd -P -- "$D" 2> /dev/null || { s=$(stat -c %f -- "$D/." 2>&1) || because "$s"; exit 41; }
if [ -n "$C" ] && [ "$(pwd -P)" != "$C" ]; then exit 53; fi
`;

/** The walk and one script in the directory that it leads to, in one shell line; in the same shell where nobody else acts. */
const AT_PATH = `${PRELUDE}${WHO}script=$1; limit "$2" "$3"; here "$4" "$5"; bound; shift 5
cd / || exit 49
set -- "$D" "$B" "$C" "$@"
if [ "$U" = "$ME" ]; then eval "$script"; exit; fi
DO=exec; as "$U" "$G" /bin/sh -c "$script" sh "$@"
`;

/** The same, but only where root alone may write: anything else is refused. */
const AS_ROOT = `${PRELUDE}${WHO}script=$1; here "$2" directory; shift 2
[ "$U" = 0 ] || exit 52
cd / || exit 49
set -- "$D" . '' "$@"
eval "$script"; exit
`;

/** One script between two places, which may have two owners; it gets `PLACES` and is written like AT_PATH itself. */
export const PLACES = `${PRELUDE}${WHO}`;

export interface Script {
  readonly script: string;
  readonly args: readonly string[];
}

/** Refuses a path that no script may get: not absolute, or one that names no file. */
export function checkPath(path: string): string {
  const plain = path.length > 1 ? path.replace(/\/+$/, '') : path;
  if (!plain.startsWith('/') || plain.includes('\0')) throw fileError('EINVAL', `${path} is no absolute path`);
  if (/(^|\/)\.\.?$/.test(plain)) throw fileError('EINVAL', `${path} names no file`);
  return plain;
}

/** By whom a path was named: it is touched with no more right than that of whoever may write the config, else of the server's user. */
export interface NamedBy {
  readonly config: string;
  /** The user that the config's server was last seen to run as. */
  readonly user?: number | undefined;
}

/** The two arguments that `limit` takes. */
export function limitArguments(by: NamedBy | undefined): readonly [config: string, user: string] {
  if (by === undefined) return ['', ''];
  return [checkPath(by.config), by.user === undefined ? '' : String(by.user)];
}

type Mode = 'follow' | 'stay' | 'directory' | 'make';

/**
 * A script (beginning with `INSIDE`) in the directory of `path`, with the right of whoever controls it. `follow`: a
 * final link of root's in a directory of root's is resolved first. `stay`: it is not. `directory`: `path` is the
 * directory itself; `make`: it may be missing (then the nearest one that exists decides).
 */
export function atPath(script: string, path: string, mode: Mode, ...args: readonly string[]): Script {
  return atNamedPath(undefined, script, path, mode, ...args);
}

/** As `atPath`, for a path that a config file or its server named. */
export function atNamedPath(
  by: NamedBy | undefined,
  script: string,
  path: string,
  mode: Mode,
  ...args: readonly string[]
): Script {
  return { script: AT_PATH, args: [script, ...limitArguments(by), checkPath(path), mode, ...args] };
}

/** A script (beginning with `INSIDE`) as root in a directory that only root may change. */
export function asRootIn(script: string, directory: string, ...args: readonly string[]): Script {
  return { script: AS_ROOT, args: [script, checkPath(directory), ...args] };
}
