import type { Duplex } from 'node:stream';
import type { Resp } from '../model/raw-host.js';
import type { From, Seen } from '../model/seen.js';
import {
  type FullSyncPlace,
  type PayloadForm,
  payloadEnd,
  readFullResync,
  readPayloadForm,
} from '../redis/full-sync.js';
import { ChannelLost } from './channel.js';
import { connectNode, reasonFor } from './connect-node.js';
import type { RedisAccess } from './host.js';
import { errorOf, prove } from './prove.js';
import { missed, missedBy, onAbort, reasonOf, saw, within } from './reading.js';
import type { ConnectionOptions } from './redis-client.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';
import type { Reply } from './redis-link.js';
import { type Incoming, incoming } from './replication-bytes.js';

export interface FullSyncOptions {
  /** For everything until the first byte of the data: the node may wait for other replicas, or for a save under way; milliseconds. */
  readonly startLimitMs: number;
  /** The connection counts as lost when nothing at all comes for so long, milliseconds. */
  readonly silenceLimitMs: number;
}

/** The whole data of a node, as an RDB file. */
export interface FullSync extends FullSyncPlace {
  readonly form: PayloadForm;
  /** To be read once. Rejects with ChannelLost when the connection ends before the data does; the connection is closed with its end. */
  readonly payload: AsyncIterable<Uint8Array>;
}

/** A connection that plays a replica. */
export interface ReplicationLink {
  /** Asks for all of the data. Rejects with the node's own words when it does not give it, ChannelLost when the connection ends. */
  fullSync(options: FullSyncOptions): Promise<FullSync>;
  close(): void;
}

/** A Redis line is short: nothing that is longer is one. */
const LINE_BYTES = 4096;

/**
 * A connection that is proven and, where needed, logged in as `openReader` does it, on which nothing else was said yet. Not
 * ok: the same reasons. When `signal` ends, so does the connection.
 */
export async function openReplication(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Seen<ReplicationLink>> {
  const from = { host: host.entry.name, node: endpoint.node, source: `PSYNC ${wordsOfPlace(endpoint)}` };
  const opened = await within(from, options.timeoutMs, signal, (own) => establish(host, endpoint, options, from, own));
  if (!opened.ok) return opened;
  const { stream, input } = opened.value;
  const forget = onAbort(signal, () => stream.destroy());
  const close = () => {
    forget();
    stream.destroy();
  };
  const link = { stream, input, node: endpoint.node, timeoutMs: options.timeoutMs, close };
  return { ...opened, value: { fullSync: (limits) => fullSync(link, limits), close } };
}

interface Open {
  readonly stream: Duplex;
  readonly input: Incoming;
}

async function establish(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  { timeoutMs }: ConnectionOptions,
  from: From,
  signal: AbortSignal,
): Promise<Seen<Open>> {
  const { stream, trouble } = await connectNode(host, endpoint, signal);
  const forget = onAbort(signal, () => stream.destroy());
  const input = incoming(stream);
  const send = (words: readonly (string | Uint8Array)[]) => ask({ stream, input, timeoutMs }, words);
  const failed = await prove({ send }, host, endpoint, from, signal).catch((error: unknown) => missedBy(error, from));
  forget();
  if (failed === undefined && !signal.aborted) return saw({ stream, input }, from);
  stream.destroy();
  return reasonFor(failed ?? missed('timeout', 'stopped', from), endpoint, trouble());
}

/** One command and its answer, which is one line: PING, AUTH and REPLCONF give no other. */
async function ask(
  { stream, input, timeoutMs }: Open & { readonly timeoutMs: number },
  words: readonly (string | Uint8Array)[],
): Promise<Reply> {
  try {
    stream.write(commandOf(words));
    return { kind: 'answer', answer: answerIn(await input.line(LINE_BYTES, timeoutMs)) };
  } catch (error) {
    stream.destroy();
    return { kind: 'lost', why: 'refused', detail: `the connection was lost: ${reasonOf(error)}`, sent: true };
  }
}

function answerIn(line: string): Resp {
  if (line.startsWith('-')) return { error: line.slice(1) };
  if (line.startsWith('+')) return line.slice(1);
  throw new Error(`got ${JSON.stringify(line.slice(0, 100))} for an answer`);
}

function commandOf(words: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = words.map((word) => Buffer.from(word));
  const framed = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...framed]);
}

