import type { ReadCommand, RedisReader, RedisWriter, WritableHost, WriteCommand } from '../hosts/host.js';
import { type ConnectionOptions, openReader, openWriter } from '../hosts/redis-client.js';
import { endpointOf, type RedisEndpoint } from '../hosts/redis-endpoint.js';
import { openReplication, type ReplicationLink } from '../hosts/replication.js';
import type { NodeEntry } from '../model/inventory.js';
import type { Resp } from '../model/raw-host.js';
import type { Secret } from '../model/secret.js';
import type { Seen } from '../model/seen.js';
import type { RunningRedis } from '../model/survey.js';
import { type Credentials, credentialsOf, usersIn } from '../redis/credentials.js';
import { parseInfo, parseRunningRedis } from '../redis/info.js';
import { parseConfig } from '../redis/redis-conf.js';
import { redactConfig } from '../redis/secrets.js';
import { readTexts } from './config-texts.js';
import { type Reach, Unsure } from './tools.js';

/** Time for a connection and for each answer; over it, what was sent is unknown. */
const LIMITS = { timeoutMs: 5000 };

/** A node of the inventory and the machine that it is on. */
export interface NodeAt {
  readonly entry: NodeEntry;
  readonly host: WritableHost;
  /** The same machine for the files that the node's config or its server names (`Host.named`). */
  readonly named: WritableHost;
}

/** The host of that name; where this run holds its lock, one that does nothing without it. Throws when the run does not have it. */
export function hostOf(at: Reach, name: string): WritableHost {
  const host = at.memory.claimed?.get(name) ?? at.tools.hosts.get(name);
  if (!host) throw new Error(`${name} is no host of this run`);
  return host;
}

/** A node's entry by its id, or undefined. */
export function entryOf(tools: Pick<Reach['tools'], 'inventory'>, node: string): NodeEntry | undefined {
  for (const host of tools.inventory.hosts) {
    const entry = host.nodes.find((each) => each.id === node);
    if (entry) return entry;
  }
  return undefined;
}

/** A node by its id. Throws when the inventory or the run does not have it. */
export function nodeAt(at: Reach, node: string): NodeAt {
  const entry = entryOf(at.tools, node);
  if (!entry) throw new Error(`${node} is no node of fleet.yaml`);
  const host = hostOf(at, entry.host);
  return { entry, host, named: host.named(entry.config) };
}

/** The machine for a config file of a node: an include is touched with no more right than that of who may write the main file. */
export function fileHost(at: Reach, node: string, path: string): WritableHost {
  const { entry, host, named } = nodeAt(at, node);
  return path === entry.config ? host : named;
}

/** `address:port` of a node, as sentinels and INFO print it. */
export function addressOf(at: Reach, node: string): string {
  const { entry } = nodeAt(at, node);
  return `${entry.address}:${entry.port}`;
}

/** With what the node lets us in: what fleet.yaml gives, else what its own config files say; undefined when they say nothing. */
function credentialsAt(at: Reach, node: string): Promise<Credentials | undefined> {
  const known = at.memory.credentials.get(node);
  if (known) return known;
  const read = readCredentials(at, node);
  at.memory.credentials.set(node, read);
  read.catch(() => at.memory.credentials.delete(node));
  return read;
}

async function readCredentials(at: Reach, node: string): Promise<Credentials | undefined> {
  const given = at.tools.passwords.get(node);
  const { entry, host } = nodeAt(at, node);
  if (given) return credentialsOf(entry, given, new Map(), {});
  const { texts } = await readTexts(host, entry.config, at.signal);
  const secrets = new Map<string, Secret>();
  for (const text of texts.values()) for (const [key, secret] of redactConfig(text).secrets) secrets.set(key, secret);
  const lines = [...texts].flatMap(([path, text]) => parseConfig(path, text));
  return credentialsOf(entry, undefined, secrets, usersIn(lines));
}

function isSame(one: Credentials | undefined, other: Credentials): boolean {
  return one !== undefined && one.user === other.user && one.password.equals(other.password);
}

type Opener<T> = (
  host: WritableHost,
  endpoint: RedisEndpoint,
  options: ConnectionOptions,
  signal: AbortSignal,
) => Promise<Seen<T>>;

