import type { Duplex } from 'node:stream';
import { AbstractConnector, Redis } from 'ioredis';
import type { Resp } from '../model/raw-host.js';
import { secretToken } from '../model/secret.js';
import type { From, Seen } from '../model/seen.js';
import { secretDirectives } from '../redis/secrets.js';
import { connectNode, reasonFor } from './connect-node.js';
import type { RedisAccess, RedisReader, RedisWriter, WritableHost } from './host.js';
import { readCommands, writeCommands } from './host.js';
import { prove } from './prove.js';
import { missed, missedBy, onAbort, saw, within } from './reading.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';
import { type Link, linkOver, type RawResp } from './redis-link.js';

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
const DISCONNECT_TIMEOUT_MS = 100;

type NetStream = Awaited<ReturnType<AbstractConnector['connect']>>;

/** ioredis calls these on every stream; streams that are no sockets (a channel inside SSH) do not have them. */
function asSocket(stream: Duplex): NetStream {
  const missing = ['setNoDelay', 'setKeepAlive', 'setTimeout'].filter((name) => !(name in stream));
  return Object.assign(stream, Object.fromEntries(missing.map((name) => [name, () => stream]))) as unknown as NetStream;
}

/**
 * An ioredis client over a stream that is connected already. It sends nothing by itself (no HELLO, AUTH, INFO, CLIENT),
 * never reconnects and never sends a command twice: with its defaults a write in flight is sent again after a reconnect.
 */
function clientOver(stream: Duplex): Redis {
  class OverStream extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    override connect(): Promise<NetStream> {
      this.stream = asSocket(stream);
      return Promise.resolve(this.stream);
    }
  }
  return new Redis({
    Connector: OverStream,
    retryStrategy: null,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    lazyConnect: true,
    stringNumbers: true,
    protocol: 2,
    disableClientInfo: true,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  });
}

export interface ConnectionOptions {
  /** Time for connecting and proving, and for each answer, milliseconds. */
  readonly timeoutMs: number;
  /** Bytes of one answer; 64 MiB when left out. */
  readonly limitBytes?: number;
}

async function establish(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  from: From,
  signal: AbortSignal,
): Promise<Seen<Link>> {
  const { stream, trouble } = await connectNode(host, endpoint, signal);
  if (signal.aborted) {
    stream.destroy();
    return missed('timeout', 'stopped', from);
  }
  const limits = { timeoutMs: options.timeoutMs, limitBytes: options.limitBytes ?? ANSWER_LIMIT_BYTES };
  const link = await linkOver(clientOver(stream), stream, limits);
  onAbort(signal, () => link.end('timeout', 'stopped'));
  const failed = await prove(link, host, endpoint, from, signal).catch((error: unknown) => missedBy(error, from));
  if (failed) link.end(failed.why, failed.detail);
  return failed ? reasonFor(failed, endpoint, trouble()) : saw(link, from);
}

