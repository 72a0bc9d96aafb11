import { connect, type Socket } from 'node:net';
import type { Resp } from '../model/raw-host.js';
import { assertLoopback } from './block.js';

const CONNECT_LIMIT_MS = 2000;
const ANSWER_LIMIT_MS = 5000;

/** A connection of the lab's own client to one of its nodes. */
export interface RespClient {
  /** Sends the commands in one go; resolves with all answers in order; rejects when the connection ends before that. */
  pipeline(commands: readonly (readonly string[])[], limitMs?: number): Promise<readonly Resp[]>;
  /** One command; rejects on a lost connection and on an error answer. */
  ask(...command: readonly string[]): Promise<Resp>;
  close(): void;
}

interface Waiting {
  readonly resolve: (answers: readonly Resp[]) => void;
  readonly reject: (error: Error) => void;
  readonly want: number;
  readonly got: Resp[];
}

/** Opens a connection to a node of a lab (127.0.0.0/8 only) and logs in when a password is given. */
export async function openResp(address: string, port: number, password?: string): Promise<RespClient> {
  assertLoopback(address);
  const client = clientOn(await openSocket(address, port));
  try {
    if (password !== undefined && password !== '') await client.ask('AUTH', password);
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

/** Opens, asks, closes: for single questions. */
export async function askOnce(
  address: string,
  port: number,
  password: string | undefined,
  ...command: readonly string[]
): Promise<Resp> {
  const client = await openResp(address, port, password);
  try {
    return await client.ask(...command);
  } finally {
    client.close();
  }
}

/** `key:value` lines of an INFO answer. */
export function infoFields(answer: Resp): ReadonlyMap<string, string> {
  const text = typeof answer === 'string' ? answer : '';
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** Field names and values of a flat answer such as SENTINEL MASTER's. */
export function pairFields(answer: Resp): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(answer)) return fields;
  for (let i = 0; i + 1 < answer.length; i += 2) fields.set(String(answer[i]), String(answer[i + 1]));
  return fields;
}

function openSocket(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const timer = setTimeout(
      () => socket.destroy(new Error(`${address}:${port} did not accept in time`)),
      CONNECT_LIMIT_MS,
    );
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

function clientOn(socket: Socket): RespClient {
  const queue: Waiting[] = [];
  let buffered: Buffer = Buffer.alloc(0);
  function failAll(error: Error): void {
    for (const waiting of queue.splice(0)) waiting.reject(error);
  }
  socket.on('data', (chunk) => {
    buffered = buffered.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffered, Buffer.from(chunk)]);
    buffered = deliver(buffered, queue);
  });
  socket.on('error', failAll);
  socket.on('close', () => failAll(new Error('the connection was closed')));
  function pipeline(commands: readonly (readonly string[])[], limitMs = ANSWER_LIMIT_MS): Promise<readonly Resp[]> {
    return new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection was closed'));
      const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), limitMs);
      const settle = { resolve, reject };
      queue.push({
        resolve: (answers) => {
          clearTimeout(timer);
          settle.resolve(answers);
        },
        reject: (error) => {
          clearTimeout(timer);
          settle.reject(error);
        },
        want: commands.length,
        got: [],
      });
      socket.write(Buffer.concat(commands.map(encoded)));
    });
  }
  async function ask(...command: readonly string[]): Promise<Resp> {
    const [answer] = await pipeline([command]);
    if (answer === undefined) throw new Error('no answer');
    if (answer !== null && typeof answer === 'object' && 'error' in answer) throw new Error(answer.error);
    return answer;
  }
  return { pipeline, ask, close: () => socket.destroy() };
}

function encoded(command: readonly string[]): Buffer {
  const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${command.length}\r\n${words.join('')}`);
}

function deliver(bytes: Buffer, queue: Waiting[]): Buffer {
  let at = 0;
  for (;;) {
    const parsed = parse(bytes, at);
    if (parsed === undefined) return bytes.subarray(at);
    at = parsed.next;
    const first = queue[0];
    if (first === undefined) continue;
    first.got.push(parsed.value);
    if (first.got.length === first.want) {
      queue.shift();
      first.resolve(first.got);
    }
  }
}

interface Parsed {
  readonly value: Resp;
  readonly next: number;
}

function parse(bytes: Buffer, at: number): Parsed | undefined {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '-':
      return { value: { error: line }, next };
    case '$':
      return parseBulk(bytes, Number(line), next);
    case '*':
      return parseArray(bytes, Number(line), next);
    default:
      return { value: line, next };
  }
}

function parseBulk(bytes: Buffer, length: number, at: number): Parsed | undefined {
  if (length < 0) return { value: null, next: at };
  if (bytes.length < at + length + 2) return undefined;
  return { value: bytes.toString('utf8', at, at + length), next: at + length + 2 };
}

function parseArray(bytes: Buffer, count: number, at: number): Parsed | undefined {
  if (count < 0) return { value: null, next: at };
  const items: Resp[] = [];
  let next = at;
  for (let i = 0; i < count; i++) {
    const item = parse(bytes, next);
    if (item === undefined) return undefined;
    items.push(item.value);
    next = item.next;
  }
  return { value: items, next };
}
