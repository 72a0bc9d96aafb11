import type { NodeEntry } from '../../model/inventory.js';
import { defaultLimits } from '../host.js';
import { atPath, INSIDE } from './run-as.js';
import { textOf } from './script.js';
import type { Shell } from './sudo.js';

/**
 * The owners of a node's config directory and of the data directory that its config files name, one a line; and the pidfile. What
 * is said last counts, an include being read where it stands (config.c:loadServerConfigFromString).
 */
const OWNERS = `${INSIDE}value() {
  awk 'BEGIN { want["include"]; want["dir"]; want["pidfile"] }
    tolower($1) in want { v = $2; gsub(/["\\047]/, "", v); print tolower($1), v }' "$1" 2> /dev/null
}
data= pidfile=
read_in() {
  while read -r name said; do
    case $name in
      include) [ "$2" -gt 4 ] || for each in $said; do [ ! -f "$each" ] || read_in "$(value "$each")" $(($2 + 1)); done ;;
      dir) data=\${said:-$data} ;;
      pidfile) pidfile=$said ;;
    esac
  done << SAID
$1
SAID
}
read_in "$(value "./$B")" 1
stat -L -c %u -- . "\${data:-.}" 2> /dev/null
case $pidfile in /*) printf 'pidfile %s\\n' "$pidfile" ;; esac
:`;

/** The login user, and the owners of a node's config and data directories; none when they could not be seen. */
export interface Owners {
  readonly login: number;
  readonly files: readonly number[];
  /** The pidfile that the config names, absolute. */
  readonly pidFile: string | undefined;
}

/** Reads them in one look. Rejects as the shell does. */
export async function readOwners(shell: Shell, node: NodeEntry, signal: AbortSignal): Promise<Owners> {
  const options = { timeoutMs: defaultLimits.lookTimeoutMs, limitBytes: 4096 };
  const [rights, owners] = await Promise.all([
    shell.rights(signal),
    shell.look(atPath(OWNERS, node.config, 'follow'), options, signal),
  ]);
  const uids = textOf(owners.stdout).split('\n');
  const pidFile = uids.flatMap((line) => /^pidfile (\/.+)$/.exec(line)?.[1] ?? []).at(-1);
  return { login: rights.uid, files: uids.filter((uid) => /^\d+$/.test(uid)).map(Number), pidFile };
}
