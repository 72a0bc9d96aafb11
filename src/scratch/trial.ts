import type { RunOutput, WritableHost } from '../hosts/host.js';
import type { NodeEntry, NodeKind } from '../model/inventory.js';
import { type TrialFiles, trialText } from './trial-text.js';

/** How far the server that was tried was kept from the machine around it. */
export interface Confinement {
  /** It ran in a network namespace of its own: it could reach nothing. */
  readonly confined: boolean;
  /** Why not, where it did not. */
  readonly notConfinedWhy?: string;
}

/** Whether a server starts with a config. `says` holds the server's own words, never a line of the config itself. */
export type Trial = Confinement &
  (
    | { readonly starts: true }
    | { readonly starts: false; readonly says: string; readonly at?: { readonly file: string; readonly line: number } }
  );

const LIMIT_MS = 15_000;
/** User and group of nobody, on every Linux. */
const NOBODY = 65534;

/**
 * Runs on the node's host, because only its version decides. $1 program, $2 `--sentinel` or empty, $3 and $4 user and
 * group for when this is root, $5 `closed` to end with status 96 where no namespace is to be had; the config comes on
 * stdin. At most two seconds, and less when the server says that it is
 * up; it is ended by SIGKILL, so that it saves and says nothing. First line: confined or not; second: how it went.
 */
const SCRIPT = `umask 077
# Root has a place where nobody else may write; its own state directory lets the server's user in nowhere.
at=\${TMPDIR:-/tmp}
if [ "$(id -u)" = 0 ] && [ -w /run ]; then at=/run; fi
d=$(mktemp -d "$at/redis-runbook-trial.XXXXXXXXXX") || exit 97
trap 'rm -rf "$d"' EXIT
cat > "$d/trial.conf" && mkdir "$d/run" && mv "$d/trial.conf" "$d/run/" && cd "$d/run" || exit 97
drop=
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
  drop="setpriv --reuid=$3 --regid=$4 --clear-groups --no-new-privs"
  chown "$3:$4" . trial.conf && chmod 711 "$d" || exit 97
fi
net=
if $drop unshare -Urn true 2> /dev/null; then net="$drop unshare -Urn"
elif unshare -n $drop true 2> /dev/null; then net="unshare -n $drop"
fi
if [ -n "$net" ]; then echo confined
elif [ "$5" = closed ]; then exit 96
else echo open; net=$drop
fi
ulimit -c 0; ulimit -t 5; ulimit -f 20480; ulimit -v 8388608 2> /dev/null
env -i PATH="$PATH" $net "$1" ./trial.conf $2 > "$d/out" 2>&1 &
p=$!
n=0
while kill -0 $p 2> /dev/null && [ $n -lt 40 ]; do
  grep -q -e 'Ready to accept connections' -e 'Sentinel ID is' -e 'now ready to accept' "$d/out" && break
  sleep 0.05
  n=$((n + 1))
done
if kill -KILL $p 2> /dev/null; then echo lived; else echo ended; fi
wait $p 2> /dev/null
head -c 65536 "$d/out"`;

/**
 * Tries whether the node's server would start with these config files: a rewritten copy that touches nothing, in an
 * empty directory of its own, as the owner of the config file and not as root, in a network namespace where the machine
 * allows. Throws when the trial itself cannot be made.
 */
export async function trial(
  host: WritableHost,
  node: { readonly entry: NodeEntry; readonly texts: TrialFiles['texts']; readonly globs: TrialFiles['globs'] },
  signal: AbortSignal,
): Promise<Trial> {
  const { entry } = node;
  const made = trialText(entry.kind, { main: entry.config, texts: node.texts, globs: node.globs });
  const stat = await host.stat(entry.config);
  const [uid, gid] = stat.ok && stat.value.uid !== 0 ? [stat.value.uid, stat.value.gid] : [NOBODY, NOBODY];
  const program = entry.start[0] ?? (entry.kind === 'redis' ? 'redis-server' : 'redis-sentinel');
  const tried = await tryText(host, { kind: entry.kind, program, text: made.text, uid, gid }, signal);
  if (tried.starts) return tried;
  const { says, line, ...rest } = tried;
  const origin = line === undefined ? undefined : made.origins[line - 1];
  if (origin === undefined) return { ...rest, says };
  const { file, name } = origin;
  const at = { file, line: origin.line };
  return { ...rest, says: `${file}:${at.line}: ${says}${name === '' ? '' : ` (${name})`}`, at };
}

/** A text that touches nothing (`trialText`), and how it is tried. */
export interface TextToTry {
  readonly kind: NodeKind;
  /** The server, as a path or as it is found in PATH. */
  readonly program: string;
  readonly text: string;
  /** Of the server, where we are root; nobody when left out. */
  readonly uid?: number;
  readonly gid?: number;
  /** Only in a network namespace of its own: where there is none, nothing is started and it throws. */
  readonly closedOnly?: boolean;
}

/** What a server did with a text: `line` (1-based) where it named one, `says` its words without the line itself. */
export type Tried = Confinement &
  ({ readonly starts: true } | { readonly starts: false; readonly says: string; readonly line?: number });

/** Starts a server with a text in an empty directory of its own, waits until it is up or has ended, and ends it. */
export async function tryText(host: Pick<WritableHost, 'run'>, given: TextToTry, signal: AbortSignal): Promise<Tried> {
  const { kind, program, uid = NOBODY, gid = NOBODY } = given;
  const flag = kind === 'sentinel' && !/sentinel$/.test(program) ? '--sentinel' : '';
  const closed = given.closedOnly === true ? 'closed' : '';
  const argv = ['sh', '-c', SCRIPT, 'sh', program, flag, String(uid), String(gid), closed];
  const options = { timeoutMs: LIMIT_MS, stdin: given.text.replace(/[\ud800-\udfff]/g, '?'), limitBytes: 256 * 1024 };
  return read(await host.run(argv, options, signal));
}

function read(output: RunOutput): Tried {
  if (output.status === 96) throw new Error(noNamespaces);
  const [confined = '', how = '', ...said] = output.stdout.split('\n');
  if (how !== 'lived' && how !== 'ended') {
    throw new Error(`the trial start could not be made: ${output.stderr.trim() || `status ${output.status}`}`);
  }
  const confinement: Confinement =
    confined === 'confined' ? { confined: true } : { confined: false, notConfinedWhy: noNamespaces };
  return how === 'lived' ? { ...confinement, starts: true } : { ...confinement, starts: false, ...reasonOf(said) };
}

const noNamespaces = 'this machine allows no namespaces';

/** `Reading the configuration file, at line N`, then the line, then the reason (config.c:loadServerConfigFromString). */
function reasonOf(said: readonly string[]): { readonly says: string; readonly line?: number } {
  const at = said.findIndex((line) => /at line \d+$/.test(line));
  if (at < 0) return { says: lastWords(said) };
  return { says: plain(said[at + 2] ?? 'no reason given'), line: Number(/at line (\d+)$/.exec(said[at] ?? '')?.[1]) };
}

function lastWords(said: readonly string[]): string {
  const crash = said.findIndex((line) => line.includes('BUG REPORT START'));
  const before = crash < 0 ? said : said.slice(0, crash);
  const words = before.map(plain).filter((line) => line !== '' && !line.startsWith('>>>'));
  return words.slice(-2).join('; ') || 'it ended without a word';
}

/** A server's line without its prefix (`PID:ROLE DATE # `) and without what is no plain text. */
function plain(line: string): string {
  return line
    .replace(/^\d+:[A-Z] .*? [.\-*#] /, '')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 300);
}
