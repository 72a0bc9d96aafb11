import { dirname } from 'node:path';
import { RunbookError } from '../errors.js';
import { ChannelLost } from '../hosts/channel.js';
import type { WritableHost } from '../hosts/host.js';
import { listeningPattern } from '../hosts/services/service-scripts.js';
import type { NodeEntry } from '../model/inventory.js';
import type { Action, Plan } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { RedisSurvey, Survey } from '../model/survey.js';

/** Locks, holds and kept configs; a file system that has less is full for every purpose. */
const MARGIN_BYTES = 1_048_576n;
const TIMEOUT_MS = 15_000;

/** A directory that a run needs on a host. `needBytes`: what it must have free; `mayNeedBytes`: what it may need in all. */
interface Place {
  readonly path: string;
  readonly needBytes: bigint;
  readonly mayNeedBytes: bigint;
  readonly why: string;
}

/** What was tried on a host without changing anything. `warning`: it stops nothing, and should be known. */
export interface Tried {
  readonly host: string;
  readonly about: 'room' | 'right' | 'port';
  readonly state: 'ok' | 'warning' | 'failed';
  readonly says: string;
}

/**
 * $1 = how many directories follow: for each the nearest one that exists, whether it can be written, and what df says.
 * Then what listening looks like, for each node that does not run: `free`, or `taken` with pid and name of who listens.
 */
const SCRIPT = `LC_ALL=C; export LC_ALL
n=$1; shift
while [ "$n" -gt 0 ]; do
  d=$1; shift; n=$((n - 1))
  while [ ! -d "$d" ] && [ "$d" != / ]; do d=\${d%/*}; d=\${d:-/}; done
  if [ -w "$d" ]; then w=yes; else w=no; fi
  printf '%s %s\\n' "$w" "$(df -P -k -- "$d" 2> /dev/null | tail -n 1 | tr '\\n' ' ')"
done
for listens do
  inode=$(grep -hE "$listens" /proc/net/tcp /proc/net/tcp6 /proc/net/unix 2> /dev/null | awk '{ print ($4 == "00010000") ? $7 : $10; exit }')
  if [ -z "$inode" ]; then echo free; continue; fi
  who=
  for dir in /proc/[0-9]*; do
    case $(ls -l "$dir/fd" 2> /dev/null) in *"socket:[$inode]"*) who="\${dir#/proc/} $(head -c 100 "$dir/comm" | tr -cd 'A-Za-z0-9._ -')"; break ;; esac
  done
  printf 'taken %s\\n' "$who"
done`;

/**
 * Tries on one host, in one exchange, what a plan needs there before anything is stopped: every config file that is
 * rewritten stands in a directory that can be written, the disk has room for what is kept and saved, and nobody else
 * listens where a node that does not run will. Throws RunbookError as the host does, `unreachable` when the connection is
 * lost.
 */
export async function tryHost(
  plan: Plan,
  survey: Survey,
  host: WritableHost,
  signal: AbortSignal,
): Promise<readonly Tried[]> {
  const places = placesOf(plan, survey, host);
  const name = host.entry.name;
  const stopped = stoppedNodes(plan, survey, host);
  const paths = places.map((place) => place.path);
  const argv = ['sh', '-c', SCRIPT, 'sh', String(paths.length), ...paths, ...stopped.map(listeningPattern)];
  const output = await host.run(argv, { timeoutMs: TIMEOUT_MS }, signal).catch((error: unknown) => {
    if (!(error instanceof ChannelLost)) throw error;
    throw new RunbookError('unreachable', `${name} was lost before anything was changed: ${error.message}`);
  });
  const lines = output.stdout.split('\n');
  return [
    ...places.map((place, index) => judge(name, place, lines[index] ?? '')),
    ...stopped.flatMap((node, index) => judgePort(name, node, lines[paths.length + index] ?? '')),
  ];
}

/** The nodes that the plan starts and whose own server is known not to run now. */
function stoppedNodes(plan: Plan, survey: Survey, host: WritableHost): readonly NodeEntry[] {
  const starts = new Set(actionsOf(plan).flatMap(({ kind, node }) => (kind === 'service.start' ? [node] : [])));
  const group = survey.groups[plan.group];
  const resting = [...(group?.redis ?? []), ...(group?.sentinels ?? [])].filter(
    ({ node, process }) => starts.has(node) && process.ok && process.value === null,
  );
  return host.entry.nodes.filter(({ id }) => resting.some(({ node }) => node === id));
}

function judgePort(host: string, node: NodeEntry, line: string): readonly Tried[] {
  const [, pid = '', program = ''] = /^taken (?:(\d+) (.+))?/.exec(line) ?? [];
  if (!line.startsWith('taken')) return [];
  const who = pid === '' ? 'another program' : `${program} (pid ${pid})`;
  const says = `port ${node.port} is held by ${who}: ${node.id} could not be started`;
  return [{ host, about: 'port', state: 'failed', says }];
}

