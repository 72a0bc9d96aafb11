import type { LogEvent, LogPlace } from '../model/formats.js';
import type { RawLine } from '../model/raw-host.js';
import { createLogLineReader } from './log-lines.js';

export { lastLocalTime } from './log-lines.js';

type Body = LogEvent extends infer Event ? (Event extends LogEvent ? Omit<Event, 'at'> : never) : never;

/** `evidence` finds lines of this kind with grep -E in a raw log; `form` and `event` read the message behind the time. */
interface Rule {
  readonly evidence: string;
  readonly form: RegExp;
  readonly event: (parts: readonly string[]) => Body;
}

const master = '(?:MASTER|PRIMARY|master|primary)';
const replica = '(?:[Rr]eplica|[Ss]lave)';
const requested = String.raw`\((?:user|failover) request(?: from '(.*)')?\)`;
/** What `by` says before 2.8.18, where the line does not name the client. */
const someClient = 'a client';

/** What Valkey 8.1 writes in place of what users chose (hide-user-data-from-log, its default). */
const hidden = '*redacted*';

/** The name that the client gave itself, else its address. */
function clientOf(info: string | undefined): string {
  const name = / name=(\S+) /.exec(info ?? '')?.[1];
  return (name === hidden ? undefined : name) ?? / addr=(\S+) /.exec(info ?? '')?.[1] ?? someClient;
}

function rule(evidence: string, form: string, event: (parts: readonly string[]) => Body): Rule {
  return { evidence, form: new RegExp(`^${form}$`), event };
}

/**
 * One entry for each kind. Texts: 7.0.15 as recorded, "slave" wordings of server.c, replication.c, rdb.c and aof.c of
 * 2.8 to 6.2, "primary" of Valkey 8. The first that fits wins.
 */
