import { type NodeEntry, placeOf } from '../../model/inventory.js';
import { PLACES } from '../remote/run-as.js';
import { PRELUDE } from '../remote/script.js';

/** Statuses of the scripts below; 0 = as asked. */
export const STILL_RUNNING = 70;
export const OTHER_PROCESS = 71;
const START_FAILED = 72;
export const NOT_LISTENING = 73;
export const PORT_TAKEN = 74;

/** Waiting on the host itself, so that a slow connection costs nothing: END = seconds since the epoch. */
const WAITING = `nap() { sleep 0.05 2> /dev/null || sleep 1; }
late() { [ "$(date +%s)" -ge "$END" ]; }
until_in() { END=$(($(date +%s) + $1)); }
# Sets STATE and TICKS of a pid; fails when it is gone. A command may hold brackets and blanks (proc(5)).
process() { s=$(cat "/proc/$1/stat" 2> /dev/null) || return 1; s=\${s##*') '}; set -- $s; STATE=$1; shift 19; TICKS=$1; }
runs() { process "$1" && [ "$TICKS" = "$2" ] && [ "$STATE" != Z ] && [ "$STATE" != X ]; }
is_server() {
  exe=$(readlink "/proc/$1/exe") || return 1
  exe=\${exe% (deleted)}
  case \${exe##*/} in redis-server|redis-sentinel|valkey-server|valkey-sentinel) ;; redis-check-rdb|valkey-check-rdb|redis-check-aof|valkey-check-aof) ;; *) return 1 ;; esac
}
# Whether nobody else than this process listens where the node does; nobody at all is fine.
own_port() {
  inodes=$(grep -hE "$LISTENS" /proc/net/tcp /proc/net/tcp6 /proc/net/unix 2> /dev/null | awk '{ print ($4 == "00010000") ? $7 : $10 }')
  [ -n "$inodes" ] || return 0
  fds=$(ls -l "/proc/$1/fd" 2> /dev/null)
  for each in $inodes; do case $fds in *"socket:[$each]"*) return 0 ;; esac; done
  return 1
}
listening() { grep -qE "$LISTENS" /proc/net/tcp /proc/net/tcp6 /proc/net/unix 2> /dev/null; }
`;

/** Ends one process by SIGTERM: $1 pid, $2 its start, $3 seconds, $4 = what listening looks like. Executable, start and port are read again right before the signal: the pid may be another's by now. */
export const STOP_PROCESS = `${PRELUDE}${WAITING}LISTENS=$4
runs "$1" "$2" && is_server "$1" && own_port "$1" || exit ${OTHER_PROCESS}
e=$(kill -TERM "$1" 2>&1) || because "$e"
until_in "$3"
while runs "$1" "$2"; do late && exit ${STILL_RUNNING}; nap; done`;

/**
 * Starts a plain process: $1 = its config, $2 = the user that it ran as (may be empty), $3 = state directory, $4 = what
 * listening looks like, $5 = seconds, then the command. Not as root, unless its config and its data are root's: as the
 * user it ran as, else as whoever may write its config (which names the data directory, and may name anybody's), else,
 * where that is root alone, as the owner of its data directory. What it writes to standard
 * error goes to a nameless file: config errors stand there, not in the log.
 */
export const START_PROCESS = `${PLACES}${WAITING}config=$1 was=$2 state=$3 LISTENS=$4 seconds=$5; shift 5
listening && exit ${PORT_TAKEN}
here "$config" follow
home=\${config%/*}; home=\${home:-/}
if [ "$(id -u)" = 0 ]; then
  LIMIT=
  [ ! -e "$config" ] || limit "$config" ''
  if [ -n "$was" ]; then U=$was; user_group "$U"; G=$GROUP
  elif [ -n "$LIMIT" ]; then U=$LIMIT; user_group "$U"; G=$GROUP
  else
    data=$(awk 'tolower($1) == "dir" { v = $2; gsub(/["\\047]/, "", v) } END { print v }' "$config" 2> /dev/null)
    case $data in /*) ;; *) data=$home/\${data:-.} ;; esac
    owner=$(stat -L -c '%u %g' -- "$data" 2> /dev/null) || owner='0 0'
    if [ "\${owner% *}" != 0 ]; then U=\${owner% *}; user_group "$U"; G=\${GROUP:-\${owner#* }}; fi
  fi
  G=\${G:-$U}
fi
[ -d "$state" ] || e=$(mkdir -p -- "$state" 2>&1) || because "$e"
words=$(mktemp "$state/.start.XXXXXXXXXX" 2>&1) || because "$words"
exec 3<> "$words"
rm -f -- "$words"
cd / || exit 49
( exec < /dev/null > /dev/null 2>&3
  DO=exec
  as "$U" "$G" /bin/sh -c 'cd -- "$1" || exit 126; shift; exec 3>&-; command -v setsid > /dev/null 2>&1 && exec setsid "$@"; exec nohup "$@"' sh "$home" "$@"
) &
child=$! ended=
until_in "$seconds"
until listening; do
  if [ -z "$ended" ] && { ! process "$child" || [ "$STATE" = Z ]; }; then
    wait "$child"; ended=$?
    # A launcher that daemonizes ends with 0 before its child listens (server.c:main).
    if [ "$ended" != 0 ]; then printf 'ended with status %s\\n' "$ended"; head -c 4096 /proc/self/fd/3; exit ${START_FAILED}; fi
  fi
  if late; then head -c 4096 /proc/self/fd/3; exit ${NOT_LISTENING}; fi
  nap
done`;

