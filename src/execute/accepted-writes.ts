import type { RedisReader } from '../hosts/host.js';
import type { ActionOf } from '../model/plan.js';
import { filesNow, plannedPlace } from './data-place.js';
import { answerOf, infoOf, withReader } from './node.js';
import { pidOfStarted } from './pid-appears.js';
import type { At, Found } from './tools.js';

/** A clock and a start may be this far apart from what the journal noted. */
const SLACK_MS = 20_000;

/** Before the time in the key of an evidence: which data files a master had right before one of its starts. */
const FILES_BEFORE = 'data files before ';

/** Notes which data files a node has that is started as master now, for whoever takes that back. Rejects only where that cannot be journalled. */
export async function noteFilesBefore(node: string, at: At): Promise<void> {
  const key = `${FILES_BEFORE}${at.tools.now().toISOString()}`;
  const files = await plannedPlace(at, node)
    .then((place) => filesNow(at, node, place))
    .catch((error: Error) => `not seen: ${error.message}`);
  await at.evidence('its data files before the start', { [key]: files });
}

/**
 * Why a node that a run started must not be stopped and made what it was before: clients may have written to it since, and
 * nobody else has that. Asked of what it started as master, and of a replica that is the master by now. Undefined when it
 * is known that it accepted nothing: the very process that the run started has executed no command that the server marks
 * as a write (INFO commandstats counts each since the start, those of scripts, transactions and a replica's master too, and
 * not what was loaded), and nobody set these counters back. Of a start that was cut off it waits for what may still come up.
 */
export async function acceptedWrites(
  action: ActionOf<'service.start'>,
  at: At,
  found: Found,
): Promise<string | undefined> {
  const { as, node } = action;
  const pid = await pidOfStarted(node, at, found);
  if (as === 'sentinel') return undefined;
  if (pid === null) return as === 'master' ? downSince(node, at, found) : undefined;
  return withReader(at, node, async (reader) => {
    if (as === 'replica' && !(await isMasterNow(reader))) return undefined;
    const restarted = await restartedSince(node, pid, reader, at, found);
    const writes = restarted ?? (await writesOf(node, reader));
    return writes === undefined || as === 'master'
      ? writes
      : `${node} was started as a replica and is master by now: ${writes}`;
  });
}

/** Whether the node says that it is a master, whatever it was started as. */
export async function isMasterNow(reader: RedisReader): Promise<boolean> {
  return (await infoOf(reader, 'replication')).get('role') === 'master';
}

/**
 * It may have served for a while, also where its start was seen to fail, or was cut off: a server may come up after nobody
 * waits for it any more. What it accepted then and is not on its disk is gone already. One whose files were not noted yet was
 * not started: that is on the operator's disk before the start begins.
 */
async function downSince(node: string, at: At, found: Found): Promise<string | undefined> {
  const before = Object.entries(found).flatMap(([key, files]) => (key.startsWith(FILES_BEFORE) ? [files] : []));
  if (found.outcome === 'begun' && before.length === 0) return undefined;
  if ((found.outcome === 'failed' || found.outcome === 'begun') && before.length > 0) {
    const now = await filesNow(at, node, await plannedPlace(at, node));
    if (before.every((files) => files === now)) return undefined;
    const how = found.outcome === 'failed' ? 'failed to start' : 'was cut off while it started';
    return `this run ${how} ${node} as master, and its data files changed since: whether it accepted writes is not known`;
  }
  return `${node} was started as master by this run and is down now: whether it accepted writes before is not known`;
}

async function restartedSince(
  node: string,
  pid: number,
  reader: RedisReader,
  at: At,
  found: Found,
): Promise<string | undefined> {
  const uptimeMs = Number((await infoOf(reader, 'server')).get('uptime_in_seconds') ?? 0) * 1000;
  const begun = typeof found.begunAt === 'string' ? Date.parse(found.begunAt) : Number.NaN;
  const isYounger = !(uptimeMs + SLACK_MS >= at.tools.now().getTime() - begun);
  const isOther = typeof found.pid === 'number' && found.pid !== pid;
  if (!isOther && !isYounger) return undefined;
  return `${node} is another process than the one that this run started: what that one accepted is not known`;
}

async function writesOf(node: string, reader: RedisReader): Promise<string | undefined> {
  const stats = await infoOf(reader, 'commandstats');
  const called = [...stats].flatMap(([key, value]) => {
    const calls = Number(/\bcalls=(\d+)/.exec(value)?.[1] ?? 0);
    return key.startsWith('cmdstat_') && calls > 0 ? [{ name: key.slice('cmdstat_'.length), calls }] : [];
  });
  if (called.length === 0) return undefined;
  // CONFIG RESETSTAT counts itself after it set all others back (server.c:call, seen on 7.0.15).
  const setBack = `the counters of ${node} were set back (CONFIG RESETSTAT) since this run started it: whether it accepted writes is not known`;
  if (called.some(({ name }) => name === 'config|resetstat')) return setBack;
  const answer = await answerOf(reader, 'COMMAND INFO', ...called.map(({ name }) => name));
  const writes = called.filter((_, index) => isWrite(Array.isArray(answer) ? answer[index] : undefined));
  if (writes.length === 0) {
    const mayBe = called.some(({ name }) => name === 'config');
    return mayBe && (await countsTooFew(reader)) ? setBack : undefined;
  }
  const sum = writes.reduce((total, { calls }) => total + calls, 0);
  return `${node} has accepted ${sum} ${sum === 1 ? 'write' : 'writes'} since this run started it`;
}

/** Clients that are no connection: two or three on 6.0.16; with modules, and after SCRIPT FLUSH, there are more. */
const OTHER_CLIENTS = 4;

/**
 * Before 7.0 CONFIG RESETSTAT is one call of CONFIG among others. It sets back the count of connections, too, and not that of
 * client ids, which each connection takes one of (networking.c:createClient; seen on 6.0.16).
 */
async function countsTooFew(reader: RedisReader): Promise<boolean> {
  const list = String(await answerOf(reader, 'CLIENT LIST'));
  const newest = Math.max(0, ...[...list.matchAll(/^id=(\d+) /gm)].map(([, id]) => Number(id)));
  const connections = Number((await infoOf(reader, 'stats')).get('total_connections_received') ?? 0);
  return newest - connections > OTHER_CLIENTS;
}

/** COMMAND INFO: name, arity, flags. A command that the server itself does not know is taken for a write. */
function isWrite(entry: unknown): boolean {
  const flags: unknown = Array.isArray(entry) ? entry[2] : undefined;
  return !Array.isArray(flags) || flags.some((flag) => String(flag) === 'write');
}