const rules: readonly Rule[] = [
  rule('[A-Za-z]+ version=[0-9.]+, bits=', '(\\S+) version=([^ ,]+), bits=.*', ([name, version = '']) => ({
    kind: 'started',
    version,
    flavour: name === 'Valkey' ? 'valkey' : 'redis',
  })),
  rule('Server started, Redis version', 'Server started, Redis version (\\S+)', ([version = '']) => ({
    kind: 'started',
    version,
    flavour: 'redis',
  })),
  rule('eady to accept connections', '(?:The server is now ready|Ready) to accept connections.*', () => ({
    kind: 'ready',
  })),
  rule('DB loaded from disk', 'DB loaded from disk.*', () => ({ kind: 'loaded-rdb' })),
  rule('DB loaded from append only file', 'DB loaded from append only file.*', () => ({ kind: 'loaded-aof' })),
  rule(
    'Replication backlog created',
    "Replication backlog created, my new replication IDs are '([0-9a-f]{40})'.*",
    ([replid = '']) => ({ kind: 'backlog-created', replid }),
  ),
  rule(
    'Setting secondary replication ID',
    'Setting secondary replication ID to ([0-9a-f]{40}), valid up to offset: (-?\\d+)\\. New replication ID is ([0-9a-f]{40})',
    // The printed offset is second_replid_offset, one past the last byte of the shared history.
    ([parent = '', cut = '0', replid = '']) => ({ kind: 'promoted', parent, cut: BigInt(cut) - 1n, replid }),
  ),
  rule('(MASTER|PRIMARY) MODE enabled', `${master} MODE enabled ${requested}`, ([info]) => ({
    kind: 'master-mode',
    by: clientOf(info),
  })),
  rule(
    '(REPLICAOF|SLAVE OF) .* enabled',
    `(?:REPLICAOF|SLAVE OF) (\\S+) enabled ${requested}`,
    ([address = '', info]) => ({ kind: 'replica-of', address, by: clientOf(info) }),
  ),
  rule('Failover target .* is synced', 'Failover target (\\S+) is synced, failing over\\.', ([address = '']) => ({
    kind: 'replica-of',
    address,
    by: 'FAILOVER',
  })),
  rule(
    'onnecting to (MASTER|PRIMARY) ',
    `(?:Connecting|Reconnecting) to ${master} (\\S+)(?: after failure)?`,
    ([address = '']) => ({ kind: 'connecting-to-master', address }),
  ),
  rule(
    'Trying a partial resynchronization',
    'Trying a partial resynchronization \\(request ([0-9a-f]{40}):(-?\\d+)\\)\\.',
    ([replid = '', offset = '0']) => ({ kind: 'partial-requested', replid, requestOffset: BigInt(offset) }),
  ),
  rule(
    'Full resync from (master|primary)',
    `Full resync from ${master}: ([0-9a-f]{40}):(-?\\d+)`,
    ([replid = '', offset = '0']) => ({ kind: 'full-resync', replid, offset: BigInt(offset) }),
  ),
  rule('Successful partial resynchronization', `Successful partial resynchronization with ${master}\\.`, () => ({
    kind: 'partial-resync',
  })),
  rule('replication ID changed to', '(?:Master|Primary) replication ID changed to ([0-9a-f]{40})', ([replid = '']) => ({
    kind: 'master-id-changed',
    replid,
  })),
  rule('Connection with (master|primary) lost', `Connection with ${master} lost\\.`, () => ({ kind: 'master-lost' })),
  rule('Discarding previously cached', `Discarding previously cached ${master} state\\.`, () => ({
    kind: 'cached-master-discarded',
  })),
  rule('asks for synchronization', `${replica} (?:(\\S+) )?asks for synchronization`, ([address = '']) => ({
    kind: 'replica-asks',
    address,
  })),
  rule(
    'Synchronization with (replica|slave)',
    `Synchronization with ${replica} (?:(\\S+) )?succeeded`,
    ([address = '']) => ({ kind: 'replica-synced', address }),
  ),
  rule(
    'Partial resynchronization request',
    'Partial resynchronization request (?:from (\\S+) )?accepted\\. Sending (\\d+) bytes of backlog starting from offset (\\d+)\\.',
    ([address = '', length = '0', offset = '0']) => ({
      kind: 'partial-accepted',
      address,
      offset: BigInt(offset),
      lengthBytes: BigInt(length),
    }),
  ),
  rule(
    'Connection with (replica|slave) .*lost',
    `Connection with ${replica} (?:(\\S+) )?lost\\.`,
    ([address = '']) => ({ kind: 'replica-lost', address }),
  ),
  rule('to synthesize a cached', `Before turning into a ${replica}, .*to synthesize a cached ${master}.*`, () => ({
    kind: 'cached-master-from-disk',
  })),
  rule(
    'are in sync when shutting down',
    '(\\d+) of (\\d+) replicas are in sync when shutting down\\.',
    ([inSync, replicas]) => ({ kind: 'synced-at-shutdown', inSync: Number(inSync), replicas: Number(replicas) }),
  ),
  rule('Received SIG[A-Z]+,? scheduling', 'Received (SIG[A-Z]+),? scheduling shutdown\\.\\.\\.', ([by = '']) => ({
    kind: 'shutdown-requested',
    by,
  })),
  rule('Received shutdown signal', 'Received shutdown signal.*', () => ({
    kind: 'shutdown-requested',
    by: 'a signal',
  })),
  rule('User requested shutdown', 'User requested shutdown\\.\\.\\.', () => ({
    kind: 'shutdown-requested',
    by: someClient,
  })),
  rule('DB saved on disk', 'DB saved on disk', () => ({ kind: 'saved' })),
  rule(
    'Background saving (error|terminated by)|Can.t save in background|Failed opening .*RDB file|Write error .*saving DB|Error moving temp DB|Error trying to save the DB',
    "((?:Background saving (?:error|terminated by signal)|Can't save in background|Failed opening .*RDB file|Write error .*saving DB|Error moving temp DB|Error trying to save the DB).*)",
    ([reason = '']) => ({ kind: 'save-failed', reason }),
  ),
  rule('is now ready to exit', '\\S+ is now ready to exit.*', () => ({ kind: 'exited' })),
  rule('Truncating the AOF', '!!! Truncating the AOF .*at offset (\\d+) !!!', ([offset = '0']) => ({
    kind: 'aof-truncated',
    offset: BigInt(offset),
  })),
  rule('Revert incomplete MULTI', 'Revert incomplete MULTI/EXEC transaction.*', () => ({ kind: 'multi-reverted' })),
  rule('Background AOF rewrite finished', 'Background AOF rewrite finished successfully', () => ({
    kind: 'aof-rewritten',
  })),
  // server.c:prepareForShutdown: only where appendonly is on at that moment.
  rule('Calling fsync.* on the AOF', 'Calling fsync\\(\\) on the AOF file\\.', () => ({ kind: 'aof-synced' })),
  rule('sync: Flushing old data', `${master} <-> (?:REPLICA|SLAVE) sync: Flushing old data.*`, () => ({
    kind: 'flushed',
  })),
  rule(
    'Fatal error|FATAL|Exiting|aborting( now)?\\.|not listen anywhere|crashed by signal|ASSERTION FAILED|Guru Meditation|Out Of Memory|reading the append only file|Unable to obtain the AOF file|Can.t handle RDB format|Wrong signature trying to load',
    "\\s*((?:.*(?:Fatal error|FATAL|Exiting|aborting(?: now)?\\.|not listen anywhere|crashed by signal|ASSERTION FAILED|Guru Meditation)|Out Of Memory|(?:Bad file format|Unexpected end of file|Unrecoverable error) reading the append only file|Unable to obtain the AOF file|Can't handle RDB format|Wrong signature trying to load).*)",
    ([reason = '']) => ({ kind: 'fatal', reason }),
  ),
];

