import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Readable, Writable } from 'node:stream';
import { RunbookError } from '../errors.js';
import type { ExecStream } from './channel.js';
import { forwarded, forwardRefused } from './forwarded.js';
import { onAbort } from './reading.js';
import { wordsOfPlace } from './redis-endpoint.js';
import { NO_TOOL, type RelayTool, relayScript } from './relay-scripts.js';

/** Runs a shell script with arguments on the host, its input and output as streams. */
export type OpenScript = (
  script: { readonly script: string; readonly args: readonly string[] },
  signal: AbortSignal,
) => Promise<ExecStream>;

/** What a login shell may print before the relay speaks. */
const NOISE_BYTES = 64 * 1024;

interface Begun {
  /** The relay's first line without the mark. */
  readonly said: string;
  /** What came behind it already. */
  readonly rest: Uint8Array;
}

/** Reads up to the end of the line that begins with the mark. */
async function firstLine(chunks: AsyncIterator<Uint8Array>, mark: string): Promise<Begun | undefined> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const next = await chunks.next();
    if (next.done) return undefined;
    seen = Buffer.concat([seen, next.value]);
    const at = seen.indexOf(`${mark} `);
    const end = at < 0 ? -1 : seen.indexOf('\n', at);
    if (end >= 0) {
      return { said: seen.subarray(at + mark.length + 1, end).toString('utf8'), rest: seen.subarray(end + 1) };
    }
    if (seen.length > NOISE_BYTES) return undefined;
  }
}

async function* restOf(rest: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (rest.length > 0) yield rest;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

function writableOf({ stdin }: ExecStream): Writable {
  if (stdin instanceof Writable) return stdin;
  throw new TypeError('the input of a command is no stream');
}

function noTool(host: string, place: string): RunbookError {
  return new RunbookError(
    'unsupported',
    `${host} forwards no connection to ${place}, and has none of perl, python3, bash, socat, nc to relay one.`,
    {
      next: [
        `on ${host}: AllowTcpForwarding yes (AllowStreamLocalForwarding yes) in sshd_config, or install one of them`,
      ],
    },
  );
}

/**
 * A connection from the host by a program that runs there, for hosts whose sshd forwards nothing. It carries every byte
 * both ways and ends with either end. Rejects with ForwardRefused for what the host says of the connection, with
 * RunbookError `unsupported` when the host has no program for it, and as `open` does.
 */
export async function relayed(
  open: OpenScript,
  host: string,
  address: string,
  port: number,
  signal: AbortSignal,
  tools?: readonly RelayTool[],
): Promise<Duplex> {
  const mark = `redis-runbook-relay-${randomBytes(8).toString('hex')}`;
  const place = wordsOfPlace({ address, port });
  // The relay outlives the attempt to connect, so its own signal ends only until it is connected.
  const own = new AbortController();
  const forget = onAbort(signal, () => own.abort(signal.reason));
  const stream = await open({ script: relayScript(tools), args: [mark, address, String(port)] }, own.signal);
  stream.ended.catch(() => undefined);
  const stdin = writableOf(stream);
  stdin.on('error', () => undefined);
  const chunks = stream.stdout[Symbol.asyncIterator]();
  try {
    const begun = await firstLine(chunks, mark);
    signal.throwIfAborted();
    if (begun?.said === 'ok') {
      const readable = Readable.from(restOf(begun.rest, chunks), { objectMode: false });
      return forwarded({ readable, writable: stdin, close: () => stream.kill() });
    }
    if (begun?.said === NO_TOOL) throw noTool(host, place);
    throw forwardRefused(host, address, port, wordsOf(begun, await stream.ended));
  } catch (error) {
    stream.kill();
    throw error;
  } finally {
    forget();
  }
}

function wordsOf(begun: Begun | undefined, ended: { readonly status: number | null; readonly stderr: string }): string {
  const said = begun?.said.replace(/^no /, '') ?? ended.stderr.trim().split('\n').at(-1) ?? '';
  const clean = said.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
  return clean === '' ? `the relay ended with status ${ended.status}` : clean;
}