/** Refuses a run that would stop half way for want of a right or of room: RunbookError `disk-full` or `blocked`. */
export function refuseFailed(tried: readonly Tried[]): void {
  const failed = tried.filter((each) => each.state === 'failed');
  const [first, ...more] = failed;
  if (first === undefined) return;
  const isFull = failed.every((each) => each.about === 'room');
  throw new RunbookError(isFull ? 'disk-full' : 'blocked', `${first.host}: ${first.says}. Nothing was changed.`, {
    facts: more.map((each) => `${each.host}: ${each.says}`),
    next: [...new Set(failed.map((each) => remedies[each.about])), 'redis-runbook recover   again after that'],
  });
}

const remedies: Readonly<Record<Tried['about'], string>> = {
  room: 'make room there, never by removing data of Redis',
  right: 'make it writable there',
  port: "see what it is by that pid, and end it there; it is none of the fleet's servers",
};

function judge(host: string, place: Place, line: string): Tried {
  const isWritable = line.startsWith('yes ');
  const free = freeBytes(line);
  if (!isWritable)
    return { host, about: 'right', state: 'failed', says: `${place.path} cannot be written: ${place.why}` };
  const about = 'room';
  if (free === undefined)
    return { host, about, state: 'warning', says: `${place.path}: its free space could not be seen` };
  const has = `${free} bytes are free`;
  if (free < place.needBytes) {
    return {
      host,
      about,
      state: 'failed',
      says: `${place.path} needs ${place.needBytes} bytes and ${has}: ${place.why}`,
    };
  }
  if (free < place.mayNeedBytes) {
    const may = `may need ${place.mayNeedBytes} bytes, and ${has}: a replica that copies its master in full may not have room`;
    return { host, about, state: 'warning', says: `${place.path} ${may}` };
  }
  return { host, about, state: 'ok', says: `${place.path} can be written, ${has}` };
}

/** `df -P -k`: blocks of 1024 bytes, used, available, capacity; names around them may hold blanks. */
function freeBytes(line: string): bigint | undefined {
  const available = /\s\d+\s+\d+\s+(-?\d+)\s+\d+%\s/.exec(line)?.[1];
  if (available === undefined) return undefined;
  const bytes = BigInt(available) * 1024n;
  return bytes < 0n ? 0n : bytes;
}

function placesOf(plan: Plan, survey: Survey, host: WritableHost): readonly Place[] {
  const { name, state } = host.entry;
  const actions = actionsOf(plan).filter((action) => action.host === name);
  const small = { needBytes: MARGIN_BYTES, mayNeedBytes: MARGIN_BYTES };
  const configs = new Set(
    actions.flatMap((action) => (action.kind === 'config.rewrite' ? [dirname(action.path)] : [])),
  );
  return [
    { path: state, ...small, why: 'the lock, the holds and the kept configs stand there' },
    ...[...configs].map((path) => ({ path, ...small, why: 'config files there are rewritten' })),
    ...(survey.groups[plan.group]?.redis ?? [])
      .filter((node) => node.host === name)
      .flatMap((node) => dataPlace(plan, node, actions)),
  ];
}

/**
 * A save writes a new file beside the old one, which a kept link keeps; an append-only file that grows is copied each
 * time. A replica that resyncs in full receives an RDB and rewrites its AOF (replication.c:readSyncBulkPayload).
 */
function dataPlace(plan: Plan, node: RedisSurvey, actions: readonly Action[]): readonly Place[] {
  const config = known(node.config);
  if (config === undefined || !config.dir.startsWith('/')) return [];
  const own = actions.filter((action) => action.node === node.node);
  const aofFiles = known(node.aof)?.files ?? [];
  const aof = aofFiles.reduce((sum, file) => sum + file.sizeBytes, 0n);
  const rdb = known(node.rdbStat)?.sizeBytes ?? 0n;
  const data = rdb > 0n ? rdb : aof;
  const growing = aofFiles.at(-1)?.sizeBytes ?? 0n;
  const keeps = BigInt(own.filter((action) => action.kind === 'data.keep').length);
  const saves = own.some((action) => action.kind === 'service.stop' && action.mode === 'save') ? data : 0n;
  const sent = own.flatMap((action) => (action.kind === 'data.send' ? action.files : []));
  const arrives = sent.reduce((sum, file) => sum + file.sizeBytes, 0n);
  const needBytes = MARGIN_BYTES + keeps * growing + saves + arrives;
  const copies = node.node === plan.master ? 0n : config.appendonly ? 2n * data : data;
  const why = 'data files are kept and saved there';
  return [{ path: config.dir, needBytes, mayNeedBytes: needBytes + copies, why }];
}