interface Linked extends Open {
  readonly node: string;
  readonly timeoutMs: number;
  readonly close: () => void;
}

/**
 * No listening-port is announced: there is none, and INFO of the node shows port 0 meanwhile. `rdb-only` (6.2 and later):
 * the node keeps no stream of writes for us, however slowly we read. `capa eof`: no file is needed for us.
 */
async function fullSync(link: Linked, { startLimitMs, silenceLimitMs }: FullSyncOptions): Promise<FullSync> {
  const { input, stream, node } = link;
  try {
    await replconf(link, ['capa', 'eof', 'capa', 'psync2'], 'must');
    await replconf(link, ['rdb-only', '1'], 'may');
    stream.write(commandOf(['PSYNC', '?', '-1']));
    const until = performance.now() + startLimitMs;
    const place = await settled(input, silenceLimitMs, until, (line) => placeIn(line, node));
    const form = await settled(input, silenceLimitMs, until, (line) => formIn(line, node));
    return { ...place, form, payload: payload(link, form, silenceLimitMs) };
  } catch (error) {
    link.close();
    throw error;
  }
}

async function replconf(link: Linked, words: readonly string[], how: 'must' | 'may'): Promise<void> {
  const reply = await ask(link, ['REPLCONF', ...words]);
  if (reply.kind === 'lost') throw new ChannelLost(`${link.node}: ${reply.detail}`);
  const error = errorOf(reply.answer);
  if (error === undefined || (how === 'may' && !/^(NOPERM|NOAUTH)/.test(error))) return;
  throw new Error(`${link.node} takes nobody for a replica on this connection: ${refusal(error)}`);
}

function refusal(error: string): string {
  return /^NOPERM/.test(error) ? `${error} (the user needs +psync, +replconf and +ping)` : error;
}

/** Empty lines keep the connection alive while the node waits for its save (replication.c:replicationCron). */
async function settled<T>(
  input: Incoming,
  silenceLimitMs: number,
  until: number,
  read: (line: string) => T,
): Promise<T> {
  for (;;) {
    const left = until - performance.now();
    if (left <= 0) throw new Error('the node did not begin to give its data in time');
    const line = await input.line(LINE_BYTES, Math.min(silenceLimitMs, left));
    if (line !== '') return read(line);
  }
}

function placeIn(line: string, node: string): FullSyncPlace {
  const place = line.startsWith('+') ? readFullResync(line.slice(1)) : undefined;
  if (place !== undefined) return place;
  throw new Error(`${node} does not give its data: ${line.startsWith('-') ? refusal(line.slice(1)) : shown(line)}`);
}

function formIn(line: string, node: string): PayloadForm {
  const form = line.startsWith('$') ? readPayloadForm(line.slice(1)) : undefined;
  if (form !== undefined) return form;
  throw new Error(`${node} does not give its data: ${line.startsWith('-') ? line.slice(1) : shown(line)}`);
}

function shown(line: string): string {
  return `it said ${JSON.stringify(line.slice(0, 100))}`;
}

async function* payload(link: Linked, form: PayloadForm, silenceLimitMs: number): AsyncGenerator<Uint8Array> {
  const end = payloadEnd(form);
  let bytes = 0n;
  try {
    while (!end.isOver()) {
      const chunk = await link.input.chunk(silenceLimitMs).catch((error: unknown) => {
        throw new ChannelLost(
          `the connection to ${link.node} broke after ${bytes} bytes of its data: ${reasonOf(error)}`,
        );
      });
      for (const part of end.feed(chunk)) {
        bytes += BigInt(part.length);
        yield part;
      }
    }
  } finally {
    link.close();
  }
}
