import type { Duplex } from 'node:stream';
import { AbstractConnector, Redis } from 'ioredis';
import type { Resp } from '../model/raw-host.js';
import { REDACTED, secretToken } from '../model/secret.js';
import type { From, NotSeen, Seen } from '../model/seen.js';
import { encodeText } from '../redis/byte-text.js';
import type { Credentials } from '../redis/credentials.js';
import { secretDirectives } from '../redis/secrets.js';
import { connectHere } from './connect-here.js';
import type { RedisAccess, RedisReader, RedisWriter, WritableHost } from './host.js';
import { readCommands, writeCommands } from './host.js';
import { missed, missedBy, onAbort, saw, within } from './reading.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';
import { type Link, linkOver, type RawResp } from './redis-link.js';
import { type Secured, secured, type TlsTrouble } from './tls.js';

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

function errorOf(answer: Resp): string | undefined {
  return answer !== null && typeof answer === 'object' && 'error' in answer ? answer.error : undefined;
}

/** Words with which a server turns a client away; anything else it says to PING (LOADING, MASTERDOWN, MISCONF, BUSY) is life. */
const needsPassword = /^(NOAUTH|NOPERM|ERR operation not permitted)/;
const turnsAway = /^(NOAUTH|NOPERM|WRONGPASS|DENIED|ERR operation not permitted|ERR invalid password)/;
const isFull = /^ERR max number of clients/;

async function ping(link: Link, from: From): Promise<{ readonly error: string | undefined } | NotSeen> {
  const reply = await link.send(['PING']);
  if (reply.kind === 'lost') return missed(reply.why, reply.detail, from);
  return { error: errorOf(reply.answer) };
}

/** The password once, and the server's words without it: `unknown command 'AUTH', with args beginning with: …` repeats it. */
async function authenticate(link: Link, { password, user }: Credentials, from: From): Promise<NotSeen | undefined> {
  const who = user === undefined ? [] : [encodeText(user)];
  const reply = await password.reveal((text) => link.send(['AUTH', ...who, encodeText(text)]));
  if (reply.kind === 'lost') return missed(reply.why, reply.detail, from);
  const error = errorOf(reply.answer);
  if (error === undefined) return undefined;
  return missed(
    'denied',
    password.reveal((text) => (text === '' ? error : error.replaceAll(text, REDACTED))),
    from,
  );
}

/**
 * A link is proven by PING; the password is sent only when the server asks for one, or fleet.yaml names a user, and only
 * when the host vouches for what listens there.
 */
async function prove(
  link: Link,
  host: RedisAccess,
  endpoint: RedisEndpoint,
  from: From,
  signal: AbortSignal,
): Promise<NotSeen | undefined> {
  let pong = await ping(link, from);
  if ('ok' in pong) return pong;
  const { credentials } = endpoint;
  if (credentials && (credentials.always || needsPassword.test(pong.error ?? ''))) {
    const vouched = await host.vouch(endpoint, signal);
    if (!vouched.ok) return missed('denied', `no password is sent: ${vouched.detail}`, from);
    const failed = await authenticate(link, credentials, from);
    if (failed) return failed;
    pong = await ping(link, from);
    if ('ok' in pong) return pong;
  }
  if (turnsAway.test(pong.error ?? '')) return missed('denied', pong.error ?? '', from);
  return isFull.test(pong.error ?? '') ? missed('refused', pong.error ?? '', from) : undefined;
}

async function establish(
  host: RedisAccess,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  from: From,
  signal: AbortSignal,
): Promise<Seen<Link>> {
  const { address, port, tls } = endpoint;
  const raw = await (endpoint.direct ? connectHere : host.connect)(address, port, signal);
  raw.on('error', () => undefined);
  const { stream, trouble }: Secured = tls
    ? await secured(raw, endpoint, tls, signal)
    : { stream: raw, trouble: () => undefined };
  stream.on('error', () => undefined);
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

/** What TLS itself said tells more than that the connection was lost. */
function reasonFor(failed: NotSeen, endpoint: RedisEndpoint, trouble: TlsTrouble | undefined): NotSeen {
  if (trouble) return { ...failed, why: 'denied', detail: trouble.message };
  // The first byte of a TLS alert: the port wants TLS.
  if (endpoint.tls !== undefined || !failed.detail.includes('got "\u0015')) return failed;
  const where = `${endpoint.node} (${wordsOfPlace(endpoint)})`;
  return { ...failed, why: 'denied', detail: `${where} speaks TLS there; in fleet.yaml: tls: { ca: FILE }` };
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
