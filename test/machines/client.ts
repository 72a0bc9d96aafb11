import { Redis } from 'ioredis';
import type { NodeKind } from '../../src/model/inventory.js';
import type { Resp } from '../../src/model/raw-host.js';
import { type Fleet, type Machine, relaySocket } from './fleet.js';
import { placeOf } from './kinds.js';

const CONNECT_LIMIT_MS = 2000;
const ANSWER_LIMIT_MS = 5000;

/** A connection from the operator's namespace to a node; it never reconnects and sends nothing twice. */
export interface NodeClient {
  /** Rejects on an error answer and on a lost connection. */
  ask(...words: readonly string[]): Promise<Resp>;
  /** All at once; an answer that is an error is `{error}`; rejects when the connection ends first. */
  pipeline(commands: readonly (readonly string[])[]): Promise<readonly Resp[]>;
  close(): void;
}

/** Connects to a node of a machine and logs in to it. */
export async function openNode(fleet: Fleet, machine: Machine, node: NodeKind): Promise<NodeClient> {
  const redis = new Redis({
    path: relaySocket(fleet, machine, placeOf(machine.kind, node).port),
    connectTimeout: CONNECT_LIMIT_MS,
    commandTimeout: ANSWER_LIMIT_MS,
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    lazyConnect: true,
    stringNumbers: true,
    protocol: 2,
    disableClientInfo: true,
    disconnectTimeout: 100,
  });
  redis.on('error', () => undefined);
  const client: NodeClient = {
    ask: async (...words) => toResp(await call(redis, words)),
    pipeline: (commands) => Promise.all(commands.map((words) => call(redis, words).then(toResp, errorAnswer))),
    close: () => redis.disconnect(),
  };
  try {
    await redis.connect();
    if (node === 'redis') await client.ask('AUTH', fleet.password);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Connects, asks one question, closes. */
export async function askNode(
  fleet: Fleet,
  machine: Machine,
  node: NodeKind,
  ...words: readonly string[]
): Promise<Resp> {
  const client = await openNode(fleet, machine, node);
  try {
    return await client.ask(...words);
  } finally {
    client.close();
  }
}

function call(redis: Redis, words: readonly string[]): Promise<unknown> {
  const [command = '', ...args] = words;
  return redis.call(command, args);
}

function toResp(value: unknown): Resp {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value.map(toResp) : String(value);
}

function errorAnswer(error: unknown): Resp {
  if (error instanceof Error && error.name === 'ReplyError') return { error: error.message };
  throw error;
}