async function openLink(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Seen<Link>> {
  const from = { host: host.entry.name, node: endpoint.node, source: `PING ${wordsOfPlace(endpoint)}` };
  const opened = await within(from, options.timeoutMs, signal, (own) => establish(host, endpoint, options, from, own));
  if (!opened.ok) return opened;
  const link = opened.value;
  const forget = onAbort(signal, () => link.end('timeout', 'stopped'));
  const end: Link['end'] = (why, detail) => {
    forget();
    link.end(why, detail);
  };
  return saw({ ...link, end }, from);
}

type Words = readonly (string | Uint8Array)[];

function wordsOf(command: string, args: Words, allowed: readonly string[]): Words {
  if (!allowed.includes(command)) throw new TypeError(`${command} is not a command that this connection may send`);
  return [...command.split(' '), ...args];
}

/** CONFIG GET answers with secrets as tokens: what is read is kept and shown. */
function withoutSecrets(command: string, answer: Resp): Resp {
  if (command !== 'CONFIG GET' || !Array.isArray(answer)) return answer;
  return answer.map((item, index) => {
    const name = index % 2 === 1 ? String(answer[index - 1]).toLowerCase() : '';
    const isSecret = secretDirectives.has(name) || name === 'primaryauth';
    return isSecret && typeof item === 'string' && item !== '' ? secretToken(item) : item;
  });
}

function readerOver(link: Link, host: RedisAccess, endpoint: RedisEndpoint): RedisReader {
  return {
    async ask(command, ...args) {
      const words = wordsOf(command, args, readCommands);
      const source = words.map((word) => (typeof word === 'string' ? word : '(bytes)')).join(' ');
      const from = { host: host.entry.name, node: endpoint.node, source };
      const reply = await link.send(words);
      if (reply.kind === 'lost') return missed(reply.why, reply.detail, from);
      return saw(withoutSecrets(command, reply.answer), from);
    },
    close: () => link.end('refused', 'closed by us'),
  };
}

/**
 * A connection that can only look, proven by PING. Not ok: `denied` with the server's words (NOAUTH, WRONGPASS,
 * protected mode) or because nobody vouches for the listener, `refused`, `timeout`. The password is tried once.
 * When `signal` ends, so does the connection.
 */
export async function openReader(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Seen<RedisReader>> {
  const opened = await openLink(host, endpoint, options, signal);
  return opened.ok ? { ...opened, value: readerOver(opened.value, host, endpoint) } : opened;
}

/** How old a look at the token may be when a command leaves: a machine that slept in between looks again. */
const CLAIM_AGE_MS = 5000;
const MOST_CLAIM_LOOKS = 5;

/** Sees the token of a claimed host, so that what is sent in the same turn is not sent by one who slept meanwhile. */
async function freshClaim(host: WritableHost, signal: AbortSignal): Promise<void> {
  if (host.checkClaim === undefined) return;
  for (let looks = 0; looks < MOST_CLAIM_LOOKS; looks += 1) {
    const began = Date.now();
    await host.checkClaim(signal);
    // The wall clock: the one of performance.now() stands still while a machine sleeps.
    if (Math.abs(Date.now() - began) < CLAIM_AGE_MS) return;
    signal.throwIfAborted();
  }
  throw new Error(`${host.entry.name} answers too slowly to know that this run still holds its lock: nothing was sent`);
}

/**
 * As `openReader`, for a connection that may change the node. A command is sent once; a lost answer is `unknown`. On a
 * claimed host the token is seen right before each command; rejects with ClaimLost when it is gone.
 */
export async function openWriter(
  host: WritableHost,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Seen<RedisWriter>> {
  const opened = await openLink(host, endpoint, options, signal);
  if (!opened.ok) return opened;
  const link = opened.value;
  const send: RedisWriter['send'] = async (command, ...args) => {
    await freshClaim(host, signal);
    const reply = await link.send(wordsOf(command, args, writeCommands));
    if (reply.kind === 'answer') return { outcome: 'answered', answer: reply.answer };
    return { outcome: 'unknown', why: reply.sent ? reply.detail : `${reply.detail}; the command was never sent` };
  };
  return { ...opened, value: { ...readerOver(link, host, endpoint), send } };
}

/** A connection to a closed server of our own: any command, and answers as bytes. */
export interface OwnServerLink {
  /** Rejects when the connection is lost; an error of the server is an answer. */
  call(...words: readonly (string | Uint8Array)[]): Promise<RawResp>;
  close(): void;
}

/** As `openReader`, for a throw-away server that this process started: nothing that can be done to it matters. */
export async function openOwnServer(
  host: RedisAccess,
  endpoint: RedisEndpoint & { readonly node: 'scratch' },
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Seen<OwnServerLink>> {
  const opened = await openLink(host, endpoint, options, signal);
  if (!opened.ok) return opened;
  const link = opened.value;
  const call: OwnServerLink['call'] = async (...words) => {
    const reply = await link.sendRaw(words);
    if (reply.kind === 'lost') throw new Error(`the closed server was lost: ${reply.detail}`);
    return reply.answer;
  };
  return { ...opened, value: { call, close: () => link.end('refused', 'closed by us') } };
}