/** Lines that give no event of their own but change the reading of others. */
const companions = ['Done loading RDB, keys loaded', 'Creating AOF base file .* on server start'];

/** A POSIX extended regular expression (grep -E, LC_ALL=C) that picks every line `parseRedisLog` needs out of a log. */
export const evidenceErePattern: string = [...rules.map(({ evidence }) => evidence), ...companions].join('|');

/** The same as `evidenceErePattern` for JavaScript. */
export const evidencePattern: RegExp = new RegExp(evidenceErePattern);

const doneLoading = /^Done loading RDB, keys loaded: (\d+)/;
const newAofBase = /^Creating AOF base file \S+ on server start$/;

/**
 * The events of a redis-server log, from its lines oldest first (rotated files before the current one); lines that say
 * nothing are passed over, so the lines that `evidencePattern` picks give the same events as the whole log.
 * - `loaded-nothing` stands at the line that shows it: a new AOF base is created, or the server is ready without having
 *   loaded, both only when its start is in the lines.
 * - `loaded-rdb` carries the keys where the version prints them (7.0); what a replica loads in a sync is not a load.
 * - `cached-master-from-disk` is given only while the server starts; a master that is demoted live prints the same line.
 * - One `shutdown-requested` for a signal and the "User requested shutdown" that follows it, at the line with a time.
 * - Addresses are empty where versions before 2.8.13 print none.
 */
export function parseRedisLog(lines: readonly RawLine[]): LogEvent[] {
  const read = createLogLineReader();
  const events: LogEvent[] = [];
  const state = { starting: false, loaded: false, keys: undefined as bigint | undefined, signalled: -1 };
  for (const raw of lines) {
    const { at, message, signalAtSeconds } = read(raw);
    const keys = doneLoading.exec(message)?.[1];
    if (keys !== undefined) state.keys = BigInt(keys);
    const body = newAofBase.test(message) ? ({ kind: 'loaded-nothing' } as const) : bodyOf(message);
    if (body !== undefined) addEvent(body, at, signalAtSeconds !== undefined, events, state);
  }
  return events;
}

interface ReadingState {
  starting: boolean;
  loaded: boolean;
  keys: bigint | undefined;
  /** Index of the event of a signal whose "User requested shutdown" has not come yet; -1 for none. */
  signalled: number;
}

function addEvent(body: Body, at: LogPlace, signal: boolean, events: LogEvent[], state: ReadingState): void {
  if (body.kind === 'shutdown-requested') addShutdown(body, at, signal, events, state);
  else for (const event of inContext(body, state)) events.push({ at, ...event } as LogEvent);
}

/** The events that a line gives where it stands: in a start or later, after a load or not. */
function inContext(body: Body, state: ReadingState): readonly Body[] {
  const emptyStart = state.starting && !state.loaded;
  switch (body.kind) {
    case 'started':
      Object.assign(state, { starting: true, loaded: false, keys: undefined, signalled: -1 });
      return [body];
    case 'loaded-rdb': {
      const keys = state.keys;
      Object.assign(state, { loaded: true, keys: undefined });
      return [keys === undefined ? body : { ...body, keys }];
    }
    case 'loaded-aof':
      state.loaded = true;
      return [body];
    case 'loaded-nothing':
      state.loaded = true;
      return emptyStart ? [body] : [];
    case 'ready':
      state.starting = false;
      return emptyStart ? [{ kind: 'loaded-nothing' }, body] : [body];
    case 'cached-master-from-disk':
      return state.starting ? [body] : [];
    default:
      return [body];
  }
}

function addShutdown(
  body: Extract<Body, { kind: 'shutdown-requested' }>,
  at: LogPlace,
  signal: boolean,
  events: LogEvent[],
  state: ReadingState,
): void {
  const announced = events[state.signalled];
  if (!signal && announced?.kind === 'shutdown-requested' && announced.at.pid === at.pid) {
    events[state.signalled] = { ...announced, at };
    state.signalled = -1;
    return;
  }
  events.push({ at, ...body });
  state.signalled = signal ? events.length - 1 : -1;
}

function bodyOf(message: string): Body | undefined {
  for (const { form, event } of rules) {
    const parts = form.exec(message);
    if (parts !== null) return event(parts.slice(1));
  }
  return undefined;
}