/** A connection. One that is turned away is tried once more where the config file gives another password by now. */
async function openTo<T>(at: Reach, node: string, open: Opener<T>): Promise<T> {
  const { entry, host } = nodeAt(at, node);
  const attempt = (credentials: Credentials | undefined) =>
    open(host, endpointOf(entry, credentials), LIMITS, at.signal);
  const first = await credentialsAt(at, node);
  let opened = await attempt(first);
  if (!opened.ok && opened.why === 'denied') {
    at.memory.credentials.delete(node);
    const now = await credentialsAt(at, node);
    if (now !== undefined && !isSame(first, now)) opened = await attempt(now);
  }
  if (!opened.ok) throw new Error(`${node} does not answer: ${opened.detail}`);
  return opened.value;
}

/** A connection that may change the node. Throws with the reason when it does not answer. The caller closes it. */
export function openWriterTo(at: Reach, node: string): Promise<RedisWriter> {
  return openTo(at, node, openWriter);
}

/** A connection over which a node gives its whole data as to a replica. Throws with the reason when it does not answer. The caller closes it. */
export function openReplicationTo(at: Reach, node: string): Promise<ReplicationLink> {
  return openTo(at, node, openReplication);
}

/** The connection that was kept for a node, when it still answers. */
async function keptReader(at: Reach, node: string): Promise<RedisReader | undefined> {
  const kept = at.memory.readers.get(node);
  at.memory.readers.delete(node);
  if (kept === undefined || (await kept.ask('PING')).ok) return kept;
  kept.close();
  return undefined;
}

/**
 * A looking connection for one use: the one that an earlier use left, or a new one. Left for the next use when all went
 * well, else closed.
 */
export async function withReader<T>(at: Reach, node: string, use: (reader: RedisReader) => Promise<T>): Promise<T> {
  const reader = (await keptReader(at, node)) ?? (await openTo(at, node, openReader));
  try {
    const used = await use(reader);
    at.memory.readers.get(node)?.close();
    at.memory.readers.set(node, reader);
    return used;
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** Opens a changing connection for one use and closes it. */
export async function withWriter<T>(at: Reach, node: string, use: (writer: RedisWriter) => Promise<T>): Promise<T> {
  const writer = await openWriterTo(at, node);
  try {
    return await use(writer);
  } finally {
    writer.close();
  }
}

/** The answer to a command that only looks. Throws what the server or the connection says when there is none. */
export async function answerOf(reader: RedisReader, command: ReadCommand, ...args: readonly string[]): Promise<Resp> {
  const seen = await reader.ask(command, ...args);
  if (!seen.ok) throw new Error(`${command}: ${seen.detail}`);
  if (isError(seen.value)) throw new Error(`${command}: ${seen.value.error}`);
  return seen.value;
}

/** The answer to a command that changes something. Throws `Unsure` when the connection was lost meanwhile, Error when it was refused. */
export async function replyOf(writer: RedisWriter, command: WriteCommand, ...args: readonly string[]): Promise<Resp> {
  const sent = await writer.send(command, ...args);
  if (sent.outcome === 'unknown') throw new Unsure(`${command}: ${sent.why}`);
  if (isError(sent.answer)) throw new Error(`${command}: ${sent.answer.error}`);
  return sent.answer;
}

function isError(answer: Resp): answer is { readonly error: string } {
  return typeof answer === 'object' && answer !== null && 'error' in answer;
}

/** The fields of one INFO section. */
export async function infoOf(reader: RedisReader, section: string): Promise<ReadonlyMap<string, string>> {
  return parseInfo(String(await answerOf(reader, 'INFO', section)));
}

/** What a running redis node tells of itself, on this connection. */
export async function runningOf(reader: RedisReader): Promise<RunningRedis> {
  return parseRunningRedis(String(await answerOf(reader, 'INFO', 'all')));
}

/** CONFIG GET of one directive, or undefined when the server does not know it. */
export async function configOf(reader: RedisReader, directive: string): Promise<string | undefined> {
  const answer = await answerOf(reader, 'CONFIG GET', directive);
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
}

/** The pid that runs a node, or null when none does. Throws when that cannot be seen. */
export async function pidOf(at: Reach, node: string): Promise<number | null> {
  const { entry, host } = nodeAt(at, node);
  const seen = await host.service(entry).pid(at.signal);
  if (!seen.ok) throw new Error(`whether ${node} runs could not be seen: ${seen.detail}`);
  return seen.value;
}