/**
 * Stops a unit and sees that its process is gone: $1 unit, $2 pid, $3 its start (both empty when unknown), $4 seconds.
 * systemd's own limit may be shorter or none. It signals once for each stop job: a server that refused to go (a save that
 * failed, server.c:prepareForShutdown) while the job waits for ever is asked again, with a signal of its own.
 */
export const STOP_UNIT = `${PRELUDE}${WAITING}asked=$(systemctl show -p ActiveState -- "$1")
e=$(systemctl stop --no-block -- "$1" 2>&1) || because "$e"
case $asked in *=deactivating) [ -z "$2" ] || ! runs "$2" "$3" || ! is_server "$2" || kill -TERM "$2" 2> /dev/null ;; esac
until_in "$4"
while :; do
  if [ -z "$2" ] || ! runs "$2" "$3"; then
    case $(systemctl show -p ActiveState -- "$1") in *=inactive|*=failed) exit 0 ;; esac
  fi
  late && exit ${STILL_RUNNING}
  nap
done`;

/** Starts a unit: $1 unit, $2 what listening looks like, $3 seconds. Says the journal when it fails. */
export const START_UNIT = `${PRELUDE}${WAITING}unit=$1 LISTENS=$2
# Sets a variable per property: one call for all of them.
look() {
  ActiveState= SubState= NRestarts= Job= Result= AssertResult=
  shown=$(systemctl show -p ActiveState,SubState,NRestarts,Job,Result,AssertResult -- "$unit")
  while IFS='=' read -r name value; do
    case $name in ActiveState|SubState|NRestarts|Job|Result|AssertResult) eval "$name=$value" ;; esac
  done << SHOWN
$shown
SHOWN
}
failed() {
  printf '%s\\n' "$1"
  journalctl --no-pager -o cat -n 20 -u "$unit" 2> /dev/null | tail -c 16384
  exit ${START_FAILED}
}
look
case $ActiveState in active|reloading) ;; *) if listening; then exit ${PORT_TAKEN}; fi ;; esac
systemctl reset-failed -- "$unit" 2> /dev/null
# That it forgets what was counted is only seen where something was.
[ "$ActiveState:$NRestarts" = inactive:0 ] || look
restarts=$NRestarts
e=$(systemctl start --no-block -- "$unit" 2>&1) || failed "$e"
until_in "$3"
while :; do
  look
  case $ActiveState in active|activating|reloading) if listening && [ "$SubState" != auto-restart ]; then exit 0; fi ;; esac
  case $ActiveState in
    failed) failed 'the unit failed' ;;
    inactive) [ "\${Job:-0}" != 0 ] || failed "the unit did not start (result $Result, assertions $AssertResult)" ;;
  esac
  if [ "$NRestarts" != "$restarts" ]; then failed 'the unit ended and was started again'; fi
  late && { failed "the unit is $ActiveState and nothing listens"; }
  nap
done`;

/** Stops by the init script: $1 script, $2 pid, $3 its start, $4 seconds. The script may wait for ever; it is ended with its time. */
export const STOP_SCRIPT = `${PRELUDE}${WAITING}until_in "$4"
if command -v timeout > /dev/null 2>&1; then timeout "$4" "$1" stop < /dev/null > /dev/null 2>&1
else "$1" stop < /dev/null > /dev/null 2>&1; fi
[ -n "$2" ] || exit 0
while runs "$2" "$3"; do late && exit ${STILL_RUNNING}; nap; done`;

/** Starts by the init script: $1 script, $2 state directory, $3 what listening looks like, $4 seconds. Its status is 0 even when it failed (Debian), so only the port tells. */
export const START_SCRIPT = `${PRELUDE}${WAITING}LISTENS=$3
listening && exit ${PORT_TAKEN}
[ -d "$2" ] || e=$(mkdir -p -- "$2" 2>&1) || because "$e"
words=$(mktemp "$2/.start.XXXXXXXXXX" 2>&1) || because "$words"
exec 3<> "$words"
rm -f -- "$words"
cd / || exit 49
"$1" start < /dev/null >&3 2>&1 3>&-
status=$?
until_in "$4"
until listening; do
  if [ "$status" != 0 ] || late || grep -q 'FATAL CONFIG' /proc/self/fd/3; then
    printf 'the script ended with status %s\\n' "$status"; head -c 4096 /proc/self/fd/3; exit ${START_FAILED}
  fi
  nap
done`;

function hexAddress(address: string): string | undefined {
  const bytes = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)?.slice(1).map(Number);
  if (!bytes || bytes.some((byte) => byte > 255)) return undefined;
  return bytes
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

/**
 * An extended regular expression for the line of /proc/net/tcp or tcp6 on which the node listens, at its address or at
 * every one, or for its unix socket's line of /proc/net/unix.
 */
export function listeningPattern(node: Parameters<typeof placeOf>[0]): string {
  const { address, port } = placeOf(node);
  if (port === 0) return ` 00010000 0001 [0-9A-F]+ +[0-9]+ ${address.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const hex = hexAddress(address);
  const addresses = hex === undefined ? '[0-9A-F]+' : `(${hex}|00000000|[0-9A-F]{32})`;
  const hexPort = port.toString(16).padStart(4, '0').toUpperCase();
  return `^ *[0-9]+: ${addresses}:${hexPort} [0-9A-F]+:0000 0A `;
}

/** The process title of a node as an extended regular expression for pgrep -f (server.c:redisSetProcTitle). */
export function titlePattern(node: NodeEntry): string {
  const { address, port } = placeOf(node);
  const end = node.kind === 'sentinel' ? ' \\[sentinel\\]' : '( |$)';
  const place = (port === 0 ? `unixsocket:${address}` : `${address}:${port}`).replaceAll('.', '\\.');
  return `(redis|valkey)-(server|sentinel) ${place}${end}`;
}
